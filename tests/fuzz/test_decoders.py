"""Whatever bytes arrive: only our errors leave a decoder, soon, and what is accepted has one spelling.

``CONSENTGATE_FUZZ`` says how many inputs each decoder gets; 20,000 unless set. A failure names seed and number
of the input, and shows it; put it into `REGRESSIONS` once it is understood.
"""

import os
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

import pytest

from tests.fuzz.indirect import INDIRECT, WHY
from tests.fuzz.mutate import Mutator
from tests.fuzz.register import PROGRAM, decoders
from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS

COUNT: Final = int(os.environ.get("CONSENTGATE_FUZZ", "20000"))
# Far more than any input needs, on the slowest machine: a hang, or work that grows with the square.
LONGEST_S: Final = 5.0
MOST_BYTES: Final = 96 << 20

REGRESSIONS: Final[dict[str, list[bytes]]] = {
    "cli.values.json_value": [b"\xfell_parties"],
    "cli.values.read_manifest": [b"a=" + b"[" * 5000, b"a=" + b"9" * 5000],
    "packs.toml.load": [b"format=" + b"9" * 5000],
    "config.settings.load_settings": [
        b"a=" + b"[" * 5000,
        b"format=" + b"9" * 5000,
        b'format = 1\ndatabase = "sqlite:///x.db"\n[limits]\nclock_skew_s = 1e300\n',
        b'format = 1\ndatabase = "sqlite:///x.db"\n[limits]\noutcome_budget_s = nan\n',
        b'format = 1\ndatabase = "postgresql://host:port/x"\n',
    ],
    "crypto.jwk.signing_key_from_pem": [
        (
            b"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VvBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n"
            b"-----END PRIVATE KEY-----\n"
        )
    ],
    "packs.packset.PackSet": [
        '{"format":1,"packs":{"X\u0661":{"file":"x/X.toml","sha256":"%s"}}}'.encode() % (b"0" * 64)
    ],
}

BOMBS: Final = {
    "brackets": b"[" * 500_000,
    "objects": b'{"a":' * 100_000,
    "digits": b"9" * 500_000,
    "minus digits in an array": b"[" + b"-" + b"1" * 500_000 + b"]",
    "letters": b"A" * 1_000_000,
    "dots": b"." * 500_000,
    "newlines": b"\n" * 500_000,
    "quotes": b'"' + b"\\u0000" * 100_000 + b'"',
    "zeros": bytes(500_000),
    "members": b"{" + b",".join(b'"%d":0' % i for i in range(60_000)) + b"}",
    "equal signs": b"a=" * 200_000,
    "tables": b"[a." + b"a." * 50_000 + b"a]\n",
    "arrays in TOML": b"a=" + b"[" * 100_000,
    "spaces": b" " * 500_000,
}


def try_one(target: Target, data: bytes) -> Any:
    """Decode one input; give what was accepted, or None."""
    # This thread's own time: on a busy machine the clock on the wall says nothing.
    begun = time.thread_time()
    try:
        value = target.decode(data)
    except target.errors:
        value = None
    assert time.thread_time() - begun < LONGEST_S, "it took too long"
    if value is not None and target.encode is not None:
        assert target.encode(value) == data, "what was accepted has another spelling"
    return value


def named(targets: Iterator[Target] | tuple[Target, ...]) -> list[Any]:
    return [pytest.param(each, id=each.name) for each in targets]


@pytest.mark.parametrize("target", named(tuple(TARGETS)))
def test_samples_are_accepted(target: Target) -> None:
    for sample in target.samples:
        target.decode(sample)


@pytest.mark.timeout(0)
@pytest.mark.parametrize("target", named(tuple(TARGETS)))
def test_only_our_errors_leave_a_decoder(target: Target) -> None:
    for number, data in enumerate(Mutator(target.name, target.samples).inputs(COUNT)):
        try:
            try_one(target, data)
        except BaseException as error:
            error.add_note(f"target {target.name!r}, input {number}: {data!r}")
            raise


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("target", named(tuple(TARGETS)))
def test_large_input_is_refused_or_read_soon(target: Target, bomb: str) -> None:
    try_one(target, BOMBS[bomb])


@pytest.mark.timeout(0)
@pytest.mark.parametrize("bomb", BOMBS)
def test_large_input_takes_bounded_memory(bomb: str) -> None:
    for target in TARGETS:
        tracemalloc.start()
        try:
            # Not how soon: counting takes several times as long as reading.
            with suppress(*target.errors):
                target.decode(BOMBS[bomb])
            assert tracemalloc.get_traced_memory()[1] < MOST_BYTES, target.name
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("name", REGRESSIONS)
def test_what_was_found_before_stays_found(name: str) -> None:
    target = next(each for each in TARGETS if each.name == name)
    for data in REGRESSIONS[name]:
        try_one(target, data)


def test_the_same_seed_gives_the_same_inputs() -> None:
    samples = TARGETS[0].samples
    one, other = (list(Mutator("seed", samples).inputs(500)) for _ in range(2))
    assert one == other
    assert len(set(one)) > 400


def test_a_decoder_that_lets_a_foreign_error_out_is_found() -> None:
    careless = Target(name="careless", decode=lambda data: data.decode("ascii"), samples=[b"text"])
    with pytest.raises(UnicodeDecodeError):
        _all(careless)


def test_a_second_spelling_is_found() -> None:
    loose = Target(
        name="loose",
        decode=lambda data: data.strip(),
        samples=[b"text"],
        errors=(),
        encode=lambda value: value,
    )
    with pytest.raises(AssertionError, match="another spelling"):
        _all(loose)


def _all(target: Target) -> None:
    for data in Mutator(target.name, target.samples).inputs(2000):
        try_one(target, data)


def test_every_decoder_is_a_target_or_says_why_not() -> None:
    names, found = {target.name for target in TARGETS}, decoders()
    assert len(names) == len(TARGETS)
    assert found - names - INDIRECT.keys() == set()
    assert INDIRECT.keys() - found == set(), "no longer there: remove it from INDIRECT"
    assert not names & INDIRECT.keys()
    assert sum(map(len, WHY.values())) == len(INDIRECT)


def test_reasons_name_targets_that_there_are() -> None:
    packages = {name.partition(".")[0] for name in decoders()}
    words = {word.strip(",:;") for why in WHY for word in why.split()}
    named = {word for word in words if "." in word and word.partition(".")[0] in packages}
    assert len(named) > 30
    assert named <= {target.name for target in TARGETS}


def test_the_register_finds_decoders_by_each_sign() -> None:
    found = decoders()
    by_sign = {
        "an error about bytes": "canonical.decode",
        "bytes": "crypto.curves.from_der",
        "JSON": "verify.naming.call_of",
        "a file that is refused": "config.since.read_pinned",
        "a text that is refused": "export.asked.parse_query",
        "members that are refused": "config.times.read_times",
        "the program": f"{PROGRAM}.read_json",
    }
    assert {sign for sign, name in by_sign.items() if name not in found} == set()
