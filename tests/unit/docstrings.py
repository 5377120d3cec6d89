"""What the docstring of a public thing must hold, read from the syntax tree."""

import ast
import re
from collections.abc import Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef

SECTION = re.compile(r"^ *(Args|Returns|Yields|Raises|Note|Example|Attributes):\s*$", re.MULTILINE)
ENTRY = re.compile(r"^ +\*{0,2}(\w+)(?: \([^)]*\))?:", re.MULTILINE)


def gaps(tree: ast.Module) -> Iterator[str]:
    """List what the docstrings of a module lack.

    Args:
        tree: the module.

    Returns:
        An iterator over one line per gap.
    """
    if not ast.get_docstring(tree):
        yield "1: the module has no docstring"
    yield from _inside(tree, "")


def _inside(parent: ast.Module | ast.ClassDef, prefix: str) -> Iterator[str]:
    for node in parent.body:
        if not isinstance(
            node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        ) or node.name.startswith("_"):
            continue
        name = f"{node.lineno}: {prefix}{node.name}"
        if not ast.get_docstring(node):
            yield f"{name} has no docstring"
        elif isinstance(node, ast.ClassDef):
            yield from _inside(node, f"{prefix}{node.name}.")
        else:
            yield from (f"{name} {gap}" for gap in _function_gaps(node, in_class=bool(prefix)))


def _function_gaps(node: Function, *, in_class: bool) -> Iterator[str]:
    marks = " ".join(ast.unparse(mark) for mark in node.decorator_list)
    # A property reads like an attribute; the docstring of a command is its help text.
    if re.search(r"\bproperty\b|\.setter\b|\.command\b|\.group\b", marks):
        return
    text = ast.get_docstring(node) or ""
    sections = _sections(text)
    missing = [
        name for name in _parameters(node, in_class=in_class) if name not in sections.get("Args", set())
    ]
    if missing:
        yield f"does not say what {', '.join(missing)} is"
    given = ast.unparse(node.returns) if node.returns else "None"
    if given not in {"None", "NoReturn"} and not sections.keys() & {"Returns", "Yields"}:
        yield "does not say what it returns"
    unsaid = {name for name in _raised(node) if "Raises" not in sections}
    if unsaid:
        yield f"does not say that it raises {', '.join(sorted(unsaid))}"


def _sections(text: str) -> dict[str, set[str]]:
    parts = SECTION.split(text)[1:]
    return {name: set(ENTRY.findall(body)) for name, body in zip(parts[::2], parts[1::2], strict=True)}


def _parameters(node: Function, *, in_class: bool) -> list[str]:
    given = node.args
    plain = [*given.posonlyargs, *given.args]
    static = any(ast.unparse(mark) == "staticmethod" for mark in node.decorator_list)
    named = plain[1:] if in_class and not static else plain
    stars = [one for one in (given.vararg, given.kwarg) if one is not None]
    # An underscore says that a signature from elsewhere has the parameter and nobody here uses it.
    return [one.arg for one in (*named, *given.kwonlyargs, *stars) if not one.arg.startswith("_")]


def _raised(node: Function) -> Iterator[str]:
    inner: list[ast.AST] = list(node.body)
    while inner:
        one = inner.pop()
        if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            continue
        if isinstance(one, ast.Raise) and one.exc is not None:
            raised = one.exc.func if isinstance(one.exc, ast.Call) else one.exc
            # `raise error` passes on what was caught; a class starts with a capital.
            name = ast.unparse(raised).rpartition(".")[2]
            if name[:1].isupper() and name != "AssertionError":
                yield name
        inner.extend(ast.iter_child_nodes(one))
