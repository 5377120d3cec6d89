"""Whatever bytes arrive: only our errors leave a decoder, soon, and what is accepted has one spelling.

``CONSENTGATE_FUZZ`` says how many inputs each decoder gets; 20,000 unless set. A failure names seed and number
of the input, and shows it; put it into `REGRESSIONS` once it is understood.
"""

import inspect
import os
import pkgutil
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from typing import Any, Final

import pytest

import consentgate
from tests.fuzz.mutate import Mutator
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

# Functions that name Malformed or PackInvalid and decode no bytes of their own: what they read is decoded by a
# target, from rows of the ledger, or was decoded already.
INDIRECT: Final = {
    "aws.linking.deliver": "aws.notifications.read; else reads entries of the ledger",
    "aws.trailing.follow": "aws.trailfile.records; else reads entries of the ledger",
    "cli.brief.shown": "reads packs: packs.toml.load",
    "cli.explained.shown_scenarios": "policy.scenario.evaluate",
    "cli.packlist.shown": "reads packs: packs.toml.load",
    "config.comparing.compare": "reads packs: packs.toml.load, and scenarios: policy.scenario.evaluate",
    "config.demands.missing_assertions": "reads packs and assertions of the ledger",
    "config.entries.entry_opened": "reads entries of the ledger",
    "config.explain.explain": "reads entries of the ledger",
    "config.keystates.compromise": "reads entries of the ledger",
    "config.keystates.would_fall": "reads entries of the ledger",
    "config.lint.lint": "reads packs: packs.toml.load",
    "config.linting.found_in_file": "consent.notice.describe",
    "config.linting.found_in_ledger": "consent.notice.decode",
    "config.outcomes.Outcomes.record": "opens envelopes: keys.envelope.Envelopes.open",
    "config.overlays.packs_check": "packs.packset.PackSet, packs.layer.tightened",
    "config.overlays.packs_of": "packs.packset.PackSet, packs.layer.tightened",
    "config.packsets.in_use": "packs.packset.PackSet, packs.layer.tightened",
    "config.packsets.of_folder": "packs.packset.PackSet",
    "config.packsets.of_ledger": "packs.packset.PackSet",
    "config.packsets.of_release": "packs.packset.PackSet",
    "config.records.Records.add_notice": "consent.notice.describe",
    "config.records.Records.ingest": "crypto.jws.parse, consent.statement.from_claims",
    "config.reconcile.reconcile_once": "aws.trailfile.records; else reads entries of the ledger",
    "config.reconcile.reconcile_parts": "aws.trailfile.records; else reads entries of the ledger",
    "config.results.Results.notify": "aws.notifications.read; else reads entries of the ledger",
    "config.results.Results.poll": "aws.taskstates.read_task; else reads entries of the ledger",
    "config.results.Results.reconcile": "aws.trailfile.records; else reads entries of the ledger",
    "config.scenarios.answer": "policy.scenario.evaluate",
    "config.tasks.task_list": "reads entries of the ledger",
    "config.tasks.task_shown": "reads entries of the ledger",
    "config.trace.trace": "reads packs: packs.toml.load",
    "config.views.all_notices": "consent.notice.decode",
    "config.views.notice_named": "consent.notice.decode",
    "config.views.said_by": "ledger.statements.read_statement",
    "config.views.said_in": "ledger.statements.read_statement",
    "consent.shapes.from_bytes": "consent.issuers.decode, consent.notice.decode",
    "consent.shapes.read": "every target that is made of shapes",
    "crypto.jwk.SigningKey.of": "takes a key object, not bytes",
    "entries.parts.require_digest": "entries.parts.open_part",
    "export.asked.asked_from": "export.exported.read",
    "export.bates.found": "export.exported.read; else reads entries of the ledger",
    "export.bates.put_on_record": "export.exported.read; else reads entries of the ledger",
    "export.choosing.choose": "reads entries of the ledger",
    "export.chosen.Chooser.choose": "reads entries of the ledger",
    "export.chosen.decisions_of": "crypto.jwe.open_sealed, canonical.decode",
    "export.enclosed.Enclosed.write": "consent.notice.decode, consent.issuers.decode, packs.index.decode",
    "export.signing.totals_of": "canonical.decode; reads a manifest of ours",
    "export.stream.Stream.records": "reads entries of the ledger",
    "export.unsealing.Opener.hold": "entries.leaf.decode, entries.parts.split_parts",
    "export.unsealing.Sealed.open": "crypto.jwe.open_sealed",
    "export.unsealing.content_of": "canonical.decode",
    "gate.attendance.Attendance.missing": "reads calls of the ledger",
    "gate.attendance.Attendance.wait": "reads calls of the ledger",
    "gate.joining.join": "reads entries of the ledger",
    "gate.polling.poll": "aws.taskstates.read_task; else reads entries of the ledger",
    "gate.progress.locks_of": "reads entries of the ledger",
    "gate.progress.observe": "reads entries of the ledger",
    "gate.unsettled.read_asked": "reads entries of the ledger",
    "gate.unsettled.read_unsettled": "reads entries of the ledger",
    "gate.replay.replay": "keys.envelope.Envelopes.open",
    "gate.sealed.open_ending": "keys.envelope.Envelopes.open, crypto.jwe.open_sealed",
    "gate.spool.Spool.read": "gives a file's text to gate.sealed.open_ending",
    "keys.custody.Custody.unwrap": "a port; keys.custody.KeyFile.unwrap",
    "ledger.book.open_parts": "entries.parts.open_part",
    "ledger.callintents.intents_of_call": "reads entries of the ledger",
    "ledger.calls.read": "reads entries of the ledger",
    "ledger.calls.state_of": "ledger.speaker.speaker_from",
    "ledger.controller.assertion_of": "policy.assertions.Assertion",
    "ledger.controller.in_force": "reads entries of the ledger",
    "ledger.controller.read": "reads entries of the ledger",
    "ledger.controller.registry": "consent.issuers.decode",
    "ledger.fallen.fallen": "reads entries of the ledger",
    "ledger.hypothetical.reading_of": "reads entries of the ledger",
    "ledger.ingest.ingest": "crypto.jws.parse, consent.statement.from_claims",
    "ledger.lifetimes.lifetime_of": "reads entries of the ledger",
    "ledger.lifetimes.made_by_name": "reads entries of the ledger",
    "ledger.notices.manifest": "consent.notice.decode",
    "ledger.progress.is_complete": "reads entries of the ledger",
    "ledger.progress.owners_of": "reads entries of the ledger",
    "ledger.progress.state_of": "reads entries of the ledger",
    "ledger.reader.Reader.read": "reads entries of the ledger",
    "ledger.reader.Reader.read_alone": "reads entries of the ledger",
    "ledger.reader.Reader.read_task": "reads entries of the ledger",
    "ledger.notices.any_for": "reads artifacts of the ledger",
    "gate.enrolling.read_for": "reads entries of the ledger",
    "gate.attendance.Attendance.is_crowded": "reads entries of the ledger",
    "ledger.statements.received": "ledger.statements.read_statement",
    "ledger.tasks.find_task": "reads entries of the ledger",
    "ledger.uses.count_uses": "reads entries of the ledger",
    "packs.brief.above": "packs.toml.load",
    "packs.overlay.overlaid": "packs.layer.tightened, packs.toml.load",
    "packs.packset.PackSet.above": "packs.toml.load",
    "packs.packset.PackSet.files": "packs.packset.PackSet",
    "packs.packset.PackSet.pack": "packs.toml.load",
    "packs.packset.PackSet.stack": "packs.toml.load",
    "packs.packset.kept": "packs.index.decode",
    "packs.packset.shipped": "packs.packset.PackSet",
    "packs.packset.signed": "packs.packset.PackSet, packs.signature.verify",
    "packs.shape.read": "packs.toml.load",
    "packs.signature.sign": "reads nothing; its set has to have a version",
    "packs.signature.text": "reads nothing; its set has to have a version",
    "packs.toml.check_cited": "packs.toml.load",
    "packs.toml.check_dates": "packs.toml.load",
    "packs.toml.check_version": "packs.toml.load",
    "packs.toml.members": "packs.toml.load",
    "policy.effective.stack": "packs.toml.load",
    "policy.requirements.merge": "packs.toml.load",
    "verify.naming.statement_of": "crypto.jws.parse, consent.statement.from_claims",
    "verify.package.entry.opened": "crypto.jwe.open_sealed",
    "verify.package.folder.PackageFolder.read": "reads files, up to a limit",
    "verify.levels.verify": "its sources are altered in tests/functional/verify and tests/unit/verify",
    "verify.ring.content_of": "entries.parts.open_part",
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
    count = max(1, int(COUNT * target.share)) if COUNT <= 20_000 else COUNT
    for number, data in enumerate(Mutator(target.name, target.samples).inputs(count)):
        try:
            try_one(target, data)
        except BaseException as error:
            error.add_note(f"target {target.name!r}, input {number}: {data!r}")
            raise


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("target", named(tuple(TARGETS)))
def test_large_input_is_refused_or_read_soon(target: Target, bomb: str) -> None:
    try_one(target, BOMBS[bomb])


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


def _decoders() -> set[str]:
    """Every public function and method whose docstring names Malformed or PackInvalid among what it raises."""
    found = set()
    for module in pkgutil.walk_packages(consentgate.__path__, "consentgate."):
        if module.name.startswith(("consentgate._", "consentgate.testing", "consentgate.__main__")):
            continue
        code = import_module(module.name)
        for name, member in vars(code).items():
            if getattr(member, "__module__", None) != module.name or name.startswith("_"):
                continue
            if inspect.isclass(member):
                methods = {f"{name}.{n}": getattr(member, n) for n in vars(member) if not n.startswith("_")}
            else:
                methods = {name: member}
            for short, function in methods.items():
                raises = (getattr(function, "__doc__", None) or "").partition("Raises:")[2]
                if callable(function) and ("Malformed:" in raises or "PackInvalid:" in raises):
                    found.add(f"{module.name.removeprefix('consentgate.')}.{short}")
    return found


def test_every_decoder_is_a_target_or_says_why_not() -> None:
    names = {target.name for target in TARGETS}
    assert len(names) == len(TARGETS)
    assert _decoders() - names - INDIRECT.keys() == set()
    assert INDIRECT.keys() - _decoders() == set(), "no longer there: remove it from INDIRECT"
    assert not names & INDIRECT.keys()
