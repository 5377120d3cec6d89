"""Every decoder of ours: valid samples, what may leave it, and what it must give back."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from unittest import mock
from uuid import UUID

import yaml
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from consentgate import canonical, moment
from consentgate.aws.operations import GATED, VOICE, Wire
from consentgate.cli import values as typed
from consentgate.config import settings
from consentgate.consent import issuers, notice, period, shapes, statement
from consentgate.consent.reference import Reference
from consentgate.crypto import jwe, jwk, jws
from consentgate.entries import leaf, parts
from consentgate.entries.parts import PartRef
from consentgate.errors import (
    ConsentGateError,
    InvalidInput,
    Malformed,
    Misconfigured,
    PackInvalid,
    SignatureInvalid,
    Unavailable,
)
from consentgate.keys import custody
from consentgate.keys.envelope import Envelopes
from consentgate.ledger import ingest, speaker, statements
from consentgate.log import state
from consentgate.packs import period as pack_period
from consentgate.packs import toml
from consentgate.packs.packset import PackSet, shipped
from consentgate.policy import numbers, record, scenario
from consentgate.policy.assertions import DEFINITIONS, Assertion
from consentgate.tlog import checkpoint, merkle, note, proof, tiles
from consentgate.tlog.notekey import NoteKey, NoteSigner, unb64_text

ROOT: Final = Path(__file__).parents[2]
GOLDEN: Final = ROOT / "tests" / "golden"
KEY: Final = bytes(range(32))
ENTRY: Final = UUID("019aab00-0000-7000-8000-000000000000")
AT: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)

Errors = tuple[type[ConsentGateError], ...]


@dataclass(frozen=True, kw_only=True)
class Target:
    """One decoder.

    Attributes:
        name: dotted name below `consentgate`, as the register of decoders has it.
        decode: takes the bytes of an input.
        samples: valid inputs.
        errors: what its docstring says that it raises.
        encode: gives back the input of what was decoded, where there is only one spelling.
        share: what part of the inputs it gets, below one where one input costs much.
    """

    name: str
    decode: Callable[[bytes], Any]
    samples: Sequence[bytes]
    errors: Errors = (Malformed,)
    encode: Callable[[Any], bytes] | None = None
    share: float = field(default=1.0)


def _read(*names: str) -> list[bytes]:
    return [(GOLDEN / name).read_bytes() for name in names]


def _texts(*texts: str) -> list[bytes]:
    return [text.encode() for text in texts]


def _text(data: bytes) -> str:
    # Lone surrogates too: a JSON text can bring them.
    return data.decode("utf-8", "surrogateescape")


def _of_text(decode: Callable[[str], Any]) -> Callable[[bytes], Any]:
    return lambda data: decode(_text(data))


def _of_json(decode: Callable[[Any], Any]) -> Callable[[bytes], Any]:
    return lambda data: decode(canonical.decode(data, floats=True))


def _of_object(decode: Callable[[Any], Any]) -> Callable[[bytes], Any]:
    """For what takes the members of an object: whoever calls it has made sure of that."""

    def decoded(data: bytes) -> Any:
        value = canonical.decode(data, floats=True)
        if not isinstance(value, dict):
            raise Malformed
        return decode(value)

    return decoded


def _json(*values: Any) -> list[bytes]:
    return [json.dumps(value, sort_keys=True, separators=(",", ":")).encode() for value in values]


def _golden_part() -> dict[str, str]:
    found: dict[str, str] = json.loads((GOLDEN / "part.json").read_bytes())
    return found


def _open_part(data: bytes) -> bytes:
    golden = _PART or _golden_part()
    _PART.update(golden)
    ref = PartRef(p=golden["name"], d=canonical.unb64(golden["digest"]), t=canonical.unb64(golden["tag"]))
    return parts.open_part(ENTRY, ref, _text(data), canonical.unb64(golden["data_key"]))


_PART: Final[dict[str, str]] = {}
_SEALED: Final = jwe.seal(b'{"x":1}', key=KEY, iv=bytes(12))
_TREE: Final = [merkle.leaf_hash(bytes([i])) for i in range(7)]
_PACK: Final = (
    b'format = 1\ncode = "XX"\nname = "XX"\nkind = "country"\ntier = 1\nconfidence = "source-read"\nparents = []\n'
    b'groups = []\n[[laws]]\nname = "Act"\ncitation = "Act s. 1"\nstatus = "in_force"\n[[versions]]\n'
    b"from = 2000-01-01\n[versions.requirements]\nconsent_required = true\noral_consent_ok = false\n"
    b'consent_form = "explicit"\nnotice_elements = ["specific_purpose"]\n'
)
_INDEX: Final = _json({"format": 1, "packs": {"XX": {"file": "x/XX.toml", "sha256": "0" * 64}}})
_SETTINGS: Final = (
    b'format = 1\ndatabase = "sqlite:///consentgate.db"\ntenant = "default"\n[controller]\nid = "acme"\n'
    b'jurisdiction = "US-IL"\n[purposes]\nsearch = "authentication"\n[limits]\nclock_skew_s = 5\n'
    b'outcome_budget_s = 2.5\n[spool]\nfolder = "spool"\nlimit = 10\n'
)
_PACKS: Final = shipped()
_STATE: Final = {
    "format": 1, "note": "", "origin": "consentgate.invalid/x", "root": canonical.b64(merkle.root_of([])), "size": 0,
}  # fmt: skip


def _made_key_file() -> bytes:
    made: list[bytes] = []
    with mock.patch.object(custody, "write_secret", lambda _path, data: made.append(data)):
        custody.KeyFile.create(Path("keys"), lambda size: bytes(range(1, size + 1)))
    return made[0]


_KEY_FILE: Final = _made_key_file()
_CUSTODY: Final = custody.KeyFile(custody._decode(_KEY_FILE))
_ENVELOPES: Final = Envelopes(_CUSTODY, lambda size: bytes(range(2, size + 2)))
_WRAPPED: Final = _CUSTODY.wrap(KEY)


def _key_file(data: bytes) -> object:
    with mock.patch.object(custody, "read_secret", return_value=data):
        return custody.KeyFile.read(Path("keys"))


def _signer_state(data: bytes) -> object:
    return state._decode(data)


def _settings(data: bytes) -> object:
    def read_text(_path: Path, *, encoding: str) -> str:
        return data.decode(encoding)

    with mock.patch.object(Path, "read_text", read_text):
        return settings.load_settings(Path("/home"), {})


def _manifest(data: bytes) -> object:
    with mock.patch.object(typed, "read_bytes", lambda _name, *, limit: data[:limit]):
        return typed.read_manifest("notice.toml")


def _token_file(data: bytes) -> object:
    with mock.patch.object(typed, "read_bytes", lambda _name, *, limit: data[:limit]):
        return typed.read_token("token.jwt")


def _public_key(data: bytes) -> object:
    with mock.patch.object(typed, "read_bytes", lambda _name, *, limit: data[:limit]):
        return typed.read_public_key(jwk="key.jwk", pem=None)


def _address(data: bytes) -> object:
    address = GATED[VOICE, "StartSpeakerSearchTask"].address
    assert address is not None
    path = "/voice-connectors/abcdef1ghij2klmno3pqr4/speaker-search-tasks"
    return address(Wire(method="POST", path=path, query="", body=data))


def _address_path(data: bytes) -> object:
    address = GATED[VOICE, "StartSpeakerSearchTask"].address
    assert address is not None
    return address(Wire(method="POST", path=_text(data), query="", body=b'{"TransactionId":"t"}'))


def _answered(data: bytes) -> object:
    answer = GATED[VOICE, "StartSpeakerSearchTask"].answer
    assert answer is not None
    found = answer(data)
    canonical.encode(found.summary)
    return found


def _inclusion(data: bytes) -> None:
    *lines, root = data.split(b"\n")
    hashes = [canonical.unb64(_text(line)) for line in lines]
    proof.verify_inclusion(3, 7, _TREE[3], canonical.unb64(_text(root)), hashes)


def _consistency(data: bytes) -> None:
    *lines, root = data.split(b"\n")
    hashes = [canonical.unb64(_text(line)) for line in lines]
    proof.verify_consistency(3, 7, merkle.root_of(_TREE[:3]), canonical.unb64(_text(root)), hashes)


def _node(level: int, index: int) -> bytes:
    span = _TREE[index << level : (index + 1) << level]
    return merkle.root_of(span)


def _proof(path: Sequence[bytes]) -> bytes:
    return "\n".join(canonical.b64(each) for each in (*path, merkle.root_of(_TREE))).encode()


def _reference(value: Any) -> object:
    texts = isinstance(value, dict) and all(isinstance(each, str) for each in value.values())
    if not texts or set(value) != {"kind", "value"}:
        raise InvalidInput("no reference")
    return Reference(**value)


def _assertion(value: Any) -> object:
    name, said = (value.get("name"), value.get("value")) if isinstance(value, dict) else ("has_dpo", value)
    known = name if isinstance(name, str) and name in DEFINITIONS else "has_dpo"
    about = "customer:1" if DEFINITIONS[known].scope == "subject" else None
    return Assertion(name=known, value=said, by="dpo", since=AT, about=about)


def _decision() -> Any:
    found = scenario.evaluate(_SCENARIOS[0], _PACKS).decision
    return record.decision_json(found)


_SCENARIOS: Final = [
    {k: v for k, v in each.items() if k not in {"title", "core", "tags", "why", "notes"}}
    for each in yaml.safe_load((ROOT / "tests/scenarios/public.yaml").read_text())["scenarios"][:6]
]
_STATEMENTS: Final = _read(
    "statements/given.jwt", "statements/refused.jwt", "statements/withdrawn.jwt", "statements/given.es256.jwt"
)
_CLAIMS: Final = [canonical.unb64(t.decode().strip().split(".")[1]) for t in _STATEMENTS[:3]]
_JWKS: Final = json.loads((GOLDEN / "statements/jwks.json").read_bytes())["keys"]
_VKEY: Final = (GOLDEN / "log.vkey").read_text().strip()
_NOTE: Final = (GOLDEN / "checkpoint.txt").read_bytes()
_BODY: Final = _NOTE.partition(b"\n\n")[0] + b"\n"
_MANIFEST: Final = json.loads((GOLDEN / "statements/notice.manifest.json").read_bytes())
_LEAVES: Final = [path.read_bytes() for path in sorted((GOLDEN / "leaves").glob("*.json"))]
# Fixed scalars: the same samples on every machine.
_PRIVATE: Final = [
    jwk.SigningKey.of(ed25519.Ed25519PrivateKey.from_private_bytes(KEY)).pem(),
    jwk.SigningKey.of(ec.derive_private_key(1234567, ec.SECP256R1())).pem(),
]
_PEMS: Final = _read("statements/issuer.pem", "statements/issuer.es256.pem")
TARGETS: Final[Sequence[Target]] = (
    Target(name="canonical.decode", decode=canonical.decode, samples=[*_LEAVES[:3], *_CLAIMS]),
    Target(
        name="canonical.decode_canonical",
        decode=canonical.decode_canonical,
        samples=[*_LEAVES[:3], '{"a":"é"}'.encode(), b'{"a":[1,true,null]}'],
        encode=canonical.encode,
    ),
    Target(
        name="canonical.unb64",
        decode=_of_text(canonical.unb64),
        samples=_texts("", "AA", "AAAA", "-_8", "SGVsbG8"),
        encode=lambda value: canonical.b64(value).encode(),
    ),
    Target(
        name="moment.from_text",
        decode=_of_text(moment.from_text),
        samples=_texts("2026-11-22T12:00:00.000Z", "2024-02-29T23:59:59.999Z"),
        encode=lambda value: moment.to_text(value).encode(),
    ),
    Target(
        name="moment.from_any",
        decode=_of_text(moment.from_any),
        samples=_texts("2026-11-22T12:00:00Z", "2024-02-29T23:59:59.123456Z"),
    ),
    Target(
        name="moment.parse_uuid",
        decode=_of_text(moment.parse_uuid),
        samples=_texts(str(ENTRY)),
        encode=lambda value: str(value).encode(),
    ),
    Target(name="entries.leaf.decode", decode=leaf.decode, samples=_LEAVES, encode=leaf.encode),
    Target(
        name="entries.parts.split_parts",
        decode=_of_text(parts.split_parts),
        samples=_texts("", _SEALED, f"{_SEALED}\n{_SEALED}"),
    ),
    Target(name="entries.parts.open_part", decode=_open_part, samples=_texts(_golden_part()["token"])),
    Target(
        name="crypto.jwe.open_sealed",
        decode=lambda data: jwe.open_sealed(_text(data), key=KEY),
        samples=_texts(_SEALED),
    ),
    Target(
        name="crypto.jws.parse",
        decode=lambda data: jws.parse(_text(data), typ=statement.TYP),
        samples=[token.strip() for token in _STATEMENTS],
        encode=lambda token: token.signing_input + b"." + canonical.b64(token.signature).encode(),
    ),
    Target(
        name="crypto.jwk.public_key_from_jwk",
        decode=_of_object(jwk.public_key_from_jwk),
        samples=_json(*_JWKS),
    ),
    Target(name="crypto.jwk.thumbprint", decode=_of_object(jwk.thumbprint), samples=_json(*_JWKS)),
    Target(name="crypto.jwk.public_key_from_pem", decode=jwk.public_key_from_pem, samples=_PEMS),
    Target(
        name="crypto.jwk.signing_key_from_pem", decode=jwk.signing_key_from_pem, samples=_PRIVATE, share=0.5
    ),
    Target(name="consent.statement.from_claims", decode=statement.from_claims, samples=_CLAIMS),
    Target(
        name="consent.issuers.decode",
        decode=issuers.decode,
        samples=_read("statements/issuers.json"),
        encode=shapes.to_bytes,
    ),
    Target(
        name="consent.notice.decode",
        decode=notice.decode,
        samples=_read("statements/notice.manifest.json"),
        encode=shapes.to_bytes,
    ),
    Target(
        name="consent.notice.describe",
        decode=_of_object(lambda value: notice.describe(b"text", value)),
        samples=_json({k: v for k, v in _MANIFEST.items() if k not in {"digest", "format"}}),
        errors=(Malformed, InvalidInput),
    ),
    Target(
        name="consent.period.Period.parse",
        decode=_of_text(period.Period.parse),
        samples=_texts("P2Y", "P18M", "P2W", "P30D"),
        errors=(InvalidInput,),
    ),
    Target(
        name="packs.period.Period.parse",
        decode=_of_text(pack_period.Period.parse),
        samples=_texts("P2Y", "P18M", "P2W", "P30D"),
        errors=(InvalidInput,),
    ),
    Target(
        name="consent.reference.Reference",
        decode=_of_json(_reference),
        samples=_json({"kind": "customer", "value": "C-1"}, {"kind": "phone", "value": "+12175550100"}),
        errors=(InvalidInput, Malformed),
    ),
    Target(
        name="packs.toml.load",
        decode=lambda data: toml.load(data, file="XX.toml", code="XX"),
        samples=[_PACK],
        errors=(PackInvalid,),
        share=0.5,
    ),
    Target(
        name="packs.packset.PackSet",
        decode=lambda data: PackSet(data, lambda _name: b""),
        samples=_INDEX,
        errors=(PackInvalid,),
    ),
    Target(
        name="policy.scenario.evaluate",
        decode=_of_json(lambda value: scenario.evaluate(value, _PACKS)),
        samples=_json(*_SCENARIOS),
        errors=(InvalidInput, Malformed, PackInvalid),
        share=0.5,
    ),
    Target(
        name="policy.numbers.plan_from",
        decode=numbers.plan_from,
        samples=_texts("source x-1\n# note\n+1 10-10 CA US\n312 US-IL\n800 -\n+44 9-10 GB\n1534 JE\n"),
        errors=(Misconfigured,),
    ),
    Target(
        name="policy.numbers.jurisdictions",
        decode=_of_text(numbers.jurisdictions),
        samples=_texts("+13125550123", "+447797712345", "+80012345678", "+212528812345"),
        errors=(),
    ),
    Target(
        name="policy.record.decision_from", decode=_of_json(record.decision_from), samples=_json(_decision())
    ),
    Target(
        name="policy.record.reason_from",
        decode=_of_json(record.reason_from),
        samples=_json(
            {"code": "NO_CONSENT", "speaker": "Caller 1", "bases": [{"pack": "US-IL", "citation": "x"}]}
        ),
    ),
    Target(
        name="policy.record.request_from",
        decode=_of_json(record.request_from),
        samples=_json({"operation": "search", "purpose": "authentication", "recording_consent": "none"}),
    ),
    Target(
        name="policy.record.speaker_from",
        decode=_of_json(record.speaker_from),
        samples=_json({"name": "x", "age": 3}),
    ),
    Target(
        name="policy.assertions.Assertion",
        decode=_of_json(_assertion),
        samples=_json(
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
        decode=_of_json(speaker.speaker_from),
        samples=_json(
            speaker.speaker_json(speaker.Speaker([("customer", "1"), ("phone", "+12175550100")], adult=True))
        ),
    ),
    Target(
        name="ledger.statements.read_statement",
        decode=_of_object(statements.read_statement),
        samples=_json(*({"token": token.decode().strip()} for token in _STATEMENTS)),
    ),
    Target(
        name="ledger.ingest.require_negative",
        decode=_of_text(ingest.require_negative),
        samples=[token.strip() for token in _STATEMENTS[1:3]],
        errors=(InvalidInput, Malformed),
    ),
    Target(
        name="tlog.checkpoint.decode",
        decode=_of_text(checkpoint.decode),
        samples=[_BODY],
        encode=lambda value: checkpoint.encode(value).encode(),
    ),
    Target(
        name="tlog.checkpoint.open_checkpoint",
        decode=lambda data: checkpoint.open_checkpoint(data, NoteKey.from_vkey(_VKEY)),
        samples=[_NOTE],
        errors=(Malformed, SignatureInvalid),
    ),
    Target(name="tlog.note.parse_note", decode=note.parse_note, samples=[_NOTE]),
    Target(
        name="tlog.note.verify_note",
        decode=lambda data: note.verify_note(_text(data), [NoteKey.from_vkey(_VKEY)]),
        samples=[_NOTE],
        errors=(Malformed, SignatureInvalid),
    ),
    Target(
        name="tlog.notekey.unb64_text",
        decode=_of_text(unb64_text),
        samples=_texts("", "AA==", "AAA=", "SGVsbG8="),
    ),
    Target(
        name="tlog.notekey.NoteKey.from_vkey",
        decode=_of_text(NoteKey.from_vkey),
        samples=_texts(_VKEY),
        encode=lambda key: key.vkey.encode(),
    ),
    Target(
        name="tlog.notekey.NoteSigner.from_text",
        decode=_of_text(NoteSigner.from_text),
        samples=_texts(
            NoteSigner.generate("consentgate.invalid/x", lambda size: bytes(range(size))).to_text()
        ),
        encode=lambda signer: signer.to_text().encode(),
        share=0.5,
    ),
    Target(
        name="tlog.merkle.Frontier.from_bytes",
        decode=merkle.Frontier.from_bytes,
        samples=[merkle.Frontier(3, [_TREE[0], _TREE[2]]).to_bytes(), merkle.Frontier().to_bytes()],
        encode=lambda frontier: frontier.to_bytes(),
    ),
    Target(
        name="tlog.merkle.require_hash", decode=lambda data: merkle.require_hash(data, "x"), samples=[KEY]
    ),
    Target(
        name="tlog.merkle.root_of",
        decode=lambda data: merkle.root_of(data.split(b"\n")),
        samples=[b"r" * 32, b"r" * 32 + b"\n" + b"s" * 32],
    ),
    Target(name="tlog.merkle.Frontier.push", decode=lambda data: merkle.Frontier().push(data), samples=[KEY]),
    Target(
        name="tlog.proof.verify_inclusion",
        decode=_inclusion,
        samples=[_proof(proof.inclusion_proof(3, 7, _node))],
    ),
    Target(
        name="tlog.proof.verify_consistency",
        decode=_consistency,
        samples=[_proof(proof.consistency_proof(3, 7, _node))],
    ),
    Target(name="tlog.tiles.subtree_of_tile", decode=tiles.subtree_of_tile, samples=[KEY * 256], share=0.02),
    Target(name="keys.custody.KeyFile.read", decode=_key_file, samples=[_KEY_FILE]),
    Target(
        name="keys.custody.KeyFile.unwrap",
        decode=lambda data: _CUSTODY.unwrap(_WRAPPED.wrapping_key, data),
        samples=[_WRAPPED.wrapped],
    ),
    Target(
        name="keys.envelope.Envelopes.open",
        decode=_of_text(_ENVELOPES.open),
        samples=_texts(_ENVELOPES.seal(b"content")),
        errors=(Malformed, Unavailable),
    ),
    Target(name="log.state.FileState.read", decode=_signer_state, samples=[*_json(_STATE)]),
    Target(
        name="config.settings.load_settings",
        decode=_settings,
        samples=[_SETTINGS],
        errors=(Misconfigured,),
        share=0.5,
    ),
    Target(
        name="cli.values.read_manifest",
        decode=_manifest,
        samples=[b'id = "x"\nn = 1\n'],
        errors=(InvalidInput,),
    ),
    Target(name="cli.values.read_token", decode=_token_file, samples=_STATEMENTS, errors=(InvalidInput,)),
    Target(
        name="cli.values.read_public_key", decode=_public_key, samples=_json(*_JWKS), errors=(InvalidInput,)
    ),
    Target(
        name="cli.values.json_value",
        decode=_of_text(typed.json_value),
        samples=_texts("true", '{"jurisdiction":"FR"}', "all_parties"),
        errors=(InvalidInput,),
    ),
    Target(
        name="cli.values.moment",
        decode=_of_text(lambda text: typed.moment(text, "--at")),
        samples=_texts("2026-11-22", "2026-11-22T12:00:00Z"),
        errors=(InvalidInput,),
    ),
    Target(
        name="cli.values.references",
        decode=_of_text(lambda text: typed.references([text])),
        samples=_texts("customer:C-1001", "phone:+12175550100"),
        errors=(InvalidInput,),
    ),
    Target(
        name="aws.operations.Operation.address",
        decode=_address,
        samples=_json(
            {
                "TransactionId": "t-1",
                "CallLeg": "Caller",
                "ClientRequestToken": "x",
                "VoiceProfileDomainId": "d",
            }
        ),
        errors=(),
    ),
    Target(
        name="aws.operations.Operation.address path",
        decode=_address_path,
        samples=_texts("/voice-connectors/abcdef1ghij2klmno3pqr4/speaker-search-tasks"),
        errors=(),
    ),
    Target(
        name="aws.operations.Operation.answer",
        decode=_answered,
        samples=_json(
            {
                "SpeakerSearchTask": {
                    "SpeakerSearchTaskId": "t-1",
                    "SpeakerSearchTaskStatus": "IN_QUEUE",
                    "SpeakerSearchDetails": {"Results": [{"VoiceProfileId": "vp", "ConfidenceScore": 0.5}]},
                }
            }
        ),
        errors=(),
    ),
)
