"""Opening a deployment for one command: to look at it, or to write to it and keep the log."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from consentgate.cli.command import Done, worst
from consentgate.cli.text import paragraph, plain
from consentgate.errors import InvalidInput
from consentgate.verify.result import INCOMPLETE, Finding

if TYPE_CHECKING:
    from consentgate.config.face import ConsentGate
    from consentgate.config.parts import Parts
    from consentgate.config.settings import Settings
    from consentgate.packs.packset import PackSet


def settings_of(home: str | None) -> "Settings":
    """Read the settings.

    Args:
        home: the home folder as typed, or None.

    Returns:
        The settings.

    Raises:
        Misconfigured: there are none, or they cannot be used.
    """
    from consentgate.config.settings import home_of, load_settings

    return load_settings(home_of(home))


def packs_named(home: str | None, named: str | None) -> "PackSet":
    """Open a pack set.

    Args:
        home: the home folder as typed, or None.
        named: ``shipped``, a folder, or the digest of a set that the ledger keeps; None for the set in use.

    Returns:
        The set.

    Raises:
        InvalidInput: there is no such set.
        Misconfigured: the settings, or the set, cannot be used.
    """
    from pathlib import Path

    from consentgate.config import packsets

    if named is None:
        return packsets.in_use(home)
    if named == packsets.SHIPPED:
        return packsets.of_release()
    if Path(named).is_dir():
        return packsets.of_folder(Path(named))
    digest = packsets.digest_named(named)
    if digest is None:
        raise InvalidInput(f"{plain(named)} is no pack set: write shipped, a folder, or the digest of a set.")
    with looking(home) as parts:
        return packsets.of_ledger(parts, digest)


@contextmanager
def looking(home: str | None) -> "Iterator[Parts]":
    """Open a deployment to look at it.

    Args:
        home: the home folder as typed, or None.

    Yields:
        Its parts.
    """
    from consentgate.config.upkeep import reading

    with reading(settings_of(home)) as parts:
        yield parts


def writing(home: str | None, work: "Callable[[ConsentGate], Done]") -> Done:
    """Open a deployment, write to it, and sequence and sign what was written before returning.

    Args:
        home: the home folder as typed, or None.
        work: what to do with the gate.

    Returns:
        What the work came to; incomplete where the log could not follow.

    Raises:
        ConsentGateError: what the work raised, or what stands in the way of opening.
    """
    from consentgate.config.face import ConsentGate
    from consentgate.config.upkeep import keep_log, reading

    settings = settings_of(home)
    # Says what is wrong with files and database in the words of a command, before anything is written.
    with reading(settings):
        pass
    with ConsentGate(settings, background=False) as gate:
        done = work(gate)
    failure = keep_log(settings)
    if failure is None:
        return done
    cure = "Run `consentgate log sign --once` once this is mended."
    finding = Finding(
        kind="unsigned",
        where="log",
        expected="a checkpoint over what was written",
        found=str(failure),
        cure=cure,
    )
    text = paragraph(f"Written, but the log does not cover it yet: {failure} {cure}")
    return replace(
        done,
        text=f"{done.text}\n\n{text}",
        findings=(*done.findings, finding),
        exit=worst([done.exit, INCOMPLETE]),
    )
