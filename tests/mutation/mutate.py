"""Small changes to a module's source, one at a time: what a slip of the pen, or a lost rule, would look like.

Left alone: annotations, docstrings, decorators, type aliases, and what only shapes how a value is shown.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

_SWAPPED: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_OTHER: Final = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list"}

Change = Callable[[], None]


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One change.

    Attributes:
        module: the module's file, for example ``decide``.
        line: where it is.
        what: the change, in words, with the piece of source: it finds the mutant again after lines have moved.
        tree: the module with the change.
    """

    module: str
    line: int
    what: str
    tree: ast.Module


def mutants(module: str, source: str) -> Iterator[Mutant]:
    """Give every mutant of a module."""
    seen: dict[str, int] = {}
    for number, site in enumerate(ast.walk(ast.parse(source))):
        for kind in range(len(_edits(site))):
            tree = ast.parse(source)
            _forget(tree)
            node = next(each for i, each in enumerate(ast.walk(tree)) if i == number)
            if getattr(node, "left_alone", False):
                break
            scope, text = getattr(node, "scope", ""), _piece(source, node)
            words, change = _edits(node)[kind]
            change()
            what = f"{scope}: {words}: {text}"
            seen[what] = seen.get(what, 0) + 1
            if seen[what] > 1:
                what = f"{what} ({seen[what]})"
            yield Mutant(
                module=module,
                line=getattr(node, "lineno", 0),
                what=what,
                tree=ast.fix_missing_locations(tree),
            )


def _piece(source: str, node: ast.AST) -> str:
    if isinstance(node, ast.comprehension):
        found = " if ".join(ast.unparse(each) for each in (node.target, *node.ifs))
    elif isinstance(node, ast.If):
        found = f"if {ast.unparse(node.test)}"
    elif isinstance(node, ast.keyword):
        found = f"{node.arg}={ast.unparse(node.value)}"
    else:
        found = ast.unparse(node)
    text = " ".join(found.split())
    return text if len(text) <= 90 else f"{text[:87]}..."


def _forget(tree: ast.Module) -> None:
    """Mark what is left alone, and say of each node in which function or class it stands."""

    def visit(node: ast.AST, scope: str) -> None:
        for part in _left_alone(node):
            for each in ast.walk(part):
                each.left_alone = True  # type: ignore[attr-defined]  # a mark of ours
        for child in ast.iter_child_nodes(node):
            inner = scope
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                inner = f"{scope}.{child.name}".strip(".")
            child.scope = inner  # type: ignore[attr-defined]  # a mark of ours
            visit(child, inner)

    visit(tree, "")


def _left_alone(node: ast.AST) -> list[ast.AST]:
    found: list[ast.AST | None] = []
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        found += node.decorator_list
    if isinstance(node, ast.FunctionDef):
        found.append(node.returns)
    if isinstance(node, ast.arg | ast.AnnAssign):
        found.append(node.annotation)
    if isinstance(node, ast.AnnAssign) and "TypeAlias" in ast.unparse(node.annotation):
        found.append(node)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        found.append(node)
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "field":
        found.append(node)
    return [each for each in found if each is not None]


def _edits(node: ast.AST) -> list[tuple[str, Change]]:
    found: list[tuple[str, Change]] = []
    if isinstance(node, ast.Compare):
        for i, op in enumerate(node.ops):
            if (other := _SWAPPED.get(type(op))) is not None:
                found.append((f"{_name(op)} becomes {_name(other())}", _set_item(node.ops, i, other())))
    elif isinstance(node, ast.BoolOp):
        found += _bool(node)
    elif isinstance(node, ast.If | ast.IfExp):
        found += [
            ("always", _set(node, "test", ast.Constant(value=True))),
            ("never", _set(node, "test", ast.Constant(value=False))),
        ]
    elif isinstance(node, ast.comprehension):
        found += [(f"without condition {i + 1}", _drop(node.ifs, i)) for i in range(len(node.ifs))]
    elif isinstance(node, ast.Constant):
        found += _constant(node)
    elif isinstance(node, ast.Tuple | ast.List | ast.Set):
        if isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
            found += [(f"without item {i + 1}", _drop(node.elts, i)) for i in range(len(node.elts))]
    elif isinstance(node, ast.Dict):
        found += [(f"without member {i + 1}", _drop_pair(node, i)) for i in range(len(node.keys))]
    elif isinstance(node, ast.Call):
        found += _call(node)
    else:
        found += _statement(node)
    return found


def _bool(node: ast.BoolOp) -> list[tuple[str, Change]]:
    other: ast.boolop = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    found: list[tuple[str, Change]] = [(f"{_name(node.op)} becomes {_name(other)}", _set(node, "op", other))]
    # In place of an operand stands what decides nothing.
    nothing = ast.Constant(value=isinstance(node.op, ast.And))
    return found + [
        (f"without operand {i + 1}", _set_item(node.values, i, nothing)) for i in range(len(node.values))
    ]


def _constant(node: ast.Constant) -> list[tuple[str, Change]]:
    value = node.value
    if isinstance(value, bool):
        return [(f"becomes {not value}", _set(node, "value", not value))]
    if isinstance(value, int):
        return [(f"becomes {value + 1}", _set(node, "value", value + 1))]
    return [("becomes another text", _set(node, "value", f"{value}~"))] if isinstance(value, str) else []


def _call(node: ast.Call) -> list[tuple[str, Change]]:
    found: list[tuple[str, Change]] = []
    if isinstance(node.func, ast.Name) and node.func.id in _OTHER:
        other = _OTHER[node.func.id]
        found.append((f"becomes {other}", _set(node.func, "id", other)))
    return found + [
        (f"without {each.arg}", _drop(node.keywords, i)) for i, each in enumerate(node.keywords) if each.arg
    ]


def _statement(node: ast.AST) -> list[tuple[str, Change]]:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        # Twice not: the same as none at all, whatever stands above.
        return [("without not", _set(node, "operand", ast.UnaryOp(op=ast.Not(), operand=node.operand)))]
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return [("without statement", _set(node, "value", ast.Constant(value=None)))]
    if isinstance(node, ast.AugAssign):
        nothing: ast.expr = ast.IfExp(
            test=ast.Constant(value=True),
            body=ast.Call(
                func=ast.Call(
                    func=ast.Name(id="type", ctx=ast.Load()),
                    args=[ast.Name(id=ast.unparse(node.target), ctx=ast.Load())],
                    keywords=[],
                ),
                args=[],
                keywords=[],
            ),
            orelse=ast.Constant(value=None),
        )
        return [("adds nothing", _set(node, "value", nothing))]
    return []


def _name(op: ast.AST) -> str:
    return type(op).__name__


def _set(node: ast.AST, name: str, value: object) -> Change:
    def change() -> None:
        setattr(node, name, value)

    return change


def _set_item(items: list[Any], place: int, value: ast.AST) -> Change:
    def change() -> None:
        items[place] = value

    return change


def _drop(items: list[ast.expr] | list[ast.keyword], place: int) -> Change:
    def change() -> None:
        del items[place]

    return change


def _drop_pair(node: ast.Dict, place: int) -> Change:
    def change() -> None:
        del node.keys[place], node.values[place]

    return change
