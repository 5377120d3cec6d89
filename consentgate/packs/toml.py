"""One pack file: TOML that a lawyer can read, read strictly.

Beyond the shapes of the fields (`consentgate.packs.shape`) it checks what a decision relies on: dates that do
not overlap, words of the vocabulary, answers about signatures and oral consent where they will be asked, and a
citation for every requirement. A pack that fails any of it is refused whole.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Final

from consentgate.packs.bases import with_bases
from consentgate.packs.pack import Pack, Version
from consentgate.packs.rules import NOTICE_ELEMENTS, RULE_NAMES, Rules
from consentgate.packs.shape import Place, read

FORMAT: Final = 1
LIMIT: Final = 64 << 10  # TOML can be written so that reading it takes the square of its length
_CITED: Final = frozenset((*RULE_NAMES, "conditional_rules"))


def load(data: bytes, *, file: str, code: str) -> Pack:
    """Read one pack file.

    Args:
        data: its exact bytes.
        file: its name, for messages.
        code: the jurisdiction that it has to be about.

    Returns:
        The pack, with its digest and the basis of every requirement.

    Raises:
        PackInvalid: it cannot be used; the message names file, field and cure.
    """
    whole = Place(file=file)
    pack = read(Pack, members(data, whole), whole, digest=sha256(data).hexdigest())
    if pack.format != FORMAT:
        raise whole.at("format").refuse(f"write {FORMAT}; this program reads no other")
    if pack.code != code:
        raise whole.at("code").refuse(f"the index expects {code} in this file")
    _check_names(pack, whole)
    _check_versions(pack, whole)
    for i, version in enumerate(pack.versions):
        check_version(version, whole.at("versions").at(f"[{i}]"))
    return replace(pack, versions=tuple(with_bases(pack, version) for version in pack.versions))


def _check_names(pack: Pack, whole: Place) -> None:
    if pack.code in (*pack.parents, *pack.groups):
        raise whole.at("parents").refuse("a jurisdiction is not above itself")
    check_cited(whole.at("basis"), [source.requirements for source in pack.sources])
    check_cited(whole.at("laws"), [law.requirements for law in pack.laws])
    ids = [exemption.id for exemption in pack.exemptions]
    if len(set(ids)) != len(ids):
        raise whole.at("exemptions").refuse("give each exemption an id of its own")
    if not pack.laws:
        raise whole.at("laws").refuse("name at least one law")


def members(data: bytes, whole: Place) -> dict[str, object]:
    """Read TOML.

    Args:
        data: its exact bytes.
        whole: the file, for messages.

    Returns:
        What it says.

    Raises:
        PackInvalid: it is too large, not UTF-8 or not TOML.
    """
    if len(data) > LIMIT:
        raise whole.refuse(f"it has more than {LIMIT} bytes; no pack is as long as that")
    try:
        return tomllib.loads(data.decode())
    except UnicodeDecodeError as error:
        raise whole.refuse("save it as UTF-8") from error
    except (ValueError, RecursionError) as error:  # ValueError: also a number of thousands of digits
        raise whole.refuse(f"correct the TOML ({error})") from error


def check_cited(table: Place, cited: Sequence[tuple[str, ...]]) -> None:
    """Check that citations are about requirements that there are.

    Args:
        table: where they stand.
        cited: the names of each.

    Raises:
        PackInvalid: one is about something else.
    """
    for i, names in enumerate(cited):
        for name in names:
            if name not in _CITED:
                raise table.at(f"[{i}]").at("requirements").refuse(f"{name} is no requirement")


def _check_versions(pack: Pack, whole: Place) -> None:
    if not pack.versions:
        raise whole.at("versions").refuse("write at least one version")
    check_dates(pack.versions, whole)


def check_dates(versions: Sequence[Version], whole: Place) -> None:
    """Check that versions stand in order and do not overlap.

    Args:
        versions: the versions.
        whole: the file, for messages.

    Raises:
        PackInvalid: two are in force on one day, or one ends before it begins.
    """
    last = None
    for i, version in enumerate(versions):
        place = whole.at("versions").at(f"[{i}]")
        if version.until is not None and version.until < version.since:
            raise place.at("to").refuse("the last day lies before the first")
        if last is not None and (last.until is None or version.since <= last.until):
            raise place.at("from").refuse(
                "begin after the version before it ends, and give that one a last day"
            )
        last = version


def check_version(version: Version, place: Place) -> None:
    """Check what a decision relies on in one version.

    Args:
        version: the version.
        place: where it stands.

    Raises:
        PackInvalid: something is missing, or said in words that nothing reads.
    """
    _check_rules(version.rules, place.at("requirements"))
    for i, rule in enumerate(version.conditional_rules):
        here = place.at("conditional_rules").at(f"[{i}]")
        if (rule.purpose_in is None) == (rule.controller_type_not_in is None):
            raise here.refuse("write exactly one of purpose_in and controller_type_not_in")
        if rule.applies == (not rule.require.stated()):
            raise here.refuse("write either what it requires, or applies = false")
        # A later condition may overwrite an earlier one, so each is checked on what the version says.
        _check_rules(version.rules.overwritten(rule.require), here.at("require"))


def _check_rules(rules: Rules, place: Place) -> None:
    conditional = tuple(each.element for each in rules.notice_elements_conditional or ())
    for element in (*(rules.notice_elements or ()), *conditional):
        if element not in NOTICE_ELEMENTS:
            raise place.at("notice_elements").refuse(f"{element} is no notice element")
    if rules.consent_required and rules.oral_consent_ok is None:
        raise place.at("oral_consent_ok").refuse("consent is required, so say whether oral consent will do")
    if rules.consent_form == "written_release" and rules.electronic_signature_ok is None:
        raise place.at("electronic_signature_ok").refuse("say whether it may be signed electronically")
