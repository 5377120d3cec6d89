"""Exports: how a deployment makes packages, for `ConsentGate.export` and ``consentgate export``."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

from sqlalchemy import Connection

from consentgate.aws.operations import call_of_transaction
from consentgate.config.anchoring import log_key_of, witnesses_of
from consentgate.config.entries import entry_named
from consentgate.config.exports import Options, Person, Several, Step
from consentgate.config.packagekey import package_key
from consentgate.config.parts import Parts
from consentgate.config.settings import Settings
from consentgate.config.timestamping import authority_of
from consentgate.consent.reference import Reference
from consentgate.errors import InvalidInput, LogRefused
from consentgate.export import making, verifier
from consentgate.export.asked import DECISIONS, PREFIX, Asked, Selection
from consentgate.export.build import Workshop
from consentgate.export.choosing import head_of
from consentgate.export.delivery import Seal
from consentgate.export.exported import Head
from consentgate.export.making import Package
from consentgate.export.page import verify_html
from consentgate.export.paper import tools
from consentgate.export.paper.package import Paper
from consentgate.storage import deployment
from consentgate.tlog import policy
from consentgate.verify.package.levels import verify_package

_SHIPPED: Final = ("verify.py", "RECIPES.txt")
_STEP: Final = 250
# Writing a package takes about this part of the time, verifying it the rest.
_WRITTEN: Final = 0.7
_QUORUM: Final = "enough-of-them"


def asked_for(parts: Parts, matter: str, *, purpose: str, recipient: str, options: Options) -> Asked:
    """Say what is asked for, out of what a caller gave.

    Args:
        parts: the deployment.
        matter: what it is for.
        purpose: why it is made.
        recipient: for whom.
        options: the rest.

    Returns:
        What is asked for.

    Raises:
        InvalidInput: a value cannot be used.
    """
    _check_names(options)
    return Asked(
        matter=matter,
        purpose=purpose,
        recipient=recipient,
        requested_by=options.get("requested_by"),
        role=options.get("role", "counsel"),
        time_zone=options.get("time_zone", "UTC"),
        prefix=options.get("prefix", PREFIX),
        privileged=tuple(entry_named(parts, each) for each in _several(options.get("privileged", ()))),
        options=tools.options(dialect=options.get("dialect"), report=options.get("report", True)),
        selection=_selection(parts, options),
    )


def export_asked(
    parts: Parts,
    asked: Asked,
    out: Path,
    step: Step = lambda _: None,
    *,
    timestamp: bool = True,
    seal: Seal | None = None,
) -> Package:
    """Make an export, or go on with one that was cut off.

    Args:
        parts: the deployment.
        asked: what is asked for.
        out: the folder that the package is put into.
        step: told how far it is, from 0 to 1.
        timestamp: whether it gets timestamps, where the settings name an authority.
        seal: whom it is encrypted to; None for a folder in clear.

    Returns:
        The package.

    Raises:
        ConsentGateError: it could not be made.
    """
    authority = authority_of(parts.settings.timestamps, parts.settings.times) if timestamp else None
    return making.make(
        replace(workshop_of(parts, step, seal), stamp=authority.stamp if authority is not None else None),
        asked,
        out,
        head=partial(_head, parts.settings),
        policy=_policy_text(parts.settings),
    )


def export_again(
    parts: Parts, named: str, out: Path, step: Step = lambda _: None, *, seal: Seal | None = None
) -> Package:
    """Make the package of an export once more.

    Args:
        parts: the deployment.
        named: id of the export's entry, or the last 8 to 12 characters of it.
        out: the folder that it is put into.
        step: told how far it is, from 0 to 1.
        seal: whom it is encrypted to; None for a folder in clear.

    Returns:
        The package.

    Raises:
        ConsentGateError: it could not be made.
    """
    return making.make_again(workshop_of(parts, step, seal), entry_named(parts, named), out)


def workshop_of(parts: Parts, step: Step, seal: Seal | None = None) -> Workshop:
    """Say what packages of a deployment are made with.

    Args:
        parts: the deployment.
        step: told how far it is, from 0 to 1.
        seal: whom packages are encrypted to; None for folders in clear.

    Returns:
        It.

    Raises:
        Misconfigured: the package key cannot be used.
        Unavailable: it cannot be read or written.
    """
    return Workshop(
        book=parts.book,
        database=parts.database,
        controller=parts.settings.controller,
        key=package_key(parts.settings),
        sinks=(Paper,),
        verifiers=_verifiers(),
        check=partial(require_sound, step=step),
        step=lambda done, of: step(_WRITTEN * done / of),
        seal=seal,
    )


def require_sound(
    folder: Path, elsewhere: Mapping[str, Path] = MappingProxyType({}), *, step: Step = lambda _: None
) -> None:
    """Verify a finished package as its reader will.

    Args:
        folder: the package.
        elsewhere: where files of it are that are not in the folder yet, by their paths in it.
        step: told how far it is, from 0 to 1.

    Raises:
        LogRefused: it is not what a reader would accept.
    """
    read = 0

    def more(count: int) -> None:
        nonlocal read
        read += count
        if read % _STEP == 0:
            # How many there are, only the package says; the bar need not be true to the record.
            step(1 - (1 - _WRITTEN) * _STEP / (read + _STEP))

    judged = verify_package(folder, step=more, elsewhere=elsewhere)
    if judged.conclusion == "broken":
        first = next(each for found in judged.findings.values() for each in found)
        raise LogRefused(
            f"The package does not verify, so it is not handed over: {first.kind}, {first.where}, expected"
            f" {first.expected}, found {first.found}. Run `consentgate verify`."
        )


def _verifiers() -> Mapping[str, Callable[[], bytes]]:
    found: dict[str, Callable[[], bytes]] = {"verify.html": verify_html}
    for name in _SHIPPED:
        path = Path(verifier.__file__).with_name(name)
        if path.is_file():
            found[name] = path.read_bytes
    return found


def _head(settings: Settings, connection: Connection) -> Head:
    log = deployment.current_log(connection)
    vkey = log_key_of(settings, log).vkey
    return head_of(connection, log=log, vkey=vkey, witnesses=witnesses_of(settings))


def _policy_text(settings: Settings) -> str | None:
    found = witnesses_of(settings).policy
    if found is None:
        return None
    if settings.witness_policy == found.quorum:
        # In the settings it is called "k of n", which no file can say.
        groups = tuple(replace(each, name=_QUORUM) for each in found.groups)
        found = replace(found, groups=groups, quorum=_QUORUM)
    return policy.encode(found).decode()


def _check_names(options: Options) -> None:
    unknown = sorted(options.keys() - Options.__annotations__.keys())
    if unknown:
        raise InvalidInput(f"An export has no option {unknown[0]!r}.")


def _selection(parts: Parts, options: Options) -> Selection:
    decisions = _several(options.get("decision", ()))
    return Selection(
        subjects=_people(options.get("subject", ())),
        tasks=_several(options.get("task", ())),
        calls=(
            *_several(options.get("call", ())),
            *map(call_of_transaction, _several(options.get("transaction", ()))),
        ),
        since=options.get("since"),
        until=options.get("until"),
        jurisdictions=_several(options.get("jurisdiction", ())),
        decisions=tuple(each if each in DECISIONS else str(entry_named(parts, each)) for each in decisions),
        query=options.get("query"),
    )


def _several(given: Several) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _people(given: Person | Sequence[Person]) -> tuple[Reference, ...]:
    match given:
        case Reference():
            return (given,)
        case (str(kind), str(value)):
            return (Reference(kind=kind, value=value),)
    several = (each if isinstance(each, Reference) else tuple(each) for each in given)
    return tuple(each if isinstance(each, Reference) else _reference(each) for each in several)


def _reference(given: tuple[object, ...]) -> Reference:
    match given:
        case (str(kind), str(value)):
            return Reference(kind=kind, value=value)
    raise InvalidInput("A person is named by a reference: kind and value, for example ('customer', '1001').")
