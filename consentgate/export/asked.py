"""What an export is asked for: matter, purpose, recipient, whose eyes, and which entries.

Invariants: what is asked is written down in the export's entry as it was asked, and read back as the same; options of
different kinds narrow each other, several of one kind widen.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from consentgate.canonical import Json
from consentgate.consent.reference import Reference
from consentgate.entries.kinds import ENDS, KINDS
from consentgate.errors import InvalidInput, Malformed
from consentgate.export.withholding import ROLES
from consentgate.moment import from_text, parse_uuid, to_text
from consentgate.values import dataclass

PREFIX: Final = "CG"
DIGITS: Final = 8
DECISIONS: Final = ("allowed", "denied")
QUERIED: Final = ("kind", "end", "action", "purpose", "reason")
"""Names that a query may have."""

_PREFIX: Final = re.compile(r"[A-Z0-9](?:[A-Z0-9_-]{0,14}[A-Z_-])?|[A-Z]")
_SLUG: Final = re.compile(r"[^a-z0-9]+")
_LONGEST: Final = 200
_SLUG_LONGEST: Final = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which entries. Nothing at all selects everything.

    Attributes:
        subjects: about one of these people.
        tasks: about one of these tasks of the vendor.
        calls: about one of these calls, by name as the ledger has it.
        since: written at this time or later.
        until: written before this time.
        jurisdictions: decisions in which one of these codes was asked about.
        decisions: these decisions, by id; or all that were ``allowed``, or ``denied``.
        query: terms ``name=value,value``, for example ``kind=denial reason=CONSENT_MISSING``.
    """

    subjects: tuple[Reference, ...] = field(default=(), repr=False)
    tasks: tuple[str, ...] = field(default=(), repr=False)
    calls: tuple[str, ...] = field(default=(), repr=False)
    since: datetime | None = None
    until: datetime | None = None
    jurisdictions: tuple[str, ...] = ()
    decisions: tuple[str, ...] = ()
    query: str | None = None

    def __post_init__(self) -> None:
        if self.since is not None and self.until is not None and self.until <= self.since:
            raise InvalidInput("--to is the first time that is no longer selected: it is later than --from.")
        parse_query(self.query or "")

    @property
    def terms(self) -> Mapping[str, frozenset[str]]:
        """The query, by name."""
        return parse_query(self.query or "")

    def shown(self, *, references: bool) -> tuple[tuple[str, str], ...]:
        """Say in words what is selected.

        Args:
            references: whether references of people are shown; else only of which kind they are.

        Returns:
            Pairs of a name and a value.
        """
        pairs = [("subject", f"{r.kind}={r.value}" if references else r.kind) for r in self.subjects]
        pairs += [("task", task) for task in self.tasks]
        pairs += [("call", call) for call in self.calls]
        pairs += [("from", to_text(self.since))] if self.since else []
        pairs += [("to", to_text(self.until))] if self.until else []
        pairs += [("jurisdiction", code) for code in self.jurisdictions]
        pairs += [("decision", each) for each in self.decisions]
        pairs += [("query", self.query)] if self.query else []
        return tuple(pairs) or (("everything", "every entry"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An export as it is asked for.

    Attributes:
        matter: what it is for, in the caller's words.
        purpose: why it is made.
        recipient: for whom.
        selection: which entries.
        requested_by: who asked, or None.
        role: whose eyes it is for, one of `ROLES`.
        time_zone: IANA name of the zone whose local times stand beside UTC.
        prefix: of the Bates numbers.
        privileged: entries that are claimed as privileged.
        options: further words for those who write the files, by name.
    """

    matter: str
    purpose: str
    recipient: str
    selection: Selection
    requested_by: str | None = None
    role: str = "counsel"
    time_zone: str = "UTC"
    prefix: str = PREFIX
    privileged: tuple[UUID, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("matter", "purpose", "recipient", "requested_by"):
            _check_line(name, getattr(self, name), optional=name == "requested_by")
        if self.role not in ROLES:
            raise InvalidInput(f"There is no role {self.role!r}. The roles are {', '.join(ROLES)}.")
        if self.role == "subject" and not self.selection.subjects:
            raise InvalidInput("An export for the role subject names whose data it gives: --subject.")
        if not _PREFIX.fullmatch(self.prefix):
            raise InvalidInput(
                "A Bates prefix has 1 to 16 letters A to Z, digits, _ and -, and does not end in a digit."
            )
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise InvalidInput(
                "The time zone is an IANA name that is known here, for example America/Chicago. Where none is"
                " known, the table of zones is missing: pip install tzdata brings one."
            ) from error

    @property
    def slug(self) -> str:
        """The matter as it stands in names of files."""
        plain = unicodedata.normalize("NFKD", self.matter).encode("ascii", "ignore").decode().lower()
        return _SLUG.sub("-", plain).strip("-")[:_SLUG_LONGEST].strip("-") or "matter"

    def members(self) -> dict[str, Json]:
        """Write what is asked, for the export's entry.

        Returns:
            Canonical JSON members.
        """
        it = self.selection
        selection: dict[str, Json] = {
            "subjects": [{"kind": r.kind, "value": r.value} for r in it.subjects],
            "tasks": list(it.tasks),
            "calls": list(it.calls),
            "jurisdictions": list(it.jurisdictions),
            "decisions": list(it.decisions),
        }
        selection |= {"since": to_text(it.since)} if it.since else {}
        selection |= {"until": to_text(it.until)} if it.until else {}
        selection |= {"query": it.query} if it.query else {}
        members: dict[str, Json] = {
            "matter": self.matter,
            "purpose": self.purpose,
            "recipient": self.recipient,
            "role": self.role,
            "time_zone": self.time_zone,
            "prefix": self.prefix,
            "selection": {name: value for name, value in selection.items() if value != []},
        }
        members |= {"requested_by": self.requested_by} if self.requested_by is not None else {}
        members |= {"privileged": [str(each) for each in self.privileged]} if self.privileged else {}
        members |= {"options": dict(self.options)} if self.options else {}
        return members


def asked_from(members: Mapping[str, Json]) -> Asked:
    """Read what `Asked.members` wrote.

    Args:
        members: what the export's entry says.

    Returns:
        What was asked.

    Raises:
        Malformed: it is something else.
    """
    selection, options = members.get("selection"), members.get("options", {})
    if not isinstance(selection, Mapping) or not isinstance(options, Mapping):
        raise Malformed("The export's entry does not say what was selected.")
    references = [each for each in _list(selection, "subjects") if isinstance(each, Mapping)]
    since, until = _optional(selection, "since"), _optional(selection, "until")
    try:
        return Asked(
            matter=_text(members, "matter"),
            purpose=_text(members, "purpose"),
            recipient=_text(members, "recipient"),
            requested_by=_optional(members, "requested_by"),
            role=_text(members, "role"),
            time_zone=_text(members, "time_zone"),
            prefix=_text(members, "prefix"),
            privileged=tuple(parse_uuid(str(each)) for each in _list(members, "privileged")),
            options={str(name): str(value) for name, value in options.items()},
            selection=Selection(
                subjects=tuple(
                    Reference(kind=_text(each, "kind"), value=_text(each, "value")) for each in references
                ),
                tasks=tuple(map(str, _list(selection, "tasks"))),
                calls=tuple(map(str, _list(selection, "calls"))),
                since=from_text(since) if since is not None else None,
                until=from_text(until) if until is not None else None,
                jurisdictions=tuple(map(str, _list(selection, "jurisdictions"))),
                decisions=tuple(map(str, _list(selection, "decisions"))),
                query=_optional(selection, "query"),
            ),
        )
    except InvalidInput as error:
        raise Malformed(f"The export's entry holds what this version does not take: {error}") from error


def parse_query(query: str) -> dict[str, frozenset[str]]:
    """Read a query: terms ``name=value,value`` with spaces between; all of them must hold.

    Args:
        query: the text; "" holds always.

    Returns:
        The values by name.

    Raises:
        InvalidInput: a term is none, or asks for what there is not.
    """
    terms: dict[str, frozenset[str]] = {}
    for term in query.split():
        name, equals, values = term.partition("=")
        if not equals or name not in QUERIED or name in terms or not all(values.split(",")):
            raise InvalidInput(
                "A query has terms like kind=denial or reason=A,B, each name once."
                f" The names are {', '.join(QUERIED)}."
            )
        terms[name] = frozenset(values.split(","))
    for name, known in (("kind", KINDS.keys()), ("end", ENDS)):
        unknown = sorted(terms.get(name, frozenset()) - known)
        if unknown:
            raise InvalidInput(f"There is no {name} {unknown[0]!r}. There are {', '.join(sorted(known))}.")
    return terms


def _check_line(name: str, value: object, *, optional: bool) -> None:
    if value is None and optional:
        return
    if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST or not value.isprintable():
        raise InvalidInput(
            f"The {name.replace('_', ' ')} of an export is one line of 1 to {_LONGEST} characters."
        )


def _list(members: Mapping[str, Json], name: str) -> list[Json]:
    value = members.get(name, [])
    if not isinstance(value, list):
        raise Malformed(f"In the export's entry, {name} is a list.")
    return value


def _text(members: Mapping[str, Json], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str):
        raise Malformed(f"In the export's entry, {name} is text.")
    return value


def _optional(members: Mapping[str, Json], name: str) -> str | None:
    return _text(members, name) if name in members else None
