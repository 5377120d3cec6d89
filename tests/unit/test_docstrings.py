"""The docstring checker finds what it is there to find."""

import ast

import pytest

from tests.unit.docstrings import gaps

WHOLE = '''"""Module."""

def read(path, *, limit, **more):
    """Read.

    Args:
        path: where.
        limit (int): how much.
        **more: the rest.

    Returns:
        What was read.

    Raises:
        Malformed: if it is bad.
    """
    raise errors.Malformed("bad")

class Reader:
    """Reads."""

    @property
    def size(self) -> int:
        """How much."""

    @staticmethod
    def of(path) -> "Reader":
        """Make one.

        Args:
            path: where.

        Returns:
            The reader.
        """

    def close(self) -> None:
        """End."""
        def inner(x):
            raise ValueError
        raise error

    def _hidden(self, x): ...

@main.command()
def show(path) -> int:
    """Help text."""
'''


def test_whole_docstrings_have_no_gaps() -> None:
    assert list(gaps(ast.parse(WHOLE))) == []


@pytest.mark.parametrize(
    ("cut", "gap"),
    [
        ('"""Module."""', "1: the module has no docstring"),
        ("        limit (int): how much.\n", "does not say what limit is"),
        ("        **more: the rest.\n", "does not say what more is"),
        ("    Raises:\n        Malformed: if it is bad.\n", "does not say that it raises Malformed"),
        ("        Returns:\n            The reader.\n", "Reader.of does not say what it returns"),
        ('        """End."""\n', "Reader.close has no docstring"),
        ('    """Reads."""\n', "Reader has no docstring"),
        ('    """Help text."""', "show has no docstring"),
    ],
)
def test_a_missing_piece_is_named(cut: str, gap: str) -> None:
    filled = "    pass\n" if cut == '    """Help text."""' else ""
    assert cut in WHOLE
    assert any(gap in found for found in gaps(ast.parse(WHOLE.replace(cut, filled))))
