"""The version of the engine; every decision names it."""

from typing import Final

VERSION: Final = "0.1.0"
