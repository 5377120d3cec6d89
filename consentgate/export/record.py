"""One exported entry: its exact bytes, and what of its parts may be read.

Invariants: `exact` and `readable` are the lines of ``entries.jsonl`` and ``records.jsonl``, canonical JSON without
the line feed; what is withheld is in neither of them, and a part that is opened is in both.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Final
from uuid import UUID

from consentgate import canonical
from consentgate.canonical import Json
from consentgate.moment import to_text
from consentgate.values import dataclass

REASONS: Final = ("destroyed", "matches", "other_person", "privilege", "references", "role", "templates")
"""Why a part is withheld: the closed list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """What stands in the place of a part whose key is not disclosed.

    Attributes:
        reason: one of `REASONS`.
        rule: which rule of `consentgate.export.withholding` said so.
        shown: the members that may be read all the same, where the part is redacted; None where nothing is shown.
    """

    reason: str
    rule: str
    shown: Mapping[str, Json] | None = field(default=None, repr=False)

    @property
    def members(self) -> Mapping[str, Json]:
        """How it stands in ``records.jsonl``."""
        if self.shown is None:
            return {"withheld": self.reason}
        return {"redacted": self.reason, "shown": dict(self.shown)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A sealed part of an exported entry.

    Attributes:
        name: the part's name.
        jwe: the compact token, exactly as it is stored.
        key: the part key, 32 bytes; None where it is withheld.
        plain: the content, exactly as it was sealed; None where it is withheld.
        withheld: why there is no key; None where there is one.
    """

    name: str
    jwe: str = field(repr=False)
    key: bytes | None = field(default=None, repr=False)
    plain: bytes | None = field(default=None, repr=False)
    withheld: Withheld | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One exported entry.

    Attributes:
        bates: its Bates number.
        entry: the entry's id.
        log: number of the log that gives its position.
        position: its position there.
        kind: the entry's kind.
        at: when it was appended.
        end: how an outcome or observation ended, or None.
        re: the entry that it answers, or None.
        leaf: the leaf's exact bytes.
        tokens: its sealed parts, in the order of the leaf.
        parts: by part name, the content, or what stands in its place.
    """

    bates: str
    entry: UUID
    log: int
    position: int
    kind: str
    at: datetime
    end: str | None = None
    re: UUID | None = None
    leaf: bytes = field(repr=False)
    tokens: tuple[Token, ...] = field(default=(), repr=False)
    parts: Mapping[str, Mapping[str, Json] | Withheld] = field(default_factory=dict, repr=False)

    def content(self, name: str) -> Mapping[str, Json] | None:
        """Give what may be read of a part.

        Args:
            name: the part's name.

        Returns:
            Its members, those that are shown where it is redacted, or None.
        """
        part = self.parts.get(name)
        return part.shown if isinstance(part, Withheld) else part

    def exact(self) -> bytes:
        """Write the line of ``entries.jsonl``.

        Returns:
            Canonical JSON, without the line feed.
        """
        return canonical.encode(
            {
                "bates": self.bates,
                "entry": str(self.entry),
                "leaf": canonical.b64(self.leaf),
                "log": self.log,
                "parts": [_exact(token) for token in self.tokens],
                "position": self.position,
            }
        )

    def readable(self) -> bytes:
        """Write the line of ``records.jsonl``.

        Returns:
            Canonical JSON, without the line feed.
        """
        # What was sealed is canonical JSON, so its bytes stand here as they are: nothing is encoded a second time.
        shown = b",".join(b'"%b":%b' % (token.name.encode(), _readable(token)) for token in self.tokens)
        return b"{%b}" % b",".join(self._members(shown))

    def _members(self, parts: bytes) -> list[bytes]:
        members = [b'"at":"%b","bates":%b' % (to_text(self.at).encode(), canonical.encode(self.bates))]
        if self.end is not None:
            members.append(b'"end":"%b"' % self.end.encode())
        members.append(
            b'"entry":"%b","kind":"%b","log":%d,"parts":{%b},"position":%d'
            % (str(self.entry).encode(), self.kind.encode(), self.log, parts, self.position)
        )
        if self.re is not None:
            members.append(b'"re":"%b"' % str(self.re).encode())
        return members


def _exact(token: Token) -> Json:
    if token.withheld is not None:
        return {"jwe": token.jwe, "p": token.name, "withheld": token.withheld.reason}
    return {"jwe": token.jwe, "key": canonical.b64(token.key or b""), "p": token.name}


def _readable(token: Token) -> bytes:
    if token.withheld is not None:
        return canonical.encode(token.withheld.members)
    return token.plain or b"{}"
