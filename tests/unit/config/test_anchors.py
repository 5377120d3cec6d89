"""The settings of anchors."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from consentgate.config.anchoring import place_of, witnesses_of
from consentgate.config.settings import FILE, Settings, load_settings
from consentgate.config.times import Times
from consentgate.errors import Misconfigured
from consentgate.moment import system_clock, system_random
from consentgate.tlog.cosignature import WitnessKey, WitnessSigner
from consentgate.tlog.notekey import NoteSigner

KEYS = [WitnessSigner.generate(f"w.example/{number}", system_random).key for number in range(3)]
HEAD = 'format = 1\ndatabase = "sqlite:///x.db"\n'
FOLDER = '[[anchors]]\nname = "second-site"\nkind = "directory"\npath = "kept"\n'
BUCKET = '[[anchors]]\nname = "bucket"\nkind = "s3"\nbucket = "acme-log"\nretain_days = 3650\n'


def witness(number: int, key: WitnessKey | None = None, more: str = "") -> str:
    vkey = (key or KEYS[number]).vkey
    url = "https://w.example"
    return f'[[anchors]]\nname = "w-{number}"\nkind = "witness"\nurl = "{url}"\nvkey = "{vkey}"\n{more}\n'


def read(home: Path, text: str) -> Settings:
    (home / FILE).write_text(HEAD + text)
    return load_settings(home, {})


def test_anchors_are_read_as_they_stand(tmp_path: Path) -> None:
    more = f"{FOLDER}alarm_after_s = 60\n{BUCKET}prefix = 'a/b'\n{witness(0, more='retired = true')}"
    folder, bucket, cosigner = read(tmp_path, more).anchors
    assert (folder.name, folder.kind, folder.path) == ("second-site", "directory", tmp_path / "kept")
    assert (folder.late_after, folder.retired) == (timedelta(minutes=1), False)
    assert (bucket.bucket, bucket.prefix, bucket.retain) == ("acme-log", "a/b", timedelta(days=3650))
    assert bucket.late_after == timedelta(minutes=15)
    assert (cosigner.url, cosigner.key, cosigner.retired) == ("https://w.example", KEYS[0], True)
    plain = read(tmp_path, "")
    assert (plain.anchors, plain.witness_policy) == ((), None)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("anchors = 5", "[[anchors]]"),
        ("anchors = [1]", "[[anchors]]"),
        ('[[anchors]]\nkind = "directory"\npath = "a"', "has a name"),
        (FOLDER.replace("second-site", "a b"), "has a name"),
        (FOLDER.replace("directory", "tape"), "must be directory, s3 or witness"),
        ('[[anchors]]\nname = "a"', "must be directory, s3 or witness"),
        (
            FOLDER + 'bucket = "b-1"',
            "unknown setting anchors.second-site.bucket. Known for directory: alarm_after_s",
        ),
        (FOLDER.replace('"kept"', '""'), "anchors.second-site.path is missing"),
        (FOLDER.replace('"kept"', "5"), "anchors.second-site.path is missing"),
        (FOLDER + "alarm_after_s = 0", "anchors.second-site.alarm_after_s must be"),
        (FOLDER + "retired = 1", "anchors.second-site.retired must be"),
        (FOLDER + FOLDER, "two anchors have one name"),
        (BUCKET.replace("acme-log", "UP"), "anchors.bucket.bucket"),
        (BUCKET + 'prefix = "a/"', "anchors.bucket.prefix"),
        (BUCKET.replace("retain_days = 3650", ""), "anchors.bucket.retain_days"),
        (BUCKET.replace("3650", "40000"), "anchors.bucket.retain_days"),
        (BUCKET.replace("3650", "true"), "anchors.bucket.retain_days"),
        (witness(0).replace("vkey", "key"), "unknown setting anchors.w-0.key"),
        (witness(0).replace(KEYS[0].vkey, "no key"), "anchors.w-0.vkey cannot be used"),
        (witness(0) + witness(1, KEYS[0]), "two witnesses have one key"),
        (
            witness(0, WitnessKey(name="other", public=KEYS[1].public)) + witness(1),
            "two witnesses have one key",
        ),
    ],
)
def test_what_cannot_be_an_anchor_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(Misconfigured, match=re.escape(says)):
        read(tmp_path, text)


def test_a_key_of_a_log_is_no_witness(tmp_path: Path) -> None:
    vkey = NoteSigner.generate("w.example/1", system_random).key.vkey
    with pytest.raises(Misconfigured, match="vkey cannot be used"):
        read(tmp_path, witness(0).replace(KEYS[0].vkey, vkey))


def test_k_of_n_is_a_quorum_of_the_witnesses_that_are_asked(tmp_path: Path) -> None:
    text = f'witness_policy = "2 of 2"\n{witness(0)}{witness(1)}{witness(2, more="retired = true")}{FOLDER}'
    found = witnesses_of(read(tmp_path, text))
    assert found.keys == tuple(KEYS)
    assert found.policy is not None
    assert not found.policy.met({KEYS[0], KEYS[2]})
    assert found.policy.met({KEYS[0], KEYS[1]})
    assert found.policy.missing({KEYS[0]}) == (
        "group '2 of 2' has 1 of the 2 that it needs",
        "witness 'w-1' did not cosign",
    )
    assert witnesses_of(read(tmp_path, witness(0))).policy is None


@pytest.mark.parametrize("policy", ['"2 of 3"', '"3 of 2"', '""', "5", '"0 of 2"'])
def test_a_quorum_that_nobody_could_meet_is_refused(tmp_path: Path, policy: str) -> None:
    with pytest.raises(Misconfigured, match="witness"):
        witnesses_of(read(tmp_path, f"witness_policy = {policy}\n{witness(0)}{witness(1)}"))


def test_a_policy_may_be_a_file_in_the_home(tmp_path: Path) -> None:
    (tmp_path / "policy").write_text(f"witness A {KEYS[1].vkey}\nquorum A\n")
    found = witnesses_of(read(tmp_path, f'witness_policy = "policy"\n{witness(0)}{witness(1)}'))
    assert found.keys == (KEYS[0], KEYS[1])
    assert found.policy is not None
    assert found.policy.met({KEYS[1]})
    (tmp_path / "policy").write_text("quorum nobody\n")
    with pytest.raises(Misconfigured, match="cannot be used"):
        witnesses_of(load_settings(tmp_path, {}))


def test_a_witness_over_an_open_line_is_refused(tmp_path: Path) -> None:
    (settings,) = read(tmp_path, witness(0).replace("https:", "http:")).anchors
    with pytest.raises(Misconfigured, match=r"anchors\.w-0\.url cannot be used: .* https"):
        place_of(settings, system_clock, Times())
