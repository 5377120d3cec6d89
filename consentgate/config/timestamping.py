"""The settings of timestamps, and the authority that they name.

::

    [timestamps]                             # optional: what says when a package and its checkpoint were there
    url = "https://tsa.example/tsr"          # an authority of RFC 3161
    certificates = "tsa.pem"                 # its root, and what leads there; relative paths lie in the home folder

Needs the extra ``timestamp``.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from consentgate.config import members
from consentgate.config.times import Times
from consentgate.errors import InvalidInput, Malformed, Misconfigured, Unavailable
from consentgate.values import dataclass

if TYPE_CHECKING:
    from consentgate.crypto.timestamp import Authorities
    from consentgate.export.authority import Authority


@dataclass(frozen=True, slots=True, kw_only=True)
class TimestampSettings:
    """A timestamping authority, as the settings describe it.

    Attributes:
        url: where it is.
        certificates: file of the certificates that its own leads to.
    """

    url: str
    certificates: Path


def timestamps(home: Path, path: Path, document: Mapping[str, object]) -> TimestampSettings | None:
    """Read the table.

    Args:
        home: the home folder.
        path: the settings file.
        document: what it holds.

    Returns:
        The settings; None where there is no table.

    Raises:
        Misconfigured: a member is missing or cannot be used.
    """
    if "timestamps" not in document:
        return None
    table = members.table(path, document, "timestamps")
    url = members.text(path, table, "url", "")
    certificates = members.text(path, table, "certificates", "")
    if not url or not certificates:
        raise Misconfigured(f"{path}: [timestamps] needs both url and certificates.")
    # Settings without this table load nothing of it.
    from consentgate.export.authority import url_parts

    try:
        url_parts(url)
    except InvalidInput as error:
        raise Misconfigured(f"{path}: timestamps.url cannot be used: {error}") from error
    return TimestampSettings(url=url, certificates=(home / certificates).absolute())


def authority_of(settings: TimestampSettings | None, times: Times) -> "Authority | None":
    """Make ready to ask for timestamps.

    Args:
        settings: as `timestamps` read them.
        times: how long it is waited for.

    Returns:
        The authority; None where none is set.

    Raises:
        Misconfigured: the extra is not installed, or the certificates cannot be used.
    """
    if settings is None:
        return None
    from consentgate.crypto import timestamp
    from consentgate.export.authority import Authority

    if not timestamp.available():
        raise Misconfigured(f"The settings name a timestamping authority: {timestamp.EXTRA}")
    try:
        certificates = authorities_in(settings.certificates)
    except (InvalidInput, Unavailable) as error:
        raise Misconfigured(f"timestamps.certificates cannot be used: {error}") from error
    return Authority(url=settings.url, certificates=certificates, seconds=times.timestamp.total_seconds())


def authorities_in(path: Path) -> "Authorities":
    """Read a file of certificates.

    Args:
        path: the file, PEM.

    Returns:
        The certificates.

    Raises:
        InvalidInput: it is not there, or holds none.
        Unavailable: it cannot be read.
    """
    from consentgate.crypto import timestamp

    try:
        with path.open("rb") as file:
            data = file.read(4 * timestamp.LIMIT + 1)
        return timestamp.read_authorities(data)
    except FileNotFoundError as error:
        raise InvalidInput(f"The file {path} is not there.") from error
    except OSError as error:
        raise Unavailable(f"The file {path} cannot be read ({error.strerror}).") from error
    except Malformed as error:
        raise InvalidInput(f"{path} cannot be used: {error}") from error
