"""What decisions rest on: packs, scenarios, numbers, stored decisions, speakers."""

from collections.abc import Sequence
from typing import Any, Final

import yaml

from consentgate.config.scenarios import read_scenarios
from consentgate.errors import InvalidInput, Malformed, Misconfigured, PackInvalid
from consentgate.ledger import ingest, speaker, statements
from consentgate.packs import index, layer, signature, toml
from consentgate.packs import period as pack_period
from consentgate.packs.packset import PackSet, shipped
from consentgate.policy import numbers, record, scenario
from consentgate.policy.assertions import DEFINITIONS, Assertion
from consentgate.tlog.notekey import NoteSigner
from tests.fuzz.target import AT, ROOT, STATEMENTS, Target, in_bytes, in_json, of_json, of_object, of_text

_PACK: Final = (
    b'format = 1\ncode = "XX"\nname = "XX"\nkind = "country"\ntier = 1\nconfidence = "source-read"\nparents = []\n'
    b'groups = []\n[[laws]]\nname = "Act"\ncitation = "Act s. 1"\nstatus = "in_force"\n[[versions]]\n'
    b"from = 2000-01-01\n[versions.requirements]\nconsent_required = true\noral_consent_ok = false\n"
    b'consent_form = "explicit"\nnotice_elements = ["specific_purpose"]\n'
)
_FILE: Final = {"file": "x/XX.toml", "sha256": "0" * 64}
_OVER: Final = {"file": "overlay/XX.toml", "sha256": "1" * 64}
_INDEX: Final = in_json(
    {"format": 1, "packs": {"XX": _FILE}},
    {"format": 1, "version": "2026.11.22", "base": "2" * 64, "packs": {"XX": {**_FILE, "overlay": _OVER}}},
)
_OVERLAY: Final = (
    b'format = 1\ncode = "XX"\nparents = ["YY"]\n[[versions]]\nfrom = 2026-01-01\nto = 2026-06-30\n'
    b'[versions.requirements]\nconsent_form = "written_release"\nelectronic_signature_ok = true\n'
    b'[[versions.conditional_rules]]\nid = "r"\nlevel = "law"\ncite = "s. 1"\npurpose_in = ["fraud"]\n'
    b"require = { prohibited = true }\n"
    b'[[basis]]\nrequirements = ["consent_form", "electronic_signature_ok"]\ncite = "x"\nconfidence = "source-read"\n'
)
_UNDER: Final = toml.load(_PACK, file="x", code="XX")
_SIGNER: Final = NoteSigner.generate("packs.example", bytes)
_PACKS: Final = shipped()


def _assertion(value: Any) -> object:
    name, said = (value.get("name"), value.get("value")) if isinstance(value, dict) else ("has_dpo", value)
    known = name if isinstance(name, str) and name in DEFINITIONS else "has_dpo"
    about = "customer:1" if DEFINITIONS[known].scope == "subject" else None
    return Assertion(name=known, value=said, by="dpo", since=AT, about=about)


def _decision() -> Any:
    found = scenario.evaluate(_SCENARIOS[0], _PACKS).decision
    return record.decision_json(found)


def _scenarios(file: str) -> list[dict[str, Any]]:
    found = yaml.safe_load((ROOT / "tests/scenarios" / file).read_text())["scenarios"]
    return [
        {k: v for k, v in each.items() if k not in {"title", "core", "tags", "why", "notes"}}
        for each in found
    ]


_SCENARIOS: Final = [
    *_scenarios("public.yaml")[:6],
    # Lists of statements, with references, bonds and limits; and live requests.
    *[each for each in _scenarios("own.yaml") if "consents" in each or "live" in each][::6],
]

