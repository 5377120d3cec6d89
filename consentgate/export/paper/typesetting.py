"""Typesetting by the extra ``pdf`` (typst): a template of ours and data, to a PDF built to PDF/A-2a and PDF/UA-1.

The data is one JSON text. The template reads it and shows its strings: they are never markup, so nothing that a
person wrote can run, load or hide anything. Only the fonts that come with typst are used, no package, no file.

Invariants: the same bytes for the same data, time and release of typst; what cannot be typeset raises
`Misconfigured`.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final

from consentgate.errors import Misconfigured
from consentgate.export.paper.shown import printable

MISSING: Final = 'The PDF files are left out: pip install "consentgate[pdf]" brings what makes them.'
UNWANTED: Final = "The PDF files are left out, as was asked for."
STANDARDS: Final = ("a-2a", "ua-1")

_KEPT: Final = 11
_LARGE: Final = 1 << 20
_LETTER: Final = ("America/", "US/", "Canada/", "Pacific/Honolulu", "Asia/Manila")


class GlyphMissing(Exception):
    """The fonts do not have a character; a plainer text will do."""


def paper(zone: str) -> str:
    """Choose the size of the paper by where the reader is.

    Args:
        zone: the IANA name of the zone of local times.

    Returns:
        ``us-letter`` or ``a4``.
    """
    return "us-letter" if zone.startswith(_LETTER) else "a4"


def typeset(template: str, data: Mapping[str, Any], at: datetime) -> bytes:
    """Make a PDF.

    Args:
        template: name of a template beside this module.
        data: what it shows.
        at: the time that the file tells as its own.

    Returns:
        The file.

    Raises:
        GlyphMissing: the fonts lack a character of the data.
        Misconfigured: this release of typst does not know the template's language.
    """
    import typst

    source = (files("consentgate.export.paper") / template).read_bytes()
    inputs = {"data": json.dumps(data, ensure_ascii=False)}
    try:
        made = typst.compile(
            source,
            format="pdf",
            font_paths=_fonts(),
            sys_inputs=inputs,
            pdf_standards=list(STANDARDS),
            timestamp=int(at.timestamp()),
        )
    except typst.TypstError as problem:
        if "could not be displayed" in problem.message:
            raise GlyphMissing from problem
        raise Misconfigured(
            "The installed typst cannot make the report: install the release that is pinned."
        ) from problem
    if not isinstance(made, bytes):  # pragma: no cover  # only images come as several files
        raise Misconfigured("The installed typst made no single file.")
    return made


def surely(template: str, data: Mapping[str, Any], at: datetime) -> bytes:
    """Make a PDF, in ASCII where the fonts refuse its letters.

    Args:
        template: as in `typeset`.
        data: as in `typeset`.
        at: as in `typeset`.

    Returns:
        The file.

    Raises:
        Misconfigured: as in `typeset`.
    """
    try:
        made = typeset(template, data, at)
    except GlyphMissing:
        # Two characters that the fonts have apart can be one that they lack together.
        made = typeset(template, plainer(data), at)
    if len(made) > _LARGE:
        _forget()
    return made


def plainer(data: Any) -> Any:
    """Write everything that is not ASCII as its code.

    Args:
        data: texts, in lists and objects.

    Returns:
        The same with plain texts.
    """
    if isinstance(data, str):
        return printable(data, plain=True)
    if isinstance(data, dict):
        return {name: plainer(value) for name, value in data.items()}
    return [plainer(each) for each in data] if isinstance(data, list | tuple) else data


def _forget() -> None:
    """Let typst forget what it laid out: it keeps it for ten documents, and a long export would fill the memory."""
    import typst

    for number in range(_KEPT):
        typst.compile(str(number).encode(), format="pdf", font_paths=_fonts(), timestamp=0)


@cache
def _fonts() -> Any:
    import typst

    # Nothing of the machine: what it has installed must not change the file.
    return typst.Fonts(include_system_fonts=False)
