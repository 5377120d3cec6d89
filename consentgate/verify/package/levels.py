"""Verification of a package."""

from collections.abc import Callable
from pathlib import Path

from consentgate.tlog.policy import Policy
from consentgate.verify.package.result import Judgement


def verify_package(
    folder: Path,
    *,
    fingerprint: str | None = None,
    policy: Policy | None = None,
    step: Callable[[int], None] = lambda _: None,
) -> Judgement:
    """Verify a package.

    Args:
        folder: the package.
        fingerprint: of the package key, from outside the package; None where the reader has none.
        policy: the witnesses that the reader trusts, or None.
        step: told how many records were read, again and again.

    Returns:
        Levels, findings, and what they come to.

    Raises:
        InvalidInput: there is no such folder.
        Unavailable: a file cannot be read.
    """
    raise NotImplementedError