RULES: Final[Sequence[Target]] = (
    Target(
        name="packs.period.Period.parse",
        decode=of_text(pack_period.Period.parse),
        samples=in_bytes("P2Y", "P18M", "P2W", "P30D"),
        errors=(InvalidInput,),
    ),
    Target(
        name="packs.toml.load",
        decode=lambda data: toml.load(data, file="XX.toml", code="XX"),
        samples=[_PACK],
        errors=(PackInvalid,),
    ),
    Target(
        name="packs.packset.PackSet",
        decode=lambda data: PackSet(data, lambda _name: b""),
        samples=_INDEX,
        errors=(PackInvalid,),
    ),
    Target(
        name="packs.index.decode",
        decode=index.decode,
        samples=_INDEX,
        errors=(PackInvalid,),
    ),
    Target(
        name="packs.layer.tightened",
        decode=lambda data: layer.tightened(_UNDER, data, file="XX.toml"),
        samples=[_OVERLAY],
        errors=(PackInvalid,),
    ),
    Target(
        name="packs.signature.verify",
        decode=lambda data: signature.verify(
            data, version="2026.11.22", digest=bytes(32), keys=[_SIGNER.key.vkey]
        ),
        samples=in_bytes(signature.sign(_SIGNER, version="2026.11.22", digest=bytes(32))),
        errors=(PackInvalid,),
    ),
    Target(
        name="policy.scenario.evaluate",
        decode=of_json(lambda value: scenario.evaluate(value, _PACKS)),
        samples=in_json(*_SCENARIOS),
        errors=(InvalidInput, Malformed, PackInvalid),
    ),
    Target(
        name="config.scenarios.read_scenarios",
        decode=lambda data: read_scenarios(data, "cases.yaml"),
        samples=(
            yaml.safe_dump({"scenarios": _SCENARIOS[:1]}).encode(),
            *in_json({"scenarios": _SCENARIOS[:1]}),
        ),
        errors=(InvalidInput,),
    ),
    Target(
        name="policy.numbers.plan_from",
        decode=numbers.plan_from,
        samples=in_bytes("source x-1\n# note\n+1 10-10 CA US\n312 US-IL\n800 -\n+44 9-10 GB\n1534 JE\n"),
        errors=(Misconfigured,),
    ),
    Target(
        name="policy.numbers.jurisdictions",
        decode=of_text(numbers.jurisdictions),
        samples=in_bytes("+13125550123", "+447797712345", "+80012345678", "+212528812345"),
        errors=(),
    ),
    Target(
        name="policy.record.decision_from", decode=of_json(record.decision_from), samples=in_json(_decision())
    ),
    Target(
        name="policy.record.reason_from",
        decode=of_json(record.reason_from),
        samples=in_json(
            {"code": "NO_CONSENT", "speaker": "Caller 1", "bases": [{"pack": "US-IL", "citation": "x"}]}
        ),
    ),
    Target(
        name="policy.record.request_from",
        decode=of_json(record.request_from),
        samples=in_json({"operation": "search", "purpose": "authentication", "recording_consent": "none"}),
    ),
    Target(
        name="policy.record.speaker_from",
        decode=of_json(record.speaker_from),
        samples=in_json({"name": "x", "age": 3}),
    ),
    Target(
        name="policy.assertions.Assertion",
        decode=of_json(_assertion),
        samples=in_json(
            True,
            {
                "name": "authority_filing",
                "value": {"jurisdiction": "FR", "filed_at": "2026-01-01T00:00:00.000Z"},
            },
            {"name": "exemption", "value": {"id": "x", "jurisdiction": "US-IL", "claimed": True}},
            {"name": "purpose_satisfied", "value": "2026-01-01T00:00:00.000Z"},
        ),
        errors=(InvalidInput, Malformed),
    ),
    Target(
        name="ledger.speaker.speaker_from",
        decode=of_json(speaker.speaker_from),
        samples=in_json(
            speaker.speaker_json(speaker.Speaker([("customer", "1"), ("phone", "+12175550100")], adult=True))
        ),
    ),
    Target(
        name="ledger.statements.read_statement",
        decode=of_object(statements.read_statement),
        samples=in_json(*({"token": token.decode().strip()} for token in STATEMENTS)),
    ),
    Target(
        name="ledger.ingest.require_negative",
        decode=of_text(ingest.require_negative),
        samples=[token.strip() for token in STATEMENTS[1:3]],
        errors=(InvalidInput, Malformed),
    ),
)
