"""What an export's entry says, and the positions in it."""

from collections.abc import Callable, Sequence
from typing import Final

from consentgate.errors import InvalidInput
from consentgate.export import asked, exported
from consentgate.export.paper import members, spoken
from tests.fuzz.target import ENTRY, Target, in_bytes, in_json, of_json, of_object, of_text

_BODY: Final = {
    "at": "2026-11-22T12:00:00.000Z",
    "closed": "AQ",
    "controller": "acme",
    "engine": "0.1.0",
    "fingerprint": "f",
    "first": 43,
    "format": 1,
    "last": 45,
    "logs": [{"note": "n", "number": 0, "origin": "o", "root": "AAAA", "size": 900, "vkey": "v"}],
    "matter": "Doe v. Acme",
    "not_covered": 2,
    "options": {"dialect": "concordance-utf8"},
    "positions": "AASaBg",
    "prefix": "CG",
    "privileged": [str(ENTRY)],
    "purpose": "p",
    "recipient": "r",
    "requested_by": "court",
    "role": "opposing",
    "rules": 1,
    "selection": {
        "calls": ["transaction/x"],
        "decisions": ["denied"],
        "query": "kind=denial reason=A,B",
        "since": "2026-11-22T12:00:00.000Z",
        "subjects": [{"kind": "customer", "value": "1001"}],
        "tasks": ["t"],
    },
    "time_zone": "Europe/Berlin",
}

# Every member that an export shows is read by these, from an object at any depth.
_CONTENT: Final = in_json({"a": {"b": "AQ"}, "b": [{"c": 1.5}, "x", None]})


def _member(read: Callable[..., object]) -> Target:
    return Target(
        name=f"export.paper.members.{read.__name__}",
        decode=of_json(lambda content: (read(content, "a", "b"), read(content, "b"), read(content))),
        samples=_CONTENT,
    )


EXPORTS: Final[Sequence[Target]] = (
    Target(
        name="export.exported.read",
        decode=of_object(lambda value: exported.read(ENTRY, value)),
        samples=in_json(_BODY),
    ),
    Target(
        name="export.exported.unpack",
        decode=of_text(exported.unpack),
        samples=in_bytes("", "AASaBg", exported.pack([0, 127, 128, 1 << 40])),
    ),
    Target(
        name="export.asked.parse_query",
        decode=of_text(asked.parse_query),
        samples=in_bytes("", "kind=denial reason=A,B", "end=succeeded"),
        errors=(InvalidInput,),
    ),
    *map(
        _member,
        (members.value, members.text, members.items, members.objects, members.joined, members.binary),
    ),
    Target(
        name="export.paper.spoken.pairs",
        decode=of_json(lambda content: spoken.pairs({"r": content}, "r")),
        samples=in_json([{"kind": "customer", "value": "1"}], {"kind": "customer", "value": "1"}),
    ),
)
