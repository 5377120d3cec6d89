"""Which assertions the rules in use will ask for, and nobody made."""

from datetime import datetime
from typing import Final

from consentgate.config.parts import Parts
from consentgate.config.views import all_notices, registry
from consentgate.packs.pack import Basis
from consentgate.policy.assertions import Standing, in_force
from consentgate.policy.demands import Requirements
from consentgate.policy.requirements import merge
from consentgate.values import dataclass

_ASSERTED: Final = (
    ("alternative", "alternative_offered"),
    ("impact_assessment", "impact_assessment_done"),
    ("public_policy", "public_policy_published"),
    ("strict_necessity", "strictly_necessary"),
    ("all_parties", "recording_consent"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What the rules in use ask for.

    Attributes:
        codes: the jurisdictions in use: the controller's, and those that notices and issuers name.
        unknown: those that no pack answers for.
        missing: names of assertions that nobody made, with who asks for each.
    """

    codes: tuple[str, ...]
    unknown: tuple[str, ...] = ()
    missing: tuple[tuple[str, tuple[Basis, ...]], ...] = ()


def missing_assertions(parts: Parts, *, at: datetime) -> Missing:
    """Find the assertions that decisions will ask for and nobody made.

    Args:
        parts: the deployment.
        at: the moment.

    Returns:
        What is in use and what is missing; a recording consent may also be passed for each call.

    Raises:
        PackInvalid: a pack cannot be used.
        Malformed: something stored cannot be read.
    """
    with parts.database.read() as connection:
        standing = in_force(parts.reader.controller(connection).assertions, at)
    notices = [manifest for _, manifest in all_notices(parts)]
    named = [parts.settings.controller_jurisdiction] if parts.settings.controller_jurisdiction else []
    named += [code for manifest in notices for code in manifest.jurisdictions]
    named += [code for issuer in registry(parts).issuers for code in issuer.jurisdictions if code != "*"]
    codes = tuple(sorted(set(named)))
    unknown = tuple(code for code in codes if parts.gate.packs.lookup(code) is None)
    known = [code for code in codes if code not in unknown]
    purposes = {*parts.settings.purposes.values(), *(p for manifest in notices for p in manifest.purposes)}
    found: dict[str, dict[Basis, None]] = {}
    of_purposes: list[str | None] = [*sorted(purposes)]
    for purpose in of_purposes or [None]:
        asked = merge(known, parts.gate.packs, day=at.date(), purpose=purpose, standing=standing)
        for name, bases in _missing(asked, standing):
            found.setdefault(name, {}).update(dict.fromkeys(bases))
    missing = tuple((name, tuple(bases)) for name, bases in sorted(found.items()))
    return Missing(codes=codes, unknown=unknown, missing=missing)


def _missing(asked: Requirements, standing: Standing) -> list[tuple[str, tuple[Basis, ...]]]:
    found = [
        (name, asked.demand(demand))
        for demand, name in _ASSERTED
        if asked.demand(demand) and getattr(standing, name) is None
    ]
    filed = {code for code, _ in standing.filings}
    found += [("authority_filing", (each.basis,)) for each in asked.filings if each.code not in filed]
    return found
