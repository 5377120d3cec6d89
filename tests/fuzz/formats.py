"""What is written, signed and sealed: JSON, times, leaves, parts, keys, statements, notices."""

import json
from collections.abc import Sequence
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from consentgate import canonical, moment
from consentgate.consent import issuers, notice, period, shapes, statement
from consentgate.consent.reference import Reference
from consentgate.crypto import curves, jwe, jwk, jws
from consentgate.entries import leaf, parts
from consentgate.entries.parts import PartRef
from consentgate.errors import InvalidInput, Malformed, SignatureInvalid
from consentgate.ledger.speaker import Speaker, speaker_json
from consentgate.verify import layouts, naming
from tests.fuzz.target import (
    ENTRY,
    GOLDEN,
    JWKS,
    KEY,
    LEAVES,
    STATEMENTS,
    Target,
    as_text,
    golden,
    in_bytes,
    in_json,
    of_json,
    of_object,
    of_text,
)


def _golden_part() -> dict[str, str]:
    found: dict[str, str] = json.loads((GOLDEN / "part.json").read_bytes())
    return found


def _open_part(data: bytes) -> bytes:
    golden = _PART or _golden_part()
    _PART.update(golden)
    ref = PartRef(p=golden["name"], d=canonical.unb64(golden["digest"]), t=canonical.unb64(golden["tag"]))
    return parts.open_part(ENTRY, ref, as_text(data), canonical.unb64(golden["data_key"]))


_PART: Final[dict[str, str]] = {}
_SEALED: Final = jwe.seal(b'{"x":1}', key=KEY, iv=bytes(12))


def _reference(value: Any) -> object:
    texts = isinstance(value, dict) and all(isinstance(each, str) for each in value.values())
    if not texts or set(value) != {"kind", "value"}:
        raise InvalidInput("no reference")
    return Reference(**value)


_CLAIMS: Final = [canonical.unb64(t.decode().strip().split(".")[1]) for t in STATEMENTS[:3]]
_MANIFEST: Final = json.loads((GOLDEN / "statements/notice.manifest.json").read_bytes())
# Fixed scalars: the same samples on every machine.
_PRIVATE: Final = [
    jwk.SigningKey.of(ed25519.Ed25519PrivateKey.from_private_bytes(KEY)).pem(),
    jwk.SigningKey.of(ec.derive_private_key(1234567, ec.SECP256R1())).pem(),
]
_SIGNING: Final = [jwk.signing_key_from_pem(each) for each in _PRIVATE]
_SIGNED: Final = [b"\0" + _SIGNING[0].sign(b"text"), b"\1" + _SIGNING[1].sign(b"text")]
_PEMS: Final = golden("statements/issuer.pem", "statements/issuer.es256.pem")

