"""Issuers: who may sign statements, with which keys, for what.

Invariants: an issuer may sign for nothing that is not named (``("*",)`` names all, an empty tuple
nothing); an issuer stands once in a registry and a key once in an issuer; ``decode(encode(r))`` is r, and
the order of issuers does not matter. Keys are compared with the time at which the ledger received a
statement, never with a time that the statement claims: who holds a stolen or retired key can claim any
time.
"""

from dataclasses import field
from datetime import datetime
from typing import Final, Literal, TypeAlias

from consentgate import moment
from consentgate.consent import terms
from consentgate.consent.shapes import from_bytes, named, to_bytes
from consentgate.consent.statement import Statement
from consentgate.crypto.jwk import PublicKey
from consentgate.errors import InvalidInput
from consentgate.values import dataclass

KeyState: TypeAlias = Literal["active", "retired", "compromised"]

FORMAT: Final = 1
ALL: Final = ("*",)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerKey:
    """One key of an issuer.

    Attributes:
        public: the key.
        state: ``active``; ``retired``: verifies what was received before `not_after`; or ``compromised``.
        not_before: the first time at which it counts, or None.
        not_after: the first time at which it no longer counts, or None; required when retired.
        compromised_since: from when on it may have been in other hands; required when compromised, else None.
    """

    public: PublicKey = field(metadata=named("jwk"))
    state: KeyState = "active"
    not_before: datetime | None = None
    not_after: datetime | None = None
    compromised_since: datetime | None = None

    def __post_init__(self) -> None:
        for name in ("not_before", "not_after", "compromised_since"):
            if (at := getattr(self, name)) is not None:
                object.__setattr__(self, name, moment.floor(at))
        terms.check_term(self.state, ("active", "retired", "compromised"), "state")
        if (self.state == "compromised") != (self.compromised_since is not None):
            raise InvalidInput("compromised_since goes with the state compromised, and with no other.")
        if self.state == "retired" and self.not_after is None:
            raise InvalidInput("A retired key states not_after.")
        # A key may be retired before it ever counted.
        if (
            self.state == "active"
            and self.not_before
            and self.not_after
            and self.not_after <= self.not_before
        ):
            raise InvalidInput("not_after lies after not_before.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """Who may sign statements, for what.

    Attributes:
        iss: the name in the claim ``iss``.
        name: the name for people.
        keys: its keys, past ones too.
        purposes: for which purposes it may record grants.
        jurisdictions: for which; ``US`` covers ``US-IL``.
        controllers: for whom.
    """

    iss: str
    name: str
    keys: tuple[IssuerKey, ...]
    purposes: tuple[str, ...] = ()
    jurisdictions: tuple[str, ...] = ()
    controllers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        terms.check_text(self.iss, "iss", limit=256)
        terms.check_text(self.name, "name", limit=256)
        if not 0 < len(self.keys) <= terms.MAX_ITEMS:
            raise InvalidInput(f"An issuer has 1 to {terms.MAX_ITEMS} keys.")
        if len({key.public.kid for key in self.keys}) != len(self.keys):
            raise InvalidInput("A key stands twice.")
        if self.purposes != ALL:
            terms.check_forms(self.purposes, terms.WORD, "purposes")
        if self.jurisdictions != ALL:
            terms.check_forms(self.jurisdictions, terms.JURISDICTION, "jurisdictions")
        if self.controllers != ALL:
            terms.check_forms(self.controllers, terms.WORD, "controllers")

    def key(self, kid: str) -> IssuerKey | None:
        """Find a key by its thumbprint.

        Args:
            kid: the RFC 7638 thumbprint.

        Returns:
            The key, or None.
        """
        return next((key for key in self.keys if key.public.kid == kid), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """All issuers that a controller trusts.

    Attributes:
        issuers: sorted by `iss`.
        format: the version of this shape.
    """

    issuers: tuple[Issuer, ...] = ()
    format: int = field(default=FORMAT, repr=False)

    def __post_init__(self) -> None:
        if self.format != FORMAT or isinstance(self.format, bool):
            raise InvalidInput(f"format is not {FORMAT}.")
        object.__setattr__(self, "issuers", tuple(sorted(self.issuers, key=lambda issuer: issuer.iss)))
        if len({issuer.iss for issuer in self.issuers}) != len(self.issuers):
            raise InvalidInput("An issuer stands twice.")

    def issuer(self, iss: str) -> Issuer | None:
        """Find an issuer.

        Args:
            iss: its name in statements.

        Returns:
            The issuer, or None.
        """
        return next((issuer for issuer in self.issuers if issuer.iss == iss), None)

    def key(self, iss: str, kid: str) -> IssuerKey | None:
        """Find a key of an issuer; the same key under another issuer does not count.

        Args:
            iss: the issuer's name in statements.
            kid: the key's RFC 7638 thumbprint.

        Returns:
            The key, or None.
        """
        issuer = self.issuer(iss)
        return None if issuer is None else issuer.key(kid)

    def with_issuer(self, issuer: Issuer) -> "Registry":
        """Add an issuer, or replace the one of the same name.

        Args:
            issuer: the issuer.

        Returns:
            The new registry.
        """
        return Registry(issuers=(*(known for known in self.issuers if known.iss != issuer.iss), issuer))


def encode(registry: Registry) -> bytes:
    """Write a registry in its stored form.

    Args:
        registry: the registry.

    Returns:
        Canonical JSON.
    """
    return to_bytes(registry)


def decode(data: bytes) -> Registry:
    """Read a registry in its stored form.

    Args:
        data: what `encode` makes.

    Returns:
        The registry.

    Raises:
        Malformed: another spelling, an unknown member, or a member of another form.
    """
    return from_bytes(Registry, data)


def key_problems(key: IssuerKey, *, received_at: datetime, trusted_at: datetime | None) -> tuple[str, ...]:
    """Say why a key does not carry a statement, for new decisions.

    Args:
        key: the key that signed it.
        received_at: when the ledger received it.
        trusted_at: the time of the first anchored checkpoint that covers it, or None while there is none.

    Returns:
        Words out of ``not_yet_valid``, ``expired``, ``compromised``; empty when it does.
    """
    problems = []
    if key.not_before is not None and received_at < key.not_before:
        problems.append("not_yet_valid")
    if key.not_after is not None and received_at >= key.not_after:
        problems.append("expired")
    # Without an anchor nobody but us vouches for the time: a statement that is weak falls with its key.
    if key.compromised_since is not None and (trusted_at is None or trusted_at >= key.compromised_since):
        problems.append("compromised")
    return tuple(problems)


def scope_problems(statement: Statement, issuer: Issuer) -> tuple[str, ...]:
    """Say what a statement grants that its issuer may not record.

    Args:
        statement: the statement.
        issuer: the issuer that signed it.

    Returns:
        ``purpose:...``, ``jurisdiction:...``, ``controller:...`` for each such word, in this order;
        ``jurisdiction:`` alone where the issuer is bounded and the grant names none. That two references are
        one person is bounded by controllers alone. Always empty for a refusal or withdrawal: nobody needs
        leave to say no.
    """
    if not statement.gives or issuer.purposes == issuer.jurisdictions == issuer.controllers == ALL:
        return ()
    if not statement.grants:
        return _outside("controller", statement.controllers, issuer.controllers)
    return (
        *_outside("purpose", statement.purposes, issuer.purposes),
        *_outside("jurisdiction", statement.jurisdictions or ("",), issuer.jurisdictions),
        *_outside("controller", statement.controllers, issuer.controllers),
    )


def narrower(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    """Give the jurisdictions that two scopes cover both.

    Args:
        one: codes, of which ``US`` covers ``US-IL``; ``("*",)`` covers all.
        other: likewise.

    Returns:
        The codes, sorted; ``("*",)`` where both cover all.
    """
    if one == ALL or other == ALL:
        return other if one == ALL else one
    return tuple(
        sorted({c for c in one if _covering(c) & {*other}} | {c for c in other if _covering(c) & {*one}})
    )


def _outside(what: str, named_words: tuple[str, ...], allowed: tuple[str, ...]) -> tuple[str, ...]:
    if allowed == ALL:
        return ()
    covers = _covering if what == "jurisdiction" else _itself
    return tuple(f"{what}:{word}" for word in named_words if not covers(word) & {*allowed})


def _itself(word: str) -> set[str]:
    return {word}


def _covering(code: str) -> set[str]:
    parts = code.split("-")
    return {"-".join(parts[:count]) for count in range(1, len(parts) + 1)}
