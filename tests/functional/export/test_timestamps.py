"""Timestamps of RFC 3161 on checkpoints and exports, by an authority that runs here."""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from consentgate import ConsentGate
from consentgate.config.exporting import export_again
from consentgate.config.packages import package_verified
from consentgate.config.settings import load_settings
from consentgate.config.timestamping import TimestampSettings
from consentgate.config.verification import verify_deployment
from consentgate.crypto import timestamp
from consentgate.errors import (
    InvalidInput,
    LogRefused,
    Malformed,
    Misconfigured,
    SignatureInvalid,
    Unavailable,
)
from consentgate.export import build
from consentgate.export.authority import Authority
from consentgate.export.making import Package
from consentgate.verify.package.result import Judgement
from tests.databases import raw
from tests.functional.export.place import ASKED, manifest, stamping, tree
from tests.packages import Exporter
from tests.tsa import STAMPING, Holder, Tsa, serving

STAMPS = ["data/log/0/checkpoint.tsr", "manifest.json.tsr"]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tsa]:
    with serving(Tsa(tmp_path_factory.mktemp("tsa"))) as running:
        yield running


@pytest.fixture
def tsa(authority: Tsa) -> Tsa:
    authority.reset()
    return authority


def small(gate: ConsentGate, out: Path, **options: Any) -> Package:
    return gate.export("Stamped", out, **ASKED, query="kind=denial", **options)


@pytest.fixture(scope="module")
def stamped(
    exporter: Exporter, authority: Tsa, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ConsentGate, Package]]:
    authority.reset()
    folder = tmp_path_factory.mktemp("stamped")
    with stamping(exporter, folder, authority) as gate:
        yield gate, small(gate, folder / "out")


def test_checkpoint_and_manifest_are_timestamped(stamped: tuple[ConsentGate, Package], tsa: Tsa) -> None:
    folder = stamped[1].folder
    for path in STAMPS:
        about = folder / path.removesuffix(".tsr")
        assert tsa.accepts(folder / path, about), "openssl finds the same"
    roles = {each["path"]: each["role"] for each in manifest(folder)["files"]}
    assert roles[STAMPS[0]] == "timestamp"
    assert STAMPS[1] not in roles
    assert ".tsr" not in (folder / "SHA256SUMS").read_text()
    assert ".tsr" not in (folder / "tagmanifest-sha256.txt").read_text()


