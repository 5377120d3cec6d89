"""Whether a notice says what the law wants it to say, wherever it is to be used.

A notice is checked by its manifest: what somebody claims that it says. The text itself is not read.

Invariants: pure; every finding names the clauses that ask for it; what is needed only under a flag is said apart
from what is always needed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from typing import Final, Literal, TypeAlias

from consentgate.consent.notice import Manifest
from consentgate.packs.pack import Basis
from consentgate.packs.packset import PackSet
from consentgate.packs.rules import FORMS
from consentgate.policy.assertions import Standing
from consentgate.policy.demands import Requirements
from consentgate.policy.requirements import merge
from consentgate.values import dataclass

Kind: TypeAlias = Literal[
    "element_missing",
    "element_conditional",
    "form_insufficient",
    "not_in_writing",
    "not_separate",
    "disclosure_not_asked",
    "not_written_for",
    "language",
    "unknown_jurisdiction",
    "version_taken",
    "newer_version",
]

_ADVICE: Final[frozenset[Kind]] = frozenset(
    ("element_conditional", "not_written_for", "language", "newer_version")
)

# No law: what is read there by nearly everybody. Where that is several languages, or not clear, nothing is said.
_LANGUAGES: Final = {
    "AT": ("de",), "BE": ("nl", "fr", "de"), "BR": ("pt",), "CA-QC": ("fr",), "CH": ("de", "fr", "it"),
    "CL": ("es",), "CN": ("zh",), "CZ": ("cs",), "DE": ("de",), "DK": ("da",), "ES": ("es",), "FR": ("fr",),
    "GR": ("el",), "HU": ("hu",), "IT": ("it",), "JP": ("ja",), "KR": ("ko",), "MX": ("es",), "NL": ("nl",),
    "PL": ("pl",), "PT": ("pt",), "RO": ("ro",), "RU": ("ru",), "SE": ("sv",), "TR": ("tr",),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """One thing that a notice lacks, or may lack.

    Attributes:
        kind: what it is.
        codes: the jurisdictions, of those where the notice is to be used, that ask for it.
        purposes: the purposes of the notice for which it is asked.
        detail: the element, the form, the flag.
        bases: who asks for it.
    """

    kind: Kind
    codes: tuple[str, ...]
    purposes: tuple[str, ...]
    detail: str
    bases: tuple[Basis, ...] = ()

    @property
    def is_advice(self) -> bool:
        """Whether it is only something to think about: under a condition, or no matter of law."""
        return self.kind in _ADVICE


def lint(
    manifest: Manifest,
    codes: Iterable[str],
    purposes: Iterable[str],
    packs: PackSet,
    *,
    day: date,
    standing: Standing,
) -> tuple[Flaw, ...]:
    """Check a notice.

    Args:
        manifest: what it says.
        codes: the jurisdictions where it is to be used.
        purposes: the purposes to check it for.
        packs: the rules.
        day: the day, in UTC.
        standing: what the controller asserts; a flag that it denies makes no condition.

    Returns:
        What is missing, then what may be, each once with everybody who asks for it.

    Raises:
        PackInvalid: a pack cannot be used.
    """
    found: dict[tuple[Kind, str], list[tuple[str, str, tuple[Basis, ...]]]] = {}
    for code in sorted(set(codes)):
        for purpose in sorted(set(purposes)):
            asked = merge([code], packs, day=day, purpose=purpose, standing=standing)
            for kind, detail, bases in _flaws(manifest, asked, standing):
                found.setdefault((kind, detail), []).append((code, purpose, bases))
        for kind, detail in _advice(manifest, code):
            found.setdefault((kind, detail), []).append((code, "", ()))
    flaws = [
        Flaw(
            kind=kind,
            detail=detail,
            codes=tuple(dict.fromkeys(code for code, _, _ in asking)),
            purposes=tuple(dict.fromkeys(purpose for _, purpose, _ in asking if purpose)),
            bases=tuple(dict.fromkeys(basis for _, _, bases in asking for basis in bases)),
        )
        for (kind, detail), asking in found.items()
    ]
    return tuple(sorted(flaws, key=lambda flaw: (flaw.is_advice, flaw.kind, flaw.detail)))


def _flaws(
    manifest: Manifest, asked: Requirements, standing: Standing
) -> Iterator[tuple[Kind, str, tuple[Basis, ...]]]:
    if asked.unknown:
        yield "unknown_jurisdiction", ", ".join(asked.unknown), ()
        return
    for element, bases in asked.elements:
        if element not in manifest.elements:
            yield "element_missing", element, bases
    always = {element for element, _ in asked.elements}
    for element, flag, basis in asked.conditional_elements:
        if element in manifest.elements or element in always or getattr(standing, flag) is False:
            continue
        if getattr(standing, flag) is True:
            yield "element_missing", element, (basis,)
        else:
            yield "element_conditional", f"{element} unless {flag} is denied", (basis,)
    if FORMS.index(manifest.consent_form) < FORMS.index(asked.form):
        yield "form_insufficient", f"{asked.form}; it asks for {manifest.consent_form}", asked.form_bases
    if not manifest.in_writing and asked.demand("notice_in_writing"):
        yield "not_in_writing", "", asked.demand("notice_in_writing")
    if not manifest.separate and asked.demand("separate_consent"):
        yield "not_separate", "", asked.demand("separate_consent")
    yield from _sharing(manifest, asked)


def _sharing(manifest: Manifest, asked: Requirements) -> Iterator[tuple[Kind, str, tuple[Basis, ...]]]:
    if "disclose" not in manifest.operations:
        return
    needed = asked.demand("no_disclosure")
    if manifest.disclosure_consent != "separate":
        needed += asked.demand("separate_disclosure")
    if manifest.disclosure_consent == "none":
        needed += asked.demand("disclosure_consent")
    if needed:
        yield "disclosure_not_asked", manifest.disclosure_consent, needed


def _advice(manifest: Manifest, code: str) -> Iterator[tuple[Kind, str]]:
    country = code.partition("-")[0]
    if manifest.jurisdictions and not {code, country} & {*manifest.jurisdictions}:
        yield "not_written_for", code
    languages = _LANGUAGES.get(code) or _LANGUAGES.get(country)
    if languages and manifest.language.partition("-")[0].lower() not in languages:
        yield "language", f"{code}: {' or '.join(languages)}; it is in {manifest.language}"


def of_version(manifest: Manifest, known: Iterable[Manifest], *, stored: bool) -> Iterator[Flaw]:
    """Check a notice's version against the notices of a ledger.

    Args:
        manifest: what it says.
        known: the manifests of the ledger.
        stored: whether it is one of them.

    Yields:
        That its name is taken by another notice, or that there is a newer one.
    """
    same = [each for each in known if (each.id, each.language) == (manifest.id, manifest.language)]
    newer = [each.version for each in same if each.version > manifest.version]
    taken = any(
        each.version == manifest.version and replace(each, digest=manifest.digest) != manifest
        for each in same
    )
    if taken and not stored:
        yield Flaw(kind="version_taken", codes=(), purposes=(), detail=f"{manifest.id}@{manifest.version}")
    if newer:
        yield Flaw(kind="newer_version", codes=(), purposes=(), detail=", ".join(newer))
