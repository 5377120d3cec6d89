"""The page of a task or voice profile."""

import re
from datetime import timedelta
from uuid import UUID

from consentgate.cli.task import _page
from consentgate.ledger.lifetimes import Lifetime
from consentgate.ledger.progress import TaskState
from consentgate.ledger.retention import Held
from consentgate.testing.clock import START

ENTRY = UUID("019aab00-0000-7000-8000-000000000000")


def page(*held: Held, deleted: bool = False) -> str:
    """Show a voice profile."""
    found = Lifetime(
        intent=ENTRY,
        outcome=ENTRY,
        service="chime-sdk-voice",
        operation="CreateVoiceProfile",
        region=None,
        task="vp-1",
        started_at=START,
        state=TaskState(status="a word", at=START),
        held=held,
        deleted_at=START + timedelta(hours=1) if deleted else None,
    )
    return re.sub(r"\x1b\[\d*m", "", _page(found, START + timedelta(days=2), reveal=False))


def profile(days: int) -> Held:
    """A profile that is held for some days."""
    return Held(what="profile", since=START, until=START + timedelta(days=days), told=True)


def test_a_profile_that_was_deleted_says_when_and_is_held_no_more() -> None:
    text = page(deleted=True)
    assert "deleted" in text
    assert "2026-11-22 13:00:00Z" in text
    assert "held by the vendor" not in text
    assert "in no region" in text


def test_what_is_gone_by_the_vendors_terms_is_marked() -> None:
    assert page(profile(1)).rstrip().endswith("gone")
    assert not page(profile(3)).rstrip().endswith("gone")
    assert "a word" in page(profile(3))
