"""Whether exports will get their timestamps: the authority is asked for one, as an export would ask it."""

from typing import Final
from urllib.parse import urlsplit

from consentgate.config.check import Check
from consentgate.config.settings import Settings
from consentgate.config.timestamping import authority_of
from consentgate.errors import Unavailable

_ASKED: Final = b"consentgate doctor"
_CANNOT_JUDGE: Final = 3


def timestamps_check(settings: Settings) -> Check:
    """Try what ``[timestamps]`` says: the extra, the certificates, the authority, and its answer under these.

    Args:
        settings: the settings.

    Returns:
        The check. It names the authority's host alone, since a URL may hold what is nobody else's.

    Raises:
        Misconfigured: the extra is not installed, or the certificates cannot be used.
    """
    authority = authority_of(settings.timestamps, settings.times)
    if authority is None:
        return Check(name="timestamps", verdict="ok", found="the settings name no authority")
    from consentgate.crypto import timestamp

    host = urlsplit(authority.url).hostname
    try:
        stamp = timestamp.told(authority.stamp(_ASKED))
    except Unavailable as error:
        return Check(
            name="timestamps",
            verdict="fail",
            found=str(error),
            cure=f"See url and certificates under [timestamps], and the way to {host}: every export asks there.",
            exit=_CANNOT_JUDGE,
        )
    return Check(name="timestamps", verdict="ok", found=f"{stamp.by} at {host} gives them, and they hold")