FORMATS: Final[Sequence[Target]] = (
    Target(name="canonical.decode", decode=canonical.decode, samples=[*LEAVES[:3], *_CLAIMS]),
    Target(
        name="canonical.decode_canonical",
        decode=canonical.decode_canonical,
        samples=[*LEAVES[:3], '{"a":"é"}'.encode(), b'{"a":[1,true,null]}'],
        encode=canonical.encode,
    ),
    Target(
        name="canonical.unb64",
        decode=of_text(canonical.unb64),
        samples=in_bytes("", "AA", "AAAA", "-_8", "SGVsbG8"),
        encode=lambda value: canonical.b64(value).encode(),
    ),
    Target(
        name="moment.from_text",
        decode=of_text(moment.from_text),
        samples=in_bytes("2026-11-22T12:00:00.000Z", "2024-02-29T23:59:59.999Z"),
        encode=lambda value: moment.to_text(value).encode(),
    ),
    Target(
        name="moment.from_any",
        decode=of_text(moment.from_any),
        samples=in_bytes("2026-11-22T12:00:00Z", "2024-02-29T23:59:59.123456Z"),
    ),
    Target(
        name="moment.parse_uuid",
        decode=of_text(moment.parse_uuid),
        samples=in_bytes(str(ENTRY)),
        encode=lambda value: str(value).encode(),
    ),
    Target(name="entries.leaf.decode", decode=leaf.decode, samples=LEAVES, encode=leaf.encode),
    Target(name="verify.layouts.layout_of", decode=layouts.layout_of, samples=LEAVES, errors=()),
    Target(
        name="verify.naming.call_of",
        decode=of_json(naming.call_of),
        samples=in_json({"call": "transaction/t"}),
    ),
    Target(
        name="verify.naming.first_reference",
        decode=of_json(naming.first_reference),
        samples=in_json({"speaker": speaker_json(Speaker([("phone", "+12175550100")], adult=True))}),
    ),
    Target(
        name="entries.parts.split_parts",
        decode=of_text(parts.split_parts),
        samples=in_bytes("", _SEALED, f"{_SEALED}\n{_SEALED}"),
    ),
    Target(name="entries.parts.open_part", decode=_open_part, samples=in_bytes(_golden_part()["token"])),
    Target(
        name="crypto.jwe.open_sealed",
        decode=lambda data: jwe.open_sealed(as_text(data), key=KEY),
        samples=in_bytes(_SEALED),
    ),
    Target(
        name="crypto.jws.parse",
        decode=lambda data: jws.parse(as_text(data), typ=statement.TYP),
        samples=[token.strip() for token in STATEMENTS],
        encode=lambda token: token.signing_input + b"." + canonical.b64(token.signature).encode(),
    ),
    Target(
        name="crypto.jwk.public_key_from_jwk",
        decode=of_object(jwk.public_key_from_jwk),
        samples=in_json(*JWKS),
    ),
    Target(name="crypto.jwk.thumbprint", decode=of_object(jwk.thumbprint), samples=in_json(*JWKS)),
    Target(name="crypto.jwk.public_key_from_pem", decode=jwk.public_key_from_pem, samples=_PEMS),
    Target(name="crypto.jwk.signing_key_from_pem", decode=jwk.signing_key_from_pem, samples=_PRIVATE),
    Target(
        name="crypto.jwk.PublicKey.verify",
        # Which of the two keys, the first byte says.
        decode=lambda data: _SIGNING[data[:1] == b"\1"].public.verify(data[1:], b"text"),
        samples=_SIGNED,
        errors=(SignatureInvalid,),
    ),
    Target(
        name="crypto.curves.to_der",
        decode=curves.to_der,
        samples=[_SIGNED[1][1:]],
        errors=(SignatureInvalid,),
    ),
    Target(
        name="crypto.curves.from_der",
        decode=curves.from_der,
        samples=[curves.to_der(_SIGNED[1][1:])],
        errors=(SignatureInvalid,),
    ),
    Target(name="consent.statement.from_claims", decode=statement.from_claims, samples=_CLAIMS),
    Target(
        name="consent.issuers.decode",
        decode=issuers.decode,
        samples=golden("statements/issuers.json"),
        encode=shapes.to_bytes,
    ),
    Target(
        name="consent.notice.decode",
        decode=notice.decode,
        samples=golden("statements/notice.manifest.json"),
        encode=shapes.to_bytes,
    ),
    Target(
        name="consent.notice.describe",
        decode=of_object(lambda value: notice.describe(b"text", value)),
        samples=in_json({k: v for k, v in _MANIFEST.items() if k not in {"digest", "format"}}),
        errors=(Malformed, InvalidInput),
    ),
    Target(
        name="consent.period.Period.parse",
        decode=of_text(period.Period.parse),
        samples=in_bytes("P2Y", "P18M", "P2W", "P30D"),
        errors=(InvalidInput,),
    ),
    Target(
        name="consent.reference.Reference",
        decode=of_json(_reference),
        samples=in_json({"kind": "customer", "value": "C-1"}, {"kind": "phone", "value": "+12175550100"}),
        errors=(InvalidInput, Malformed),
    ),
)
