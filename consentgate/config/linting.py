"""Finding the notice that is to be checked: in a file, or in the ledger, with what the controller asserts."""

from collections.abc import Mapping
from typing import Any, Final

from consentgate.config.parts import Parts
from consentgate.config.views import all_notices, assertions, notice_named
from consentgate.consent.notice import Manifest, describe
from consentgate.moment import system_clock
from consentgate.policy.assertions import Standing, in_force
from consentgate.values import dataclass

_NOBODY: Final = "controller"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A notice that is to be checked.

    Attributes:
        manifest: what it says.
        stored: whether it is in the ledger.
        known: every manifest of the ledger.
        standing: what the controller asserts; nothing where there is no ledger.
    """

    manifest: Manifest
    stored: bool
    known: tuple[Manifest, ...] = ()
    standing: Standing


def found_in_ledger(parts: Parts, name: str, language: str | None) -> Found:
    """Find a notice of the ledger.

    Args:
        parts: the deployment.
        name: ``id@version``, or ``id`` where it has one version.
        language: its language, where it has several.

    Returns:
        The notice.

    Raises:
        InvalidInput: no notice, or more than one, goes by that name.
        Malformed: something stored cannot be read.
    """
    manifest, _, _ = notice_named(parts, name, language)
    return Found(manifest=manifest, stored=True, known=_known(parts), standing=_standing(parts))


def found_in_file(members: Mapping[str, Any], parts: Parts | None) -> Found:
    """Take a notice that need not be added yet.

    Args:
        members: its manifest, as somebody wrote it.
        parts: the deployment, or None where there is none.

    Returns:
        The notice, without its text.

    Raises:
        InvalidInput: the manifest cannot be used.
        Malformed: something stored cannot be read.
    """
    own = parts.settings.controller if parts is not None else _NOBODY
    manifest = describe(b"", {"media_type": "text/plain", "controllers": [own], **members})
    if parts is None:
        return Found(manifest=manifest, stored=False, standing=Standing())
    return Found(manifest=manifest, stored=False, known=_known(parts), standing=_standing(parts))


def _known(parts: Parts) -> tuple[Manifest, ...]:
    return tuple(manifest for _, manifest in all_notices(parts))


def _standing(parts: Parts) -> Standing:
    return in_force(assertions(parts), system_clock())