def test_the_readme_says_who_saw_the_checkpoint_and_when(stamped: tuple[ConsentGate, Package]) -> None:
    folder = stamped[1].folder
    command = ["openssl", "ts", "-reply", "-in", str(folder / STAMPS[0]), "-text"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    at = re.search(r"Time stamp: (.*?)(\.\d+)? (\d{4}) GMT", said)
    assert at is not None
    when = datetime.strptime(f"{at[1]} {at[3]} +0000", "%b %d %H:%M:%S %Y %z")
    readme = " ".join((folder / "README.txt").read_text().split())
    assert f"Test authority saw the checkpoint of log 0 on {when:%Y-%m-%d %H:%M:%S} UTC" in readme


def test_a_trusted_authority_makes_it_witnessed(stamped: tuple[ConsentGate, Package], tsa: Tsa) -> None:
    folder, key = stamped[1].folder, stamped[1].fingerprint
    done = package_verified(folder, authorities=tsa.certificates)
    assert (done.conclusion, done.exit_code) == ("consistent", 3), "a timestamp says when, not who"
    done = package_verified(folder, fingerprint=key, authorities=tsa.certificates)
    assert done.conclusion == "witnessed"
    assert [each.path for each in done.stamped] == ["manifest.json", "data/log/0/checkpoint"]
    assert done.sentences[-1].startswith("Timestamped by Test authority: data/log/0/checkpoint was there 20")


def test_without_certificates_nothing_is_judged(
    stamped: tuple[ConsentGate, Package], tsa: Tsa, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = stamped[1].folder
    done = package_verified(folder)
    assert (done.levels[-1].name, done.levels[-1].verdict) == ("timestamps", "cannot_judge")
    assert "--tsa-certs" in done.notes[0]
    assert "openssl ts -verify -in manifest.json.tsr -data manifest.json" in done.notes[0]
    monkeypatch.setattr(timestamp, "find_spec", lambda _: None)
    done = package_verified(folder, authorities=tsa.certificates)
    assert done.levels[-1].verdict == "cannot_judge"
    assert timestamp.EXTRA in done.notes[0]
    assert done.conclusion == "consistent"


def test_made_again_it_is_the_same_but_for_the_manifests(
    stamped: tuple[ConsentGate, Package], tsa: Tsa, tmp_path: Path
) -> None:
    gate, made = stamped
    again = tree(export_again(gate._parts, made.export, tmp_path).folder)
    first = tree(made.folder)
    del first[STAMPS[1]]
    assert again == first
    assert tsa.asked == 0


def test_the_ledger_keeps_it_and_knows_who_names_it(
    stamped: tuple[ConsentGate, Package], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, made = stamped
    digest = sha256((made.folder / STAMPS[0]).read_bytes()).hexdigest()
    home = tmp_path / "copy"
    with gate._parts.database.read():
        shutil.copytree(gate._parts.settings.home, home)

    def said() -> list[str]:
        done = verify_deployment(load_settings(home), vkey=None, with_keys=True, step=lambda: None)
        return [each.kind for each in done.verification.findings if digest in f"{each.where} {each.expected}"]

    assert said() == []
    with raw(load_settings(home).database) as connection:
        connection.execute("DROP TRIGGER consentgate_artifact_delete")
        connection.execute("DELETE FROM artifact WHERE digest = ?", (bytes.fromhex(digest),))
    assert said() == ["missing"]
    monkeypatch.setattr(build, "_artifact", lambda *_: None)
    with pytest.raises(LogRefused, match="timestamp is not in the ledger"):
        export_again(gate._parts, made.export, tmp_path)


@pytest.mark.parametrize("path", STAMPS)
@pytest.mark.parametrize(
    ("bend", "kind"),
    [
        (lambda _: b"garbage", "malformed"),
        (lambda data: data[:-1], "malformed"),
        (lambda _: bytes(timestamp.LIMIT + 1), "malformed"),
        (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "forged"),
    ],
)
def test_a_timestamp_that_was_changed_is_found(
    stamped: tuple[ConsentGate, Package], tsa: Tsa, path: str, bend: Callable[[bytes], bytes], kind: str
) -> None:
    done = changed(stamped[1], tsa, path, bend)
    assert [(each.kind, each.where) for each in done.findings["timestamps"]] == [(kind, path)]
    assert done.conclusion == "broken"


@pytest.mark.parametrize("path", STAMPS)
def test_a_timestamp_of_something_else_is_found(
    stamped: tuple[ConsentGate, Package], tsa: Tsa, path: str
) -> None:
    done = changed(stamped[1], tsa, path.removesuffix(".tsr"), lambda data: data + b" ")
    if path == STAMPS[0]:
        assert [(each.kind, each.where) for each in done.findings["timestamps"]] == [("altered", path)]
    assert done.conclusion == "broken"


def changed(made: Package, tsa: Tsa, path: str, bend: Callable[[bytes], bytes]) -> Judgement:
    file = made.folder / path
    kept = file.read_bytes()
    try:
        file.write_bytes(bend(kept))
        return package_verified(made.folder, authorities=tsa.certificates)
    finally:
        file.write_bytes(kept)


def test_another_authority_than_the_readers_is_a_finding(
    stamped: tuple[ConsentGate, Package], tmp_path: Path
) -> None:
    other = tmp_path / "other.pem"
    other.write_bytes(Holder("Another root").pem)
    done = package_verified(stamped[1].folder, authorities=other)
    assert {each.kind for each in done.findings["timestamps"]} == {"forged"}
    other.write_bytes(b"no certificate")
    with pytest.raises(InvalidInput, match="cannot be used"):
        package_verified(stamped[1].folder, authorities=other)
    with pytest.raises(InvalidInput, match="is not there"):
        package_verified(stamped[1].folder, authorities=tmp_path / "none.pem")


def test_where_there_is_no_timestamp_nothing_is_on_record(
    exporter: Exporter, tsa: Tsa, tmp_path: Path
) -> None:
    with stamping(exporter, tmp_path, tsa) as gate:
        tsa.status = 503
        with pytest.raises(Unavailable, match=r"HTTP 503\. Run the same command again, or with --without"):
            small(gate, tmp_path / "out")
        assert not [path for path in (tmp_path / "out").iterdir() if path.is_dir()]
        # Without one when asked, under the numbers that nobody took.
        made = small(gate, tmp_path / "out", timestamp=False)
        assert not [path for path in STAMPS if (made.folder / path).exists()]
        assert package_verified(made.folder).notes == ()


def test_an_export_whose_manifest_got_none_goes_on(exporter: Exporter, tsa: Tsa, tmp_path: Path) -> None:
    with stamping(exporter, tmp_path, tsa) as gate:
        real = tsa.answer

        def once(query: bytes) -> bytes:
            return real(query) if tsa.asked == 1 else b"garbage"

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tsa, "answer", once)
            with pytest.raises(Unavailable, match="gave no timestamp that holds: It is not the answer"):
                small(gate, tmp_path / "out")
        before = tsa.asked
        made = small(gate, tmp_path / "out")
        assert tsa.asked == before + 1, "the checkpoint's is on record"
        assert all(
            tsa.accepts(made.folder / path, made.folder / path.removesuffix(".tsr")) for path in STAMPS
        )


def test_answers_that_are_none(tsa: Tsa) -> None:
    authority = Authority(url=tsa.url, certificates=(tsa.root.certificate,), seconds=0.3)
    assert authority.stamp(b"data")
    tsa.instead = bytes(timestamp.LIMIT + 1)
    with pytest.raises(Unavailable, match="more than 65536 bytes"):
        authority.stamp(b"data")
    tsa.instead = tsa.answer(timestamp.query(b"data").body)
    with pytest.raises(Unavailable, match="No authority that these certificates lead to"):
        authority.stamp(b"data")
    with pytest.raises(Unavailable, match="about other bytes"):
        authority.stamp(b"other data")
    tsa.instead, tsa.waits = b"", True
    with pytest.raises(Unavailable, match=r"took longer than 0\.3 s"):
        authority.stamp(b"data")
    tsa.instead = b"0\x05\x30\x03\x02\x01\x02"
    tsa.waits = False
    with pytest.raises(Unavailable, match="granted no timestamp"):
        authority.stamp(b"data")
    with pytest.raises(Unavailable, match="is out of reach"):
        replace(authority, url="http://127.0.0.1:1/").stamp(b"data")
    with pytest.raises(Unavailable, match="is out of reach"):
        replace(authority, url=tsa.url.replace("http:", "https:")).stamp(b"data")


@pytest.mark.parametrize("turned", [False, True])
def test_certificates_in_any_order(tsa: Tsa, turned: bool) -> None:
    tsa.signer = tsa.chained
    chain = (tsa.between, tsa.root)
    tsa.chain = chain[::-1] if turned else chain
    answer = Authority(url=tsa.url, certificates=(tsa.root.certificate,), seconds=10).stamp(b"data")
    stamp = timestamp.verify_answer(timestamp.read_answer(answer), b"data", (tsa.root.certificate,))
    assert stamp.by == "Chained authority"
    (tsa.folder / "data").write_bytes(b"data")
    (tsa.folder / "data.tsr").write_bytes(answer)
    assert tsa.accepts(tsa.folder / "data.tsr", tsa.folder / "data"), "kept as it came"


def test_a_certificate_that_had_run_out(tsa: Tsa) -> None:
    tsa.signer = tsa.expired
    answer = timestamp.read_answer(tsa.answer(timestamp.query(b"data").body))
    with pytest.raises(SignatureInvalid, match="not in force"):
        timestamp.verify_answer(answer, b"data", (tsa.root.certificate,))


def test_a_certificate_for_something_else(tsa: Tsa) -> None:
    whole = tsa.answer(timestamp.query(b"data").body)
    while True:
        wrong = Holder(tsa.good.name, tsa.root, usage=ExtendedKeyUsageOID.CODE_SIGNING, like=tsa.good)
        if len(wrong.der) == len(tsa.good.der):
            break
    answer = timestamp.read_answer(whole.replace(tsa.good.der, wrong.der))
    with pytest.raises(SignatureInvalid, match="not one for timestamps"):
        timestamp.verify_answer(answer, b"data", (tsa.root.certificate,))


def test_two_certificates_of_one_name_and_number(tsa: Tsa) -> None:
    other = Holder(tsa.good.name, tsa.root, usage=STAMPING, ends=timedelta(days=9), like=tsa.good)
    tsa.chain = (other,)
    answer = timestamp.read_answer(tsa.answer(timestamp.query(b"data").body))
    with pytest.raises(SignatureInvalid, match="No authority that these"):
        timestamp.verify_answer(answer, b"data", (tsa.root.certificate,))


def test_settings_that_cannot_be_used(exporter: Exporter, tsa: Tsa, tmp_path: Path) -> None:
    with stamping(exporter, tmp_path, tsa) as gate:
        bad = TimestampSettings(url=tsa.url, certificates=tmp_path / "none.pem")
        gate._parts = replace(gate._parts, settings=replace(gate._parts.settings, timestamps=bad))
        with pytest.raises(Misconfigured, match=r"timestamps\.certificates cannot be used"):
            small(gate, tmp_path / "out")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(timestamp, "find_spec", lambda _: None)
            with pytest.raises(Misconfigured, match="pip install"):
                small(gate, tmp_path / "out")
            with pytest.raises(Unavailable, match="pip install"):
                timestamp.query(b"data")
    with pytest.raises(Malformed, match="longer"):
        timestamp.read_authorities(bytes(4 * timestamp.LIMIT + 1))
    with pytest.raises(Malformed, match="no certificates in PEM"):
        timestamp.read_authorities(b"none")
