"""Runs every mutant of the policy engine; ``make mutants``. Exit 0 where each survivor is argued, 1 otherwise.

The survivors that change nothing are listed and argued in docs/explanation/mutants.md; one that is listed there
and does not survive any more is reported too.
"""

import argparse
import re
import sys
import time
from collections import Counter
from typing import Final

from tests.mutation.run import MODULES, ROOT, all_mutants, prepare, verdict

PAGE: Final = ROOT / "docs" / "explanation" / "mutants.md"
ROW: Final = re.compile(r"^\| `(\w+)` \| `(.+)` \| .+ \|$", re.MULTILINE)


def argued(modules: list[str]) -> set[tuple[str, str]]:
    """Read the survivors that the page argues."""
    rows = ROW.findall(PAGE.read_text("utf-8")) if PAGE.exists() else []
    return {(module, what.replace("\\|", "|")) for module, what in rows if module in modules}


def main() -> int:
    """Run them, and say what is left."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument(
        "modules", nargs="*", default=list(MODULES), metavar="MODULE", help=", ".join(MODULES)
    )
    parser.add_argument("--only", help="mutants whose words contain this")
    options = parser.parse_args()
    prepared = prepare()
    if verdict(None, prepared) != "survived":
        print("The tests fail without any change; mend that first.")
        return 1
    begun, counts, survived = time.monotonic(), Counter[str](), set()
    for mutant in all_mutants(options.modules):
        if options.only and options.only not in mutant.what:
            continue
        found = verdict(mutant, prepared)
        counts[found] += 1
        if found == "survived":
            survived.add((mutant.module, mutant.what))
            print(f"survived: {mutant.module}:{mutant.line}: {mutant.what}", flush=True)
    known = argued(options.modules) if not options.only else survived
    for module, what in sorted(known - survived):
        print(f"argued and killed: {module}: {what}")
    for module, what in sorted(survived - known):
        print(f"not argued: {module}: {what}")
    told = ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
    print(f"{counts.total()} mutants in {time.monotonic() - begun:.0f} s: {told}")
    return int(known != survived)


if __name__ == "__main__":
    sys.exit(main())
