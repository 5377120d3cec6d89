"""The story that the demo plays: what is put on record, who calls, and what becomes of each call.

Everything is real: a boto3 client over HTTP to a loopback server made from botocore's model of Chime SDK Voice, the
ledger, the log and every id. Nothing is played back.
"""

import shutil
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import ClientError

from consentgate import NOBODY, ConsentDenied, ConsentGate, Evidence, Speaker
from consentgate.cli.cast import CAST, Caller
from consentgate.config.entries import entry_list
from consentgate.config.parts import assemble
from consentgate.config.settings import Settings, load_settings
from consentgate.config.setup import make_home
from consentgate.config.verification import Verified, verify_deployment
from consentgate.consent.notice import describe
from consentgate.consent.statement import TYP, Statement, claims
from consentgate.crypto import jws
from consentgate.crypto.jwk import SigningKey, generate_signing_key
from consentgate.moment import system_clock, system_random, uuid7_text
from consentgate.testing.chime import ChimeServer
from consentgate.values import dataclass

IVR: Final = "https://ivr.acme.example"
WEB: Final = "https://web.acme.example"
CONTROLLER: Final = "acme"
_LINE: Final = {"VoiceConnectorId": "abcdef1ghij2klmno3pqr4", "VoiceProfileDomainId": "voices"}
_TEXT: Final = b"""Acme records this call, and makes and keeps a voiceprint of you to check that you are you.
We keep it for two years, tell nobody, and delete it when you say so: acme.example/voice, or press 9.
"""
_NOTICE: Final[dict[str, Any]] = {
    "id": "voiceprint",
    "version": "2026-11",
    "language": "en",
    "media_type": "text/plain",
    "in_writing": True,
    "elements": [
        "collection_or_storage_disclosed",
        "length_of_term",
        "recording_disclosed",
        "specific_purpose",
    ],
    "consent_form": "written_release",
    "separate": True,
    "purposes": ["authentication"],
    "operations": ["search"],
    "controllers": [CONTROLLER],
    "validity": "P2Y",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One statement of the story.

    Attributes:
        caller: who said it.
        issuer: who signed it.
        entry: id of its entry.
    """

    caller: Caller
    issuer: str
    entry: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What became of one search.

    Attributes:
        caller: who called.
        verdict: ``allowed`` or ``denied``.
        what: the reasons, the task, or the vendor's error.
        law: the first law behind a denial, or an empty text.
        entry: id of the intent's or the denial's entry.
    """

    caller: Caller
    verdict: str
    what: str
    law: str
    entry: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """The whole story.

    Attributes:
        told: the statements, in order.
        calls: the searches before the withdrawal, in order.
        withdrawal: id of the withdrawal's entry.
        after: the search after it.
        reached: how many searches reached the vendor.
        holds: what verification says.
        flipped: what it says of a copy in which one bit of one byte is flipped.
    """

    told: tuple[Told, ...]
    calls: tuple[Call, ...]
    withdrawal: str
    after: Call
    reached: int
    holds: Verified
    flipped: Verified


def play(home: Path) -> Story:
    """Play the story in a fresh home.

    Args:
        home: the folder to make.

    Returns:
        What happened.
    """
    settings = make_home(home, controller=CONTROLLER, purposes={"search": "authentication"}).settings
    with ChimeServer() as server:
        with ConsentGate(settings) as gate:
            client = gate.protect(server.client())
            told = _put_on_record(gate)
            calls = tuple(_call(gate, server, client, caller) for caller in CAST)
            withdrawal = gate.issuer(IVR).withdraw(_speaker(CAST[0]), method="ivr_dtmf").entry
            after = _call(gate, server, client, CAST[0])
            client.close()
        reached = sum(1 for request in server.requests if request.operation == "StartSpeakerSearchTask")
    return Story(
        told=told,
        calls=_with_intents(settings, calls),
        withdrawal=withdrawal,
        after=after,
        reached=reached,
        holds=_verify(settings),
        flipped=_verify_flipped(settings),
    )


def _put_on_record(gate: ConsentGate) -> tuple[Told, ...]:
    gate.add_notice(_TEXT, **_NOTICE)
    for name in ("alternative_offered", "impact_assessment_done", "public_policy_published"):
        gate.assert_(name, True, by="privacy@acme.example", since=datetime.now(UTC))
    web = generate_signing_key("ES256")
    gate.add_issuer(IVR, name="Acme IVR")
    gate.add_issuer(WEB, name="Acme web form", key=web.public)
    told = (_tell(gate, web, caller) for caller in CAST)
    return tuple(each for each in told if each is not None)


def _tell(gate: ConsentGate, web: SigningKey, caller: Caller) -> Told | None:
    ivr, speaker = gate.issuer(IVR), _speaker(caller)
    match caller.said:
        case "grant":
            entry = ivr.grant(speaker, notice="voiceprint", method=caller.method).entry
            return Told(caller=caller, issuer=IVR, entry=entry)
        case "refusal":
            entry = ivr.refuse(speaker, method=caller.method, notice="voiceprint").entry
            return Told(caller=caller, issuer=IVR, entry=entry)
        case "grant_elsewhere":
            entry = str(gate.ingest(_signed_elsewhere(web, speaker, caller)).entry)
            return Told(caller=caller, issuer=WEB, entry=entry)
        case "nothing":
            return None


def _signed_elsewhere(key: SigningKey, speaker: Speaker, caller: Caller) -> str:
    """Sign as a web form of another vendor would: all that we hold of it is its public key."""
    now = system_clock()
    statement = Statement(
        issuer=WEB,
        id=uuid7_text(now, system_random),
        issued_at=now,
        references=speaker.known_as,
        state="ConsentGiven",
        event_time=now,
        method=caller.method,
        consent_form="written_release",
        signature_kind="electronic",
        separate=True,
        purposes=("authentication",),
        operations=("search",),
        controllers=(CONTROLLER,),
        notice=describe(_TEXT, _NOTICE).ref_of(None),
        valid_until=now + timedelta(days=365),
    )
    return jws.sign(claims(statement), key=key, typ=TYP)


def _speaker(caller: Caller) -> Speaker:
    evidence = []
    if caller.code is not None:
        evidence = [Evidence(code=caller.code, kind="account_address", source="crm", confidence="high")]
    return Speaker([("customer", caller.number)], evidence, age=caller.age)


def _call(gate: ConsentGate, server: ChimeServer, client: Any, caller: Caller) -> Call:
    transaction = f"tx-{caller.name.lower()}-{len(server.requests)}"
    gate.register_call(transaction, caller=[_speaker(caller)], callee=NOBODY, recording_consent="all_parties")
    if caller.error:
        server.script.fail(error=caller.error)
    try:
        answer = client.start_speaker_search_task(TransactionId=transaction, CallLeg="Caller", **_LINE)
    except ConsentDenied as denied:
        codes = ", ".join(dict.fromkeys(reason.code for reason in denied.reasons))
        law = _own_law(caller, denied.reasons[0].law or "")
        return Call(caller=caller, verdict="denied", what=codes, law=law, entry=denied.entry or "")
    except ClientError as error:
        what = f"the vendor answers {error.response['Error']['Code']}"
        return Call(caller=caller, verdict="allowed", what=what, law="", entry="")
    task = answer["SpeakerSearchTask"]["SpeakerSearchTaskId"]
    return Call(caller=caller, verdict="allowed", what=f"task {task}", law="", entry="")


def _own_law(caller: Caller, law: str) -> str:
    """Choose the rule of the caller's own place, else the first; the gate's own floor is no law."""
    rules = [rule for rule in law.split("; ") if not rule.startswith("baseline")]
    own = [rule.partition(": ")[2] for rule in rules if rule.startswith(f"{caller.code}:")]
    return next(iter(own or rules), "")


def _with_intents(settings: Settings, calls: Sequence[Call]) -> tuple[Call, ...]:
    """Name the intents of the allowed calls: they were written in the same order."""
    parts = assemble(settings, engine=None, clock=system_clock, random=system_random, background=False)
    listed = entry_list(parts, kinds=["intent"], only_open=False, after=None, limit=len(calls))
    parts.database.close()
    ids = iter([str(each.id) for each in listed])
    return tuple(
        Call(caller=c.caller, verdict=c.verdict, what=c.what, law=c.law, entry=c.entry or next(ids))
        for c in calls
    )


def _verify(settings: Settings) -> Verified:
    return verify_deployment(settings, vkey=None, with_keys=True, step=lambda: None)


def _verify_flipped(settings: Settings) -> Verified:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(settings.home, copy)
        database = copy / "consentgate.db"
        stored = bytearray(database.read_bytes())
        # A digit of the time in the newest denial's leaf: still a leaf, and no longer the one that was hashed.
        leaf = stored.rindex(b'{"at":"', 0, stored.rindex(b'"kind":"denial"'))
        stored[leaf + len(b'{"at":"2026-11-22T12:00:00.00')] ^= 0x01
        database.write_bytes(stored)
        return _verify(load_settings(copy))
