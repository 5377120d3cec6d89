"""One line of a diagnosis, and the check of the spool."""

from typing import Final, Literal, TypeAlias

from consentgate.gate.spool import Spool
from consentgate.values import dataclass

Verdict: TypeAlias = Literal["ok", "warn", "fail"]

INCOMPLETE: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of a diagnosis.

    Attributes:
        name: what was looked at.
        verdict: ``ok``, ``warn`` or ``fail``.
        found: what was found.
        cure: what to do; empty where it is ok.
        exit: the exit code that it asks for.
    """

    name: str
    verdict: Verdict
    found: str
    cure: str = ""
    exit: int = 0


def spool_check(spool: Spool) -> Check:
    """Say how many outcomes wait.

    Args:
        spool: the spool.

    Returns:
        The check.

    Raises:
        Misconfigured: others may look into it, or it cannot be used.
        Unavailable: it cannot be read.
    """
    spool.prepare()
    waiting = len(spool.waiting())
    if not waiting:
        return Check(name="spool", verdict="ok", found=f"{spool.folder}, for its owner alone; nothing waits")
    return Check(
        name="spool",
        verdict="warn",
        found=f"{waiting} {'outcome waits' if waiting == 1 else 'outcomes wait'} in {spool.folder}",
        cure="Run `consentgate record`; the gate does so with its next write.",
        exit=INCOMPLETE,
    )
