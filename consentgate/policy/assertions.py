"""What the controller states about its own operation, dated: the closed list, and what is in force when.

Assertions are entries: somebody stated this, since then. The latest wins: by its ``since``, and among equal
ones by the order of commits. What nobody asserted is None, and a decision that needs it denies.

Invariants: a name outside the list, a value of another shape, or one about a subject where the list says
tenant-wide, is refused when it is made and never read.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import field
from datetime import UTC, datetime
from typing import Any, Final, Literal, TypeAlias

from consentgate import canonical, moment
from consentgate.canonical import Json
from consentgate.consent import terms
from consentgate.errors import InvalidInput, Malformed
from consentgate.policy.facts import RecordingConsent
from consentgate.values import dataclass

Scope: TypeAlias = Literal["controller", "subject"]
Key: TypeAlias = tuple[str, str, str]
"""Name, jurisdiction and exemption of an assertion: what the latest replaces; empty texts where it has none."""

_PLAIN: Final = {True: "true", False: "false"}
_WORD: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_CODE: Final = re.compile(r"[A-Z]{2,3}(-[A-Z0-9]{1,8}){0,3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One name of the closed list.

    Attributes:
        name: the name.
        scope: whether it is about the controller's operation or about one person.
        shape: the value's shape, in words.
        meaning: what is stated by it.
        check: whether a value has the shape.
    """

    name: str
    scope: Scope
    shape: str
    meaning: str
    check: Callable[[Json], bool] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssertionUsed:
    """An assertion that a decision read, with what it said.

    Attributes:
        entry: id of its entry.
        name: a name of `DEFINITIONS`.
        value: its value as canonical JSON, for example ``true``.
        by: who states it.
        since: since when it holds.
    """

    entry: str
    name: str
    value: str = field(repr=False)
    by: str
    since: datetime


