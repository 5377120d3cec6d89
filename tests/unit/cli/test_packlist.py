"""The list says which jurisdictions a deployment tightened, and of which version and signature the set is."""

from datetime import date

import click

from consentgate.cli.packlist import shown
from consentgate.packs.overlay import overlaid
from tests.unit.cli.test_brief import PACK, packs_of

DAY = date(2026, 1, 1)


def test_overlays_and_missing_versions_are_said() -> None:
    added = PACK.replace('code = "XA"', 'code = "XB"').encode()
    packs = overlaid(packs_of(PACK), {"XB.toml": added})
    done = shown(packs, DAY, kind=None, under=None, confidence=None, changing=False)
    text = click.unstyle(done.text)
    assert "2 of 2 · no version · set " in text
    assert "overlays for XB" in text
    assert [each["overlaid"] for each in list_of(done.result["items"])] == [False, True]


def list_of(items: object) -> list[dict[str, object]]:
    assert isinstance(items, list)
    return items
