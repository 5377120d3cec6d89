"""The exact wording that people were shown: each notice once, with the statements that name it.

Invariants: a wording is shown whole and unchanged, or it is said that it is not shown and where it lies; memory grows
with the notices, never with the statements.
"""

from collections.abc import Callable, Iterator

from consentgate.export.paper.entry import Entry
from consentgate.export.paper.members import text
from consentgate.export.paper.shown import printable, readable_share, visible
from consentgate.export.sink import Artifact
from consentgate.values import dataclass

# Below that share of letters that the fonts have, codes would be most of what stands there.
READABLE = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A notice that statements name.

    Attributes:
        digest: SHA-256 of its exact bytes.
        name: id, version and language, as the first statement names them.
        first: Bates number of the first statement that names it.
        count: how many statements name it.
    """

    digest: bytes
    name: str
    first: str
    count: int


class Notices:
    """The notices that statements named so far."""

    def __init__(self) -> None:
        """Know none yet."""
        self._known: dict[bytes, Notice] = {}

    def take(self, entry: Entry) -> None:
        """Look at an entry.

        Args:
            entry: the entry.
        """
        said = entry.said
        if said is None or said.notice is None:
            return
        before = self._known.get(said.notice)
        named = " ".join(
            filter(None, (text(said.claims, "notice", each) for each in ("id", "version", "language")))
        )
        self._known[said.notice] = Notice(
            digest=said.notice,
            name=before.name if before else named,
            first=before.first if before else entry.record.bates,
            count=before.count + 1 if before else 1,
        )

    def __iter__(self) -> Iterator[Notice]:
        return iter(self._known.values())


def wording(notice: Notice, artifact: Callable[[bytes], Artifact | None]) -> tuple[str, str]:
    """Give the exact wording of a notice.

    Args:
        notice: the notice.
        artifact: gives an artifact by its digest.

    Returns:
        Its media type and its text; the text is empty where it is none, or the ledger has no such artifact.
    """
    found = artifact(notice.digest)
    if found is None:
        return "", ""
    if not found.media_type.startswith("text/"):
        return found.media_type, ""
    try:
        return found.media_type, found.content.decode("utf-8")
    except UnicodeDecodeError:
        return found.media_type, ""


def path(notice: Notice) -> str:
    """Say where the exact bytes of a notice lie.

    Args:
        notice: the notice.

    Returns:
        The path in the package.
    """
    return f"data/artifacts/{notice.digest.hex()}"


def in_report(notice: Notice, artifact: Callable[[bytes], Artifact | None]) -> tuple[str, str]:
    """Give the wording as the report can show it.

    Args:
        notice: the notice.
        artifact: gives an artifact by its digest.

    Returns:
        A note in its place or beside it, which may be empty, and the text.
    """
    media, exact = wording(notice, artifact)
    where = f"Its exact bytes: {path(notice)}."
    if not exact:
        return (f"Not a text ({media or 'not in the ledger'}). {where}", "")
    if readable_share(exact) < READABLE:
        return f"Written in letters that this report's fonts do not have. {where}", ""
    shown = printable(exact)
    changed = shown != exact
    return (
        f"Characters that cannot be printed stand as codes such as [U+202E]. {where}" if changed else "",
        shown,
    )


def in_text(notice: Notice, artifact: Callable[[bytes], Artifact | None]) -> tuple[str, str]:
    """Give the wording as a page or a text file can show it.

    Args:
        notice: the notice.
        artifact: gives an artifact by its digest.

    Returns:
        A note in its place or beside it, which may be empty, and the text.
    """
    media, exact = wording(notice, artifact)
    where = f"Its exact bytes: {path(notice)}."
    if not exact:
        return (f"Not a text ({media or 'not in the ledger'}). {where}", "")
    shown = visible(exact)
    return (
        f"Characters that cannot be seen stand as codes such as [U+202E]. {where}" if shown != exact else "",
        shown,
    )
