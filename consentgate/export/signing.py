"""The manifest of a package, and the signature over it.

Invariants: what is signed is the manifest's exact bytes; the same export gives the same bytes, and Ed25519 the same
signature over them. A signature shows who signed, to somebody who knows the key from elsewhere, and nothing else.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from consentgate import canonical
from consentgate.canonical import Json
from consentgate.crypto import jws
from consentgate.crypto.jwk import PublicKey, SigningKey
from consentgate.errors import Malformed, Misconfigured
from consentgate.export.asked import DIGITS
from consentgate.export.bag import Bag, File
from consentgate.export.exported import FORMAT
from consentgate.export.sink import Scope, Totals
from consentgate.moment import to_text

TYP: Final = "consentgate-package+jwt"
MANIFEST: Final = "manifest.json"
STAMP: Final = f"{MANIFEST}.tsr"
SIGNATURE: Final = "manifest.jws"
_COUNTS: Final = (
    "selected",
    "exported",
    "withheld_entries",
    "parts",
    "parts_open",
    "parts_withheld",
    "not_covered",
)


def manifest(scope: Scope, totals: Totals, packs: Sequence[str], files: Iterable[File]) -> Iterator[bytes]:
    """Write the manifest, piece by piece: its files are more than what it tells.

    Args:
        scope: what is told about the export.
        totals: what there was.
        packs: digests of the pack sets in it.
        files: every file that it lists, by path.

    Yields:
        Canonical JSON.
    """
    before = b"{"
    for name, value in sorted(_members(scope, totals, packs).items()):
        yield b"%b%b:" % (before, canonical.encode(name))
        before = b","
        if name != "files":
            yield canonical.encode(value)
            continue
        listed = (canonical.encode(each.members()) for each in files if each.role is not None)
        yield b"[" + next(listed, b"")
        yield from (b"," + each for each in listed)
        yield b"]"
    yield b"}"


def totals_of(said: Mapping[str, Json]) -> Totals:
    """Read the counts of a manifest of ours.

    Args:
        said: the manifest.

    Returns:
        The counts, without those by reason and kind.

    Raises:
        Malformed: there are none.
    """
    counts = said.get("counts")
    numbers = [counts.get(name) if isinstance(counts, Mapping) else None for name in _COUNTS]
    found = [each for each in numbers if isinstance(each, int)]
    if len(found) != len(_COUNTS):
        raise Malformed("The manifest has no counts.")
    selected, exported, withheld, parts, parts_open, parts_withheld, not_covered = found
    return Totals(
        selected=selected,
        exported=exported,
        withheld_entries=withheld,
        parts=parts,
        parts_open=parts_open,
        parts_withheld=parts_withheld,
        not_covered=not_covered,
    )


def put_key(bag: Bag, key: PublicKey) -> None:
    """Write the public half of the package key.

    Args:
        bag: where to.
        key: the key.

    Raises:
        Misconfigured: it is not one of Ed25519.
        Unavailable: it cannot be written.
    """
    if key.algorithm != "Ed25519":
        raise Misconfigured("The package key is a key of Ed25519: restore package.key.")
    jwk: dict[str, Json] = {name: value for name, value in key.jwk().items() if name != "kid"}
    bag.put("package.jwk", canonical.encode(jwk) + b"\n", role="key", media_type="application/jwk+json")


def put_signed(bag: Bag, content: Iterable[bytes], key: SigningKey) -> None:
    """Write the manifest, and its signature aside: what a crash leaves is no package, however late it comes.

    Args:
        bag: where to.
        content: the manifest, in pieces.
        key: the package key.

    Raises:
        Unavailable: they cannot be written.
    """
    with bag.open(MANIFEST, role=None) as file:
        for piece in content:
            file.write(piece)
    with bag.read(MANIFEST) as written:
        token = jws.sign_long(written, key=key, typ=TYP)
    bag.put(SIGNATURE, token, role=None)
    bag.take_out(SIGNATURE)


def _members(scope: Scope, totals: Totals, packs: Sequence[str]) -> dict[str, Json]:
    """What the manifest tells, without its files."""
    members: dict[str, Json] = {
        "v": FORMAT,
        "matter": scope.matter,
        "export": str(scope.export),
        "at": to_text(scope.at),
        "purpose": scope.purpose,
        "recipient": scope.recipient,
        "role": scope.role,
        "scope": [{"name": name, "value": value} for name, value in scope.selection],
        "time_zone": scope.time_zone,
        "bates": {"prefix": scope.prefix, "digits": DIGITS, "first": scope.first, "last": scope.last},
        "counts": {name: getattr(totals, name) for name in _COUNTS},
        "controller": {"id": scope.controller, "name": scope.controller_name},
        "versions": {"consentgate": scope.version, "format": FORMAT, "packs": list(packs)},
        "logs": [
            {
                "number": each.number,
                "origin": each.origin,
                "size": each.size,
                "root": canonical.b64(each.root),
                "vkey": each.vkey,
                "positions": each.positions,
            }
            for each in scope.logs
        ],
        "files": [],
    }
    members |= {"requested_by": scope.requested_by} if scope.requested_by is not None else {}
    return members
