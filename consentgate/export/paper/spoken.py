"""What a person stated, taken out of the signed token that a part holds.

Read leniently: an export shows what was sealed, and whether its signature holds is the verifiers' question.

Invariants: pure; whatever the part, nothing raises.
"""

from consentgate import canonical
from consentgate.canonical import Json
from consentgate.errors import Malformed
from consentgate.export.paper.members import Content, binary, objects, text, unpadded, value
from consentgate.export.record import Record, Withheld
from consentgate.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A file that proves a statement and lies elsewhere: a recording, a signed form.

    Attributes:
        sha256: of its exact bytes, in hexadecimal.
        about: of which kind it is, its media type, its size, and where it lies, as far as that is told.
    """

    sha256: str
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a person stated, as the signed token has it.

    Attributes:
        part: the part that holds it.
        token: the compact token, exactly.
        claims: its payload.
        kid: thumbprint of the key that signed it.
        state: ``ConsentGiven`` and the like.
        references: the person's references, as kind and value.
        notice: digest of the notice that was shown, or None.
        manifest: digest of that notice's manifest, or None.
        evidence: files that prove it.
    """

    part: str
    token: str
    claims: Content
    kid: str
    state: str
    references: tuple[str, ...]
    notice: bytes | None
    manifest: bytes | None
    evidence: tuple[Proof, ...]


def said(record: Record) -> Said | None:
    """Give what a statement says.

    Args:
        record: any entry.

    Returns:
        The statement, or None where the entry is none or its part is withheld.
    """
    content = record.content("statement.0") if record.kind == "statement" else None
    if content is None:
        return None
    token = text(content, "token")
    redacted = isinstance(record.parts["statement.0"], Withheld)
    header, payload = (_json(each) for each in [*token.split("."), "", ""][:2])
    claims = payload if token else value(content, "claims")
    shown: Content = claims if isinstance(claims, dict) else {}
    if redacted and not shown:
        shown = content
    return Said(
        part="statement.0",
        token=token,
        claims=shown,
        kid=text(header, "kid"),
        state=text(shown, "state"),
        references=pairs(shown, "subject_refs"),
        notice=binary(shown, "notice", "digest"),
        manifest=binary(content, "manifest"),
        evidence=tuple(map(_proof, objects(shown, "evidence"))),
    )


def pairs(content: Json, *path: str) -> tuple[str, ...]:
    """Give references as people read them.

    Args:
        content: an object.
        *path: names from the outside in, to a list of references.

    Returns:
        Each as kind and value, for example ``phone +12175550100``.
    """
    return tuple(f"{text(each, 'kind')} {text(each, 'value')}".strip() for each in objects(content, *path))


def _proof(each: Content) -> Proof:
    size = text(each, "size")
    about = (text(each, "kind"), text(each, "media_type"), size and f"{size} bytes", text(each, "uri"))
    return Proof(sha256=(binary(each, "digest") or b"").hex(), about=", ".join(filter(None, about)))


def _json(part: str) -> Json:
    found = unpadded(part)
    try:
        return canonical.decode(found, floats=True) if found else {}
    except Malformed:
        return {}
