"""How a package is delivered: encrypted to its readers' keys, or in clear because somebody asked for that.

Invariant: neither is a default; what leaves in clear was asked for in clear.
"""

from pathlib import Path
from typing import Final

from consentgate.config.exports import Several
from consentgate.errors import InvalidInput, Unavailable
from consentgate.export.delivery import Seal

_RECIPIENTS: Final = 64 << 10


def seal_of(encrypt_to: Several, *, clear: bool) -> Seal | None:
    """Say how a package is delivered: one of the two has to be asked for.

    Args:
        encrypt_to: public keys that it is encrypted to.
        clear: whether it is a folder that anybody can read.

    Returns:
        Whom it is encrypted to; None for a folder in clear.

    Raises:
        InvalidInput: neither or both, or a key cannot be used.
        Misconfigured: the extra ``age`` is not installed.
    """
    keys = (encrypt_to,) if isinstance(encrypt_to, str) else tuple(encrypt_to)
    if clear and keys:
        raise InvalidInput("A package is encrypted or in clear: give keys (encrypt_to) or clear, not both.")
    if clear:
        return None
    if not keys:
        raise InvalidInput(
            "Say whose key the package is encrypted to (--encrypt-to age1..., the reviewer's public key), or ask for"
            " a folder that anybody can read (--clear)."
        )
    return Seal(keys)


def recipients_in(path: Path) -> tuple[str, ...]:
    """Read a file of public keys, one a line, as age reads it: empty lines and lines that begin with # are nothing.

    Args:
        path: the file.

    Returns:
        The keys.

    Raises:
        InvalidInput: there is none, or it is no such file.
        Unavailable: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_RECIPIENTS).decode()
    except FileNotFoundError as error:
        raise InvalidInput(f"The file {path} is not there.") from error
    except OSError as error:
        raise Unavailable(f"The file {path} cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"The file {path} is no list of public keys: it is not text.") from error
    found = tuple(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))
    if not found:
        raise InvalidInput(f"The file {path} has no public key in it.")
    return found
