"""Which functions of ours decode: found by what they take and by what they refuse, so that none is forgotten.

Found is each public function and method whose docstring names an error about bytes among what it raises; which
takes bytes or JSON as they come; or which refuses a file, a text or members that it takes. Of `consentgate.storage`
only the first are: what it takes besides are values of rows. Of the program that verifies packages, which has no
annotations, each function whose first parameter is named after what comes from outside.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import consentgate

PROGRAM: Final = "export.verifier.verify"

_FOLDER: Final = Path(consentgate.__file__).parent
_NOT_OURS: Final = ("testing.", "_", "__main__")
_ABOUT_BYTES: Final = {"Malformed", "PackInvalid"}
_ABOUT_INPUT: Final = {
    "InvalidInput",
    "KeyMismatch",
    "Misconfigured",
    "SignatureInvalid",
    "StatementRefused",
    "UnknownIssuer",
}
_RAW: Final = re.compile(
    r"(?:bytes|str \| bytes|BinaryIO|Json|(?:Mapping|dict)\[str, (?:Json|Any)\])(?: \| None)?"
)
_REFUSED: Final = re.compile(
    r"(?:object|Path|Mapping\[str, (?:object|Mapping\[str, object\])\])(?: \| None)?"
)
_TEXTS: Final = {"data", "line", "query", "text", "token", "value"}
_OUTSIDE: Final = {"data", "jwk", "line", "text", "token"}


def decoders() -> set[str]:
    """Name every decoder below `consentgate`, with its module."""
    found = set()
    for path in sorted(_FOLDER.rglob("*.py")):
        module = ".".join(path.relative_to(_FOLDER).with_suffix("").parts)
        if not module.startswith(_NOT_OURS):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found |= {f"{module}.{name}" for name, each in _functions(tree) if _decodes(module, each)}
    return found


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in tree.body:
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        outer = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
        for each in inner if not outer.startswith("_") else ():
            if isinstance(each, ast.FunctionDef) and not each.name.startswith("_"):
                yield f"{outer}{each.name}", each


def _decodes(module: str, function: ast.FunctionDef) -> bool:
    given = function.args
    if module == PROGRAM:
        return bool(given.args) and given.args[0].arg in _OUTSIDE
    raises = (ast.get_docstring(function) or "").partition("Raises:")[2]
    errors = set(re.findall(r"^ +(\w+):", raises, re.MULTILINE))
    if errors & _ABOUT_BYTES:
        return True
    if module.startswith("storage."):
        return False
    types = [
        (each.arg, ast.unparse(each.annotation).strip("'"))
        for each in (*given.posonlyargs, *given.args, *given.kwonlyargs)
        if each.annotation is not None
    ]
    if any(_RAW.fullmatch(type_) for _, type_ in types):
        return True
    refused = any(_REFUSED.fullmatch(type_) or (type_ == "str" and name in _TEXTS) for name, type_ in types)
    return refused and bool(errors & _ABOUT_INPUT)
