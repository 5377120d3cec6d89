"""The cover letter: what lets a reader tell the package from one that somebody made anew. It travels on another way.

Invariants: it lies beside the package, never inside; it says nothing of the entries.
"""

from hashlib import sha256
from pathlib import Path

from consentgate.errors import Unavailable
from consentgate.export.exported import Exported
from consentgate.export.signing import MANIFEST
from consentgate.moment import to_text

SUFFIX = ".COVER-LETTER.txt"


def write_letter(package: Path, export: Exported) -> Path:
    """Write the letter beside a package.

    Args:
        package: the package's folder.
        export: what it holds.

    Returns:
        The letter.

    Raises:
        Unavailable: it cannot be written.
    """
    path = package.with_name(f"{package.name}{SUFFIX}")
    try:
        path.write_text(_text(package, export), encoding="utf-8")
    except OSError as error:
        raise Unavailable(f"The file {path} cannot be written ({error.strerror}).") from error
    return path


def _text(package: Path, export: Exported) -> str:
    asked, head = export.asked, export.chosen.head
    digest = sha256((package / MANIFEST).read_bytes()).hexdigest()
    return f"""COVER LETTER

Send this on another way than the package: on paper, by telephone, or in a letter of its own.
Whoever made the package anew would have made another key, and these numbers would differ.

Matter                  {asked.matter}
Recipient               {asked.recipient}
Package                 {package.name}
Records                 {export.bates(export.first)} to {export.bates(export.last)}
Made                    {to_text(export.at)}
Export                  {export.entry}

Fingerprint of the key that signed the package (RFC 7638):

    {export.fingerprint}

SHA-256 of manifest.json:

    {digest}

Key of the log:

    {head.vkey}

In verify.html, type the fingerprint into the field; or run

    python verify.py . --fingerprint {export.fingerprint}
"""