_NOTHING_USED: Final = AssertionUsed(
    entry="", name="", value="", by="", since=datetime.min.replace(tzinfo=UTC)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """One assertion, as it was made.

    Attributes:
        name: a name of `DEFINITIONS`.
        value: of that name's shape.
        by: who states it.
        since: since when it holds.
        about: how the ledger names the person it is about; None is the controller's operation.
        entry: id of its entry as text, or an empty text before it has one.
        key: what it is about, so that the latest replaces it; follows from name and value.
        as_used: itself as decisions record it; made once, because many decisions read one assertion.
    """

    name: str
    value: Json
    by: str
    since: datetime
    about: str | None = field(default=None, repr=False)
    entry: str = ""
    key: Key = field(default=("", "", ""), init=False, repr=False, compare=False)
    as_used: AssertionUsed = field(default=_NOTHING_USED, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        definition = DEFINITIONS.get(self.name)
        if definition is None:
            raise InvalidInput(f"There is no such assertion. The names are {', '.join(sorted(DEFINITIONS))}.")
        if not definition.check(self.value):
            raise InvalidInput(f"The value of {self.name} is {definition.shape}.")
        if (self.about is not None) != (definition.scope == "subject"):
            whom = "one person; say about whom" if definition.scope == "subject" else "the controller only"
            raise InvalidInput(f"{self.name} is about {whom}.")
        terms.check_text(self.by, "by", limit=256)
        object.__setattr__(self, "since", moment.floor(self.since))
        object.__setattr__(self, "key", _key(self.name, self.value))
        object.__setattr__(self, "as_used", _used_form(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is asserted at one moment, about the controller and about one person.

    Attributes:
        controller_type: for example ``contact_centre``, or None.
        exemptions: (pack, exemption) pairs that the controller claims; an empty pack means any that has it.
        filings: (pack, when it was filed) pairs.
        recording_consent: who agrees to recordings as a rule, or None.
        public_policy_published: whether a retention policy is public.
        impact_assessment_done: whether the assessment is done.
        alternative_offered: whether callers have another way.
        strictly_necessary: whether the processing is.
        has_dpo: whether there is a data protection officer; None counts as yes.
        cross_border: whether data leaves the person's legal area; None counts as yes.
        automated_decision: whether a machine decides alone; None counts as yes.
        third_party_provision: whether others receive the data; None counts as yes.
        provision_is_contractual: whether giving the voice is a condition of a contract; None counts as yes.
        purpose_satisfied_at: when this person's purpose was met, or None.
        employment_ended_at: when their employment ended, or None.
        storage_unnecessary_determined_at: when a review found the storage unnecessary, or None.
        used: the assertions that this was read from, sorted by name and entry.
    """

    controller_type: str | None = None
    exemptions: tuple[tuple[str, str], ...] = ()
    filings: tuple[tuple[str, datetime], ...] = ()
    recording_consent: RecordingConsent | None = None
    public_policy_published: bool | None = None
    impact_assessment_done: bool | None = None
    alternative_offered: bool | None = None
    strictly_necessary: bool | None = None
    has_dpo: bool | None = None
    cross_border: bool | None = None
    automated_decision: bool | None = None
    third_party_provision: bool | None = None
    provision_is_contractual: bool | None = None
    purpose_satisfied_at: datetime | None = field(default=None, repr=False)
    employment_ended_at: datetime | None = field(default=None, repr=False)
    storage_unnecessary_determined_at: datetime | None = field(default=None, repr=False)
    used: tuple[Assertion, ...] = field(default=(), repr=False)


def in_force(assertions: Iterable[Assertion], at: datetime, *, about: str | None = None) -> Standing:
    """Read what is asserted at a moment.

    Args:
        assertions: in commit order; those about other people are passed over.
        at: the moment; assertions that hold only later are passed over.
        about: the person, as the assertions name them, or None.

    Returns:
        What stands. A filing or an exemption is one per pack (and exemption), everything else one per name.
    """
    latest: dict[Key, Assertion] = {}
    for each in assertions:
        if each.since > at or (each.about is not None and each.about != about):
            continue
        key = each.key
        if key not in latest or latest[key].since <= each.since:
            latest[key] = each
    used = tuple(sorted(latest.values(), key=lambda each: (each.name, each.entry)))
    values: dict[str, Any] = {"used": used, "filings": [], "exemptions": []}
    for each in used:
        _place(each, values)
    values["filings"] = tuple(sorted(values["filings"]))
    values["exemptions"] = tuple(sorted(values["exemptions"]))
    return Standing(**values)


def _used_form(each: Assertion) -> AssertionUsed:
    value = _PLAIN[each.value] if isinstance(each.value, bool) else canonical.encode(each.value).decode()
    return AssertionUsed(entry=each.entry, name=each.name, value=value, by=each.by, since=each.since)


def _key(name: str, value: Json) -> Key:
    """A filing is one for each jurisdiction, an exemption one for each jurisdiction and id."""
    if isinstance(value, dict):
        return name, str(value["jurisdiction"]), str(value.get("id", ""))
    return name, "", ""


def _place(each: Assertion, values: dict[str, Any]) -> None:
    value = each.value
    if isinstance(value, dict):
        if each.name == "authority_filing" and isinstance(value["filed_at"], str):
            values["filings"].append((value["jurisdiction"], moment.from_any(value["filed_at"])))
        elif each.name == "exemption" and value["claimed"]:
            values["exemptions"].append((value["jurisdiction"], value["id"]))
    elif DEFINITIONS[each.name].scope == "subject":
        values[f"{each.name}_at"] = moment.from_any(value) if isinstance(value, str) else None
    else:
        values[each.name] = value


def _is_time(value: Json) -> bool:
    if not isinstance(value, str):
        return False
    try:
        moment.from_any(value)
    except Malformed:
        return False
    return True


def _is_filing(value: Json) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"jurisdiction", "filed_at"}
        and isinstance(value["jurisdiction"], str)
        and _CODE.fullmatch(value["jurisdiction"]) is not None
        and (value["filed_at"] is None or _is_time(value["filed_at"]))
    )


def _is_exemption(value: Json) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"jurisdiction", "id", "claimed"}
        and isinstance(value["jurisdiction"], str)
        and _CODE.fullmatch(value["jurisdiction"]) is not None
        and isinstance(value["id"], str)
        and _WORD.fullmatch(value["id"]) is not None
        and isinstance(value["claimed"], bool)
    )


_FLAG: Final = ("true or false", lambda value: isinstance(value, bool))
_TIME: Final = ("a time such as 2026-11-22T12:00:00.000Z, or null", lambda v: v is None or _is_time(v))
_TYPE: Final = ("a lower-case word", lambda v: isinstance(v, str) and _WORD.fullmatch(v) is not None)
_CONSENT: Final = (
    "all_parties, one_party or none",
    lambda v: isinstance(v, str) and v in ("all_parties", "one_party", "none"),
)
_FILING: Final = ('{"jurisdiction": code, "filed_at": time or null}', _is_filing)
_EXEMPTION: Final = ('{"jurisdiction": code, "id": word, "claimed": true or false}', _is_exemption)

_LIST: Final[tuple[tuple[str, Scope, tuple[str, Callable[[Json], bool]], str], ...]] = (
    ("alternative_offered", "controller", _FLAG, "Callers who decline have another way."),
    ("authority_filing", "controller", _FILING, "When a filing with an authority was made."),
    ("automated_decision", "controller", _FLAG, "A machine alone decides something about the person."),
    ("controller_type", "controller", _TYPE, "What kind of business the controller is."),
    ("cross_border", "controller", _FLAG, "The data leaves the legal area of the person."),
    ("exemption", "controller", _EXEMPTION, "The controller claims an exemption that a pack lists."),
    ("has_dpo", "controller", _FLAG, "There is a data protection officer."),
    ("impact_assessment_done", "controller", _FLAG, "The impact assessment for this processing is done."),
    ("provision_is_contractual", "controller", _FLAG, "Giving the voice is a condition of a contract."),
    ("public_policy_published", "controller", _FLAG, "The written retention policy is public."),
    ("recording_consent", "controller", _CONSENT, "Who agrees to the recording of calls, as a rule."),
    ("strictly_necessary", "controller", _FLAG, "The processing is strictly necessary for the service."),
    ("third_party_provision", "controller", _FLAG, "Third parties receive the data."),
    ("employment_ended", "subject", _TIME, "When the person's employment ended."),
    ("purpose_satisfied", "subject", _TIME, "When the purpose of this person's voiceprint was met."),
    ("storage_unnecessary_determined", "subject", _TIME, "When a review found the storage unnecessary."),
)

DEFINITIONS: Final = {
    name: Definition(name=name, scope=scope, shape=shape, meaning=meaning, check=check)
    for name, scope, (shape, check), meaning in _LIST
}
