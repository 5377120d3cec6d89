"""What exports are made of on both databases."""

from tests.functional.gate.conftest import world

__all__ = ["world"]
