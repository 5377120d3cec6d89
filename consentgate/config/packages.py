"""Packages that somebody hands in, verified where they lie: no settings, no home, no database, no network."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from consentgate.canonical import unb64
from consentgate.config.timestamping import authorities_in
from consentgate.errors import InvalidInput, Malformed, Unavailable
from consentgate.tlog.policy import LIMIT, Policy
from consentgate.tlog.policy import decode as decode_policy
from consentgate.verify.package.folder import PackageFolder
from consentgate.verify.package.levels import verify_package
from consentgate.verify.package.manifest import ListedFiles
from consentgate.verify.package.result import Findings, Judgement
from consentgate.verify.package.signing import read_manifest

_THUMBPRINT_BYTES: Final = 32


def package_verified(
    folder: Path,
    *,
    fingerprint: str | None = None,
    policy: Path | None = None,
    authorities: Path | None = None,
    step: Callable[[int], None] = lambda _: None,
) -> Judgement:
    """Verify a package.

    Args:
        folder: the package.
        fingerprint: of the package key, from the cover letter; None where the reader has none.
        policy: a file with the witnesses that the reader trusts; None for none.
        authorities: a file with certificates that lead to timestamping authorities which the reader trusts, PEM;
            None for none.
        step: told how many records were read, again and again.

    Returns:
        Levels, findings, and what they come to.

    Raises:
        InvalidInput: there is no such folder or file, or the fingerprint, the policy or a certificate cannot be used.
        Unavailable: a file cannot be read.
    """
    return verify_package(
        folder,
        fingerprint=None if fingerprint is None else _fingerprint(fingerprint),
        policy=None if policy is None else _policy(policy),
        authorities=None if authorities is None else authorities_in(authorities),
        step=step,
    )


def package_size(folder: Path) -> int:
    """Say how many records a package claims to have.

    Args:
        folder: the package.

    Returns:
        The number; 0 where its manifest cannot be read.

    Raises:
        InvalidInput: there is no such folder.
        Unavailable: a file cannot be read.
    """
    with closing(PackageFolder(folder)) as files, closing(ListedFiles()) as listed:
        manifest = read_manifest(files, listed, Findings())
    return 0 if manifest is None else manifest.counts["exported"]


def _fingerprint(text: str) -> str:
    try:
        whole = len(unb64(text)) == _THUMBPRINT_BYTES
    except Malformed:
        whole = False
    if not whole:
        raise InvalidInput(
            "The fingerprint is not 43 letters, digits, - and _: copy it from the cover letter, whole."
        )
    return text


def _policy(path: Path) -> Policy:
    try:
        with path.open("rb") as file:
            data = file.read(LIMIT + 1)
        return decode_policy(data)
    except FileNotFoundError as error:
        raise InvalidInput(f"The file {path} is not there.") from error
    except OSError as error:
        raise Unavailable(f"The file {path} cannot be read ({error.strerror}).") from error
    except Malformed as error:
        raise InvalidInput(f"The policy {path} cannot be used: {error}") from error
