"""Everything is caught only where ADR 21 says so, and there with what it says."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
BROAD = frozenset({"Exception", "BaseException"})
ROW = re.compile(r"^\| `([\w.]+:[\w.]+)` \| (\w+) \| (.+) \|$", re.MULTILINE)
ALLOWED = ROW.findall((ROOT / "docs/adr/0021-where-anything-is-caught.md").read_text("utf-8"))


class Catch(NamedTuple):
    place: str
    type: str
    raises: bool


def caught(expression: ast.expr | None) -> frozenset[str]:
    """Names of the broad types in what a handler names; a bare one catches everything."""
    if expression is None:
        return frozenset({"BaseException"})
    names = {node.id for node in ast.walk(expression) if isinstance(node, ast.Name)}
    return BROAD & (names | {node.attr for node in ast.walk(expression) if isinstance(node, ast.Attribute)})


def broad(node: ast.AST) -> Iterator[tuple[str, bool]]:
    """The broad types that one node catches, and whether it raises something in their place."""
    if isinstance(node, ast.ExceptHandler):
        raises = any(isinstance(each, ast.Raise) for each in ast.walk(node))
        yield from ((name, raises) for name in sorted(caught(node.type)))
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
        yield from ((name, False) for argument in node.args for name in sorted(caught(argument)))


def catches(tree: ast.AST, module: str, outer: tuple[str, ...] = ()) -> Iterator[Catch]:
    for node in ast.iter_child_nodes(tree):
        for name, raises in broad(node):
            yield Catch(place=f"{module}:{'.'.join(outer)}", type=name, raises=raises)
        inner = outer
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            inner = (*outer, node.name)
        yield from catches(node, module, inner)


def of_the_library() -> list[Catch]:
    root = ROOT / "consentgate"
    return [
        catch
        for path in sorted(root.rglob("*.py"))
        for catch in catches(
            ast.parse(path.read_text("utf-8")),
            path.relative_to(root).with_suffix("").as_posix().replace("/", "."),
        )
    ]


def test_everything_is_caught_only_where_the_record_says() -> None:
    found = [(catch.place, catch.type) for catch in of_the_library()]
    assert sorted(found) == sorted((place, type_) for place, type_, _ in ALLOWED)


def test_what_is_said_to_raise_on_raises() -> None:
    says = {(place, type_) for place, type_, does in ALLOWED if does.startswith("raises on")}
    raises = {(catch.place, catch.type) for catch in of_the_library() if catch.raises}
    assert says
    assert says <= raises


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("try: pass\nexcept: pass", "BaseException"),
        ("try: pass\nexcept (ValueError, Exception): pass", "Exception"),
        ("try: pass\nexcept builtins.Exception: raise", "Exception"),
        ("with contextlib.suppress(BaseException): pass", "BaseException"),
    ],
)
def test_broad_catch_is_seen_in_any_spelling(source: str, found: str) -> None:
    tree = ast.parse(f"class A:\n    def f(self):\n        {source.replace(chr(10), chr(10) + ' ' * 8)}")
    assert [(catch.place, catch.type) for catch in catches(tree, "m")] == [("m:A.f", found)]


def test_narrow_catch_is_not_seen() -> None:
    tree = ast.parse("try: pass\nexcept (ValueError, OSError): pass\nwith suppress(KeyError): pass")
    assert list(catches(tree, "m")) == []
