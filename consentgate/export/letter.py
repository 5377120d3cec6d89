"""The cover letter: what lets a reader tell the package from one that somebody made anew. It travels on another way.

Invariants: it lies beside the package, never inside; it says nothing of the entries; it is there as a whole or not.
"""

import os
from collections.abc import Sequence
from hashlib import file_digest
from pathlib import Path

from consentgate.errors import Unavailable
from consentgate.export.delivery import SUFFIX as ENCRYPTED
from consentgate.export.exported import Exported
from consentgate.export.signing import MANIFEST
from consentgate.moment import to_text

SUFFIX = ".COVER-LETTER.txt"


def letter_of(package: Path) -> Path:
    """Say where the letter of a package is.

    Args:
        package: the package's folder.

    Returns:
        The file beside it.
    """
    return package.with_name(f"{package.name}{SUFFIX}")


def is_of(package: Path, export: Exported) -> bool:
    """Tell whether a package's letter is that of an export.

    Args:
        package: the package's folder, which need not be there.
        export: which export.

    Returns:
        Whether it is there and says so.
    """
    try:
        text = letter_of(package).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return _line(export) in text


def write_letter(
    written: Path, export: Exported, package: Path | None = None, keys: Sequence[str] = ()
) -> Path:
    """Write the letter beside a package.

    Args:
        written: the folder with the package's files.
        export: what it holds.
        package: where the folder is in the end; None where it is there.
        keys: whom it is encrypted to, if it is.

    Returns:
        The letter.

    Raises:
        Unavailable: it cannot be written.
    """
    package = written if package is None else package
    path = letter_of(package)
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("w", encoding="utf-8") as file:
            file.write(_text(written, export, package, keys))
            file.flush()
            os.fsync(file.fileno())
        partial.rename(path)
    except OSError as error:
        raise Unavailable(f"The file {path} cannot be written ({error.strerror}).") from error
    return path


def _line(export: Exported) -> str:
    return f"Export                  {export.entry}\n"


def _opening(package: Path, keys: Sequence[str]) -> str:
    if not keys:
        return ""
    listed = "".join(f"    {each}\n" for each in keys)
    return f"""
The package is encrypted with age (age-encryption.org) to

{listed}
To open it, with the file that holds your secret key:

    age -d -i key.txt {package.name}{ENCRYPTED} | tar x
"""


def _text(written: Path, export: Exported, package: Path, keys: Sequence[str]) -> str:
    asked, head = export.asked, export.chosen.head
    with (written / MANIFEST).open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    return f"""COVER LETTER

Send this on another way than the package: on paper, by telephone, or in a letter of its own.
Whoever made the package anew would have made another key, and these numbers would differ.

Matter                  {asked.matter}
Recipient               {asked.recipient}
Package                 {package.name}
Records                 {export.bates(export.first)} to {export.bates(export.last)}
Made                    {to_text(export.at)}
{_line(export)}{_opening(package, keys)}
Fingerprint of the key that signed the package (RFC 7638):

    {export.fingerprint}

SHA-256 of manifest.json:

    {digest}

Key of the log:

    {head.vkey}

In verify.html, type the fingerprint into the field; or run

    python verify.py . --fingerprint {export.fingerprint}
"""
