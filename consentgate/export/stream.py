"""The one stream of records: entries in the order of the log, opened, and withheld where the rules say so.

Invariants: a record comes for every position of the export, or there is no package; a part that was open when the
export was made is open still, or the export cannot be made again; one that was closed stays so, whatever links were
made since. Some hundred entries are in memory at once.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection

from consentgate.canonical import Json
from consentgate.errors import LogRefused
from consentgate.export.exported import Exported
from consentgate.export.pending import Outdated
from consentgate.export.record import Record, Token, Withheld
from consentgate.export.unsealing import Held, Opener, Sealed, content_of
from consentgate.export.withholding import DESTROYED, Withholding
from consentgate.storage import selecting

_SAID: Final = 5


@dataclass(slots=True)
class Stream:
    """Gives the records of one export.

    Attributes:
        connection: of one read, for as long as the stream is used.
        tenant: whose entries.
        opener: finds keys.
        withholding: decides what is withheld.
        export: which export.
    """

    connection: Connection
    tenant: str
    opener: Opener
    withholding: Withholding
    export: Exported

    def records(self) -> Iterator[Record]:
        """Give the records.

        Yields:
            Each record, in order.

        Raises:
            InvalidInput: keys were destroyed since the export was made.
            LogRefused: an entry is not where it was.
            Malformed: an entry is not what was written.
        """
        chosen = self.export.chosen
        closed, parts, number = frozenset(chosen.closed), 0, self.export.first
        lost: list[str] = []
        places = iter(chosen.positions)
        for page in selecting.placed(self.connection, self.tenant, chosen.positions, log=chosen.head.log):
            held = self.opener.hold(self.connection, [row for _, row in page])
            for (position, _), each in zip(page, held, strict=True):
                if next(places, None) != position:
                    raise LogRefused(
                        f"Position {position} of the log is not as it was. Run `consentgate verify`."
                    )
                bates = self.export.bates(number)
                if any(part.key is None and parts + i not in closed for i, part in enumerate(each.parts)):
                    lost.append(bates)
                first, parts, number = parts, parts + len(each.parts), number + 1
                if not lost:
                    yield self._record(_as_it_was(each, closed, first), bates, position)
        if next(places, None) is not None:
            raise LogRefused("Entries of this export are no longer in the log. Run `consentgate verify`.")
        if lost:
            more = f" and {len(lost) - _SAID} more" if len(lost) > _SAID else ""
            raise Outdated(
                "This export cannot be made again: keys were destroyed since that opened parts of"
                f" {', '.join(lost[:_SAID])}{more}. Export anew, and the parts are withheld as destroyed."
            )

    def _record(self, held: Held, bates: str, position: int) -> Record:
        leaf = held.leaf
        parts: dict[str, dict[str, Json] | Withheld] = {}
        tokens = []
        for sealed in held.parts:
            token, shown = self._token(held, sealed)
            tokens.append(token)
            parts[sealed.ref.p] = shown
        return Record(
            bates=bates,
            entry=leaf.id,
            log=self.export.chosen.head.log,
            position=position,
            kind=leaf.kind,
            at=leaf.at,
            end=leaf.end,
            re=leaf.re.id if leaf.re is not None else None,
            leaf=held.row.leaf,
            tokens=tuple(tokens),
            parts=parts,
        )

    def _token(self, held: Held, sealed: Sealed) -> tuple[Token, dict[str, Json] | Withheld]:
        name = sealed.ref.p
        if sealed.key is None:
            return Token(name=name, jwe=sealed.jwe, withheld=DESTROYED), DESTROYED
        plain = sealed.open()
        content = content_of(plain)
        withheld = self.withholding.of(held.leaf.id, held.leaf.kind, name, sealed.owner, content)
        if withheld is not None:
            return Token(name=name, jwe=sealed.jwe, withheld=withheld), withheld
        return Token(name=name, jwe=sealed.jwe, key=sealed.key, plain=plain), dict(content)


def _as_it_was(held: Held, closed: Collection[int], first: int) -> Held:
    """Close what no key opened when the export was made: a link that came later may lead to one."""
    parts = (
        replace(part, key=None, owner=None) if first + i in closed else part
        for i, part in enumerate(held.parts)
    )
    return replace(held, parts=tuple(parts))
