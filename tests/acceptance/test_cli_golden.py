"""What `--json` prints, byte for byte, but for ids, times, keys and digests: the golden files of the CLI's output."""

import json
import re
from pathlib import Path

import pytest

from tests.acceptance.deployment import ROOT, Deployment, Program

pytestmark = pytest.mark.acceptance

GOLDEN = Path(__file__).parents[1] / "golden" / "cli"
MASKS = (
    (r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "ID"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "TIME"),
    (r"consentgate\.invalid/(test/)?[a-z2-7]{26}(\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{44})?", "LOG"),
    (r"\b[0-9a-f]{64}\b", "HASH"),
    (r'"[A-Za-z0-9_-]{43}"', '"DIGEST"'),
    (r'"[A-Za-z0-9_-]{22}"', '"TAG"'),
    (r'"\d{4}\.\d\d\.\d\d(\.\d+)?"', '"VERSION"'),
    (r'"(size|n|entries|ordinal)": \d+', r'"\1": 0'),
)


COMMANDS = (
    ("verify", ("verify",)),
    ("export-key", ("export", "--show-key")),
    ("entries-list", ("entries", "list", "--kind", "intent")),
    ("task-list", ("task", "list")),
    ("issuer-list", ("issuer", "list")),
    ("aws-policy", ("aws", "policy", "scp", "--role", "arn:aws:iam::111122223333:role/gate")),
    ("policy-explain", ("policy", "explain", "--reference", "customer:nobody", "--evidence", "US-IL")),
    ("policy-evaluate", ("policy", "evaluate", str(ROOT / "tests/scenarios/public.yaml"))),
    ("policy-diff", ("policy", "diff", "shipped", "current", "--at", "2026-11-22")),
    ("policy-replay", ("policy", "replay")),
    (
        "policy-explain-scenario",
        ("policy", "explain", "--scenario", str(ROOT / "tests/scenarios/public.yaml"), "--id", "S02"),
    ),
    ("notice-lint", ("notice", "lint", "voiceprint", "--for", "US-IL,US-CO", "--at", "2026-11-22")),
    ("policy-list", ("policy", "list", "--under", "CA", "--at", "2026-11-22")),
    ("policy-show", ("policy", "show", "US-OK", "--at", "2026-11-22")),
)
PAGES = (("policy-show", ("policy", "show", "US-IL", "--at", "2026-11-22")),)


def masked(text: str) -> str:
    for pattern, word in MASKS:
        text = re.sub(pattern, word, text)
    return text


@pytest.mark.parametrize(("name", "command"), COMMANDS)
def test_output_is_the_golden_one(
    program: Program, deployed: Deployment, name: str, command: tuple[str, ...]
) -> None:
    printed = masked(program(*command, "--json").out)
    assert json.loads(printed)
    assert printed == (GOLDEN / f"{name}.json").read_text()


@pytest.mark.parametrize(("name", "command"), PAGES)
def test_page_is_the_golden_one(
    program: Program, monkeypatch: pytest.MonkeyPatch, name: str, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert program(*command).out == (GOLDEN / f"{name}.txt").read_text()
