"""What is withheld from whom, and why: a table, and nothing else that decides it.

Invariants: a part that no rule lets out stays closed; a role that is not in the table does not exist. A part key
opens all of a part, so where only some members may be read, the key is withheld and they are shown without proof.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Final, TypeAlias
from uuid import UUID

from consentgate import canonical
from consentgate.canonical import Json
from consentgate.errors import Malformed
from consentgate.export.record import Withheld
from consentgate.values import dataclass

Shown: TypeAlias = Mapping[str, Json]
Redact: TypeAlias = Callable[[Shown], Shown]

RULES: Final = 1
"""Version of this table: a part that it withholds otherwise is another version."""

ROLES: Final = ("counsel", "regulator", "opposing", "subject")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a role may not see of parts of one name.

    Attributes:
        reason: of `consentgate.export.record.REASONS`.
        text: the rule in words.
        redact: gives the members that are shown all the same; None shows none.
    """

    reason: str
    text: str
    redact: Redact | None = None


# Claims that name nobody; one that is not here is not shown.
_CLAIMS: Final = frozenset(
    {
        *("iss", "jti", "iat", "state", "event_time", "method", "imported_method", "schema", "consent_form"),
        *("signature_kind", "separate", "disclosure_consent", "purposes", "purpose_iris", "operations"),
        *("controllers", "recipients", "notice", "language", "valid_until", "max_uses", "age_over"),
        *("jurisdictions", "personal_data", "sensitive", "legal_basis", "retention", "storage_locations"),
        *("withdrawal", "expressed_by", "consent_type", "service"),
    }
)


def _without(*names: str) -> Redact:
    return lambda content: {name: value for name, value in content.items() if name not in names}


def _speaker(content: Shown) -> Shown:
    """A call's speaker without the references that name them."""
    speaker = content.get("speaker")
    shown = _without("speaker")(content)
    return {**shown, "speaker": _without("references")(speaker)} if isinstance(speaker, Mapping) else shown


def _claims(content: Shown) -> Shown:
    """What a statement says without whom it names; the token itself holds their references in clear."""
    token = content.get("token")
    payload = token.split(".")[1] if isinstance(token, str) and token.count(".") == 2 else ""
    try:
        said = canonical.decode(canonical.unb64(payload))
    except Malformed:
        said = {}
    claims = said if isinstance(said, dict) else {}
    return {**_without("token")(content), "claims": {k: v for k, v in claims.items() if k in _CLAIMS}}


_MATCHES: Final = Rule(reason="matches", text="results name other people")
_OPPOSING: Final[Mapping[str, Rule]] = {
    "statement": Rule(reason="references", text="the signed token holds references in clear", redact=_claims),
    "call": Rule(reason="references", text="references of speakers", redact=_speaker),
    "decision": Rule(reason="references", text="references of speakers", redact=_without("references")),
    "matches": _MATCHES,
}
_NOT_THEIRS: Final = Rule(reason="role", text="of the controller, and about nobody")
_TABLE: Final[Mapping[str, Mapping[str, Rule]]] = {
    "counsel": {"matches": _MATCHES},
    "regulator": {},
    "opposing": _OPPOSING,
    "subject": {"matches": _MATCHES},
}
# What a person needs to see of the controller to understand a decision about them: who may sign, and which rules.
_FOR_EVERYBODY: Final = frozenset({"registry", "packs", "epoch"})

DESTROYED: Final = Withheld(reason="destroyed", rule="the key was destroyed, or no link leads to it")
OTHER_PERSON: Final = Withheld(reason="other_person", rule="about a person whom the export is not about")
PRIVILEGE: Final = Withheld(reason="privilege", rule="claimed as privileged by who made the export")


@dataclass(frozen=True, slots=True, kw_only=True)
class Withholding:
    """Decides about each part of an export.

    Attributes:
        role: whose eyes it is for.
        people: the subjects that it is about; empty where it is not about certain ones.
        privileged: ids of entries that are claimed as privileged.
    """

    role: str
    people: frozenset[UUID] = frozenset()
    privileged: Collection[UUID] = frozenset()

    def of(self, entry: UUID, kind: str, name: str, owner: UUID | None, content: Shown) -> Withheld | None:
        """Decide about a part that could be opened.

        Args:
            entry: the entry's id.
            kind: the entry's kind.
            name: the part's name.
            owner: the person under whose key it lies; None for a key of the tenant.
            content: what it says.

        Returns:
            What stands in its place; None where it may be read.
        """
        if entry in self.privileged:
            return PRIVILEGE
        if self.role == "subject" and owner is not None and owner not in self.people:
            return OTHER_PERSON
        what = name.partition(".")[0]
        rule = _TABLE[self.role].get(what)
        if rule is None and self.role == "subject" and owner is None and kind not in _FOR_EVERYBODY:
            rule = _NOT_THEIRS
        if rule is None:
            return None
        shown = rule.redact(content) if rule.redact is not None else None
        return Withheld(reason=rule.reason, rule=rule.text, shown=shown)
