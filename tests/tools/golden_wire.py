"""Writes the golden file of the gated operations anew: ``python -m tests.tools.golden_wire``. Read the difference."""

from tests.unit.aws.test_wire import GOLDEN, rendered

if __name__ == "__main__":
    GOLDEN.write_text(rendered(), "utf-8")
