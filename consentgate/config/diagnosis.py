"""What a deployment lacks: settings, files, database, log, and what its rules will ask for.

Invariants: nothing is written; one thing that is wrong does not keep the others from being looked at; each
check that is not ``ok`` says what to do.
"""

from collections.abc import Callable, Collection, Iterator
from typing import Final

from consentgate.config.anchoring import anchors_check
from consentgate.config.check import INCOMPLETE, Check, spool_check
from consentgate.config.demands import assertion_checks, missing_assertions
from consentgate.config.logchecks import log_check, log_key_check, signer_check
from consentgate.config.orders import stop_orders_check
from consentgate.config.overlays import packs_check
from consentgate.config.parts import Parts
from consentgate.config.server import server_of
from consentgate.config.settings import Settings
from consentgate.config.sqlite import sqlite_check
from consentgate.config.timestampcheck import timestamps_check
from consentgate.config.upkeep import check_database, database_file, log_state, reading
from consentgate.config.views import registry
from consentgate.consent.issuers import Issuer, key_problems
from consentgate.errors import ConsentGateError, Malformed, SchemaMismatch, Unavailable
from consentgate.gate.spool import Spool
from consentgate.keys.custody import KeyFile
from consentgate.moment import system_clock
from consentgate.storage.intents import open_intents

_CANNOT_JUDGE: Final = 3
_FINDING: Final = 1

_CURES: Final[tuple[tuple[type[ConsentGateError], str], ...]] = (
    (SchemaMismatch, "Run `consentgate db upgrade`."),
    (Malformed, "Restore it from a backup, then run `consentgate verify`."),
    (Unavailable, "Mend what is out of reach, then run this again."),
)


def diagnose(settings: Settings, *, codes: Collection[str] = ()) -> tuple[Check, ...]:
    """Look at everything.

    Args:
        settings: the settings.
        codes: the jurisdictions whose rules to look at; none takes those that are in use.

    Returns:
        The checks, in the order in which they depend on each other.
    """
    checks = [
        _settings(settings),
        _tried("packs", lambda: packs_check(settings)),
        _tried("keys", lambda: _keys(settings)),
        _tried("log key", lambda: log_key_check(settings)),
    ]
    if settings.spool is not None:
        spool = Spool(settings.spool, limit=settings.spool_limit)
        checks.append(_tried("spool", lambda: spool_check(spool)))
    if settings.timestamps is not None:
        checks.append(_tried("timestamps", lambda: timestamps_check(settings)))
    schema = _tried("database", lambda: _database(settings))
    checks += [
        schema,
        sqlite_check(settings) if database_file(settings) else _tried("server", lambda: _server(settings)),
    ]
    if schema.verdict == "ok" and all(check.verdict == "ok" for check in checks[1:3]) and settings.controller:
        try:
            with reading(settings) as parts:
                checks += _inside(parts, codes)
        except ConsentGateError as error:
            checks.append(_failed("ledger", error))
    return tuple(checks)


def _inside(parts: Parts, codes: Collection[str]) -> Iterator[Check]:
    yield _test_mark(parts)
    yield _tried("log", lambda: log_check(parts))
    yield _tried("signer", lambda: signer_check(parts))
    yield _tried("anchors", lambda: anchors_check(parts.settings, parts.database))
    yield _tried("requests", lambda: _requests(parts))
    yield _tried("stop orders", lambda: stop_orders_check(parts))
    yield _tried("issuers", lambda: _issuers(parts))
    try:
        yield from assertion_checks(missing_assertions(parts, at=system_clock(), codes=codes))
    except ConsentGateError as error:
        yield _failed("assertions", error)


def _tried(name: str, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except ConsentGateError as error:
        return _failed(name, error)


def _failed(name: str, error: ConsentGateError) -> Check:
    code = _CANNOT_JUDGE if isinstance(error, Unavailable) else _FINDING
    cure = next((text for kind, text in _CURES if isinstance(error, kind)), "")
    said = str(error)
    return Check(name=name, verdict="fail", found=said, cure="" if "`" in said else cure, exit=code)


def _settings(settings: Settings) -> Check:
    if not settings.controller:
        return Check(
            name="settings",
            verdict="fail",
            found=f"{settings.home} names no controller",
            cure="Set id under [controller] in consentgate.toml, as statements name it.",
            exit=_FINDING,
        )
    if settings.shadow is not None:
        return Check(
            name="settings",
            verdict="warn",
            found=f"they allow shadow mode until {settings.shadow.until}; {settings.shadow.by} answers for it",
            cure="Take [shadow] out of consentgate.toml once the trial is over.",
        )
    own = f", in {settings.controller_jurisdiction}" if settings.controller_jurisdiction else ""
    purpose = settings.purposes.get("search", "whatever purpose register_call names")
    found = f"{settings.home}, for {settings.controller}{own}; searches are for {purpose}"
    return Check(name="settings", verdict="ok", found=found)


def _keys(settings: Settings) -> Check:
    KeyFile.read(settings.keys)
    return Check(name="keys", verdict="ok", found=f"{settings.keys.name}, for its owner alone")


def _database(settings: Settings) -> Check:
    check_database(settings)
    return Check(name="database", verdict="ok", found="schema and triggers are as the migrations made them")


def _server(settings: Settings) -> Check:
    found = server_of(settings)
    proxy = ", behind a proxy that pools transactions" if found.pooled else ""
    return Check(
        name="server", verdict="ok", found=f"PostgreSQL {found.version}, fsync and full_page_writes on{proxy}"
    )


def _test_mark(parts: Parts) -> Check:
    if log_state(parts.settings, parts.database).test:
        return Check(
            name="test mark",
            verdict="warn",
            found="this is a test database for ever: a test clock was used on it",
            cure="Make another home for real consents: `consentgate init --home FOLDER`.",
        )
    return Check(name="test mark", verdict="ok", found="no test clock was ever used on this database")


def _requests(parts: Parts) -> Check:
    now = system_clock()
    with parts.database.read() as connection:
        found = open_intents(connection, parts.book.tenant, limit=1000)
    if not found:
        return Check(name="requests", verdict="ok", found="every request has its end")
    oldest = int((now - found[0].at).total_seconds())
    return Check(
        name="requests",
        verdict="warn",
        found=f"{len(found)} open, the oldest for {oldest} s",
        cure="Look at them: `consentgate entries list --open`.",
        exit=INCOMPLETE,
    )


def _issuers(parts: Parts) -> Check:
    issuers = registry(parts).issuers
    without = [each.iss for each in issuers if not _counts(each)]
    if not issuers:
        return Check(
            name="issuers",
            verdict="warn",
            found="nobody may sign statements yet",
            cure="Run `consentgate issuer add`.",
        )
    if without:
        return Check(
            name="issuers",
            verdict="warn",
            found=f"no key counts now for {', '.join(without)}",
            cure="Add a key: `consentgate issuer add`.",
        )
    found = f"{len(issuers)}, each with a key that counts"
    marked = sum(key.state == "compromised" for each in issuers for key in each.keys)
    if marked:
        found += f"; {marked} compromised, of whose grants none counts"
    return Check(name="issuers", verdict="ok", found=found)


def _counts(issuer: Issuer) -> bool:
    now = system_clock()
    return any(
        key.state == "active" and not key_problems(key, received_at=now, trusted_at=None)
        for key in issuer.keys
    )
