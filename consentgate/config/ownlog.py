"""The log's own checkpoints, told by the public key that lies in the home."""

from consentgate.config.anchoring import log_key_of
from consentgate.config.settings import Settings
from consentgate.log.ownnotes import OwnNotes


def own_notes(settings: Settings) -> OwnNotes:
    """Make what tells the log's own checkpoints from others.

    Args:
        settings: the settings.

    Returns:
        The judge. A host without the file of a log's vkey believes rows that only look like its checkpoints; a file
        that is there and cannot be used is an error, `Misconfigured`.
    """
    return OwnNotes(
        lambda log: log_key_of(settings, log) if settings.log_file("vkey", log).exists() else None
    )
