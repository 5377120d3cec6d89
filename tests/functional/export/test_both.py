"""On both databases: a package is made, verifies, is made again, and the ledger that has its entry still holds."""

from datetime import timedelta
from pathlib import Path

import pytest

from consentgate import ConsentDenied
from consentgate.config.exporting import export_again
from consentgate.config.verification import verify_deployment
from consentgate.verify.package.levels import verify_package
from tests.functional.export.place import ASKED, manifest, tree
from tests.functional.gate.conftest import World
from tests.packages import keep_log


def test_package_is_made_and_made_again(world: World, tmp_path: Path) -> None:
    ada, ben = world.caller(), world.caller("2002")
    world.ivr.grant(ada, notice="voiceprint", method="ivr_dtmf")
    for number in range(3):
        world.register(f"tx-{number}", ada, ben)
        with pytest.raises(ConsentDenied):
            world.search(f"tx-{number}")
        world.clock.advance(timedelta(days=1))
    world.register("tx-9", ada)
    world.search("tx-9")
    keep_log(world.gate)
    made = world.gate.export("Both", tmp_path / "out", **ASKED, subject=("customer", "2002"))
    assert verify_package(made.folder).findings == {}
    (log,) = manifest(made.folder)["logs"]
    assert 0 < log["positions"] < log["size"]
    # The search of the first alone is no business of the second.
    assert b"tx-9" not in b"".join(
        content for path, content in tree(made.folder).items() if path.startswith("data/records/records")
    )
    (tmp_path / "again").mkdir()
    assert tree(export_again(world.gate._parts, made.export, tmp_path / "again").folder) == tree(made.folder)
    keep_log(world.gate)
    judged = verify_deployment(
        world.gate._parts.settings, vkey=None, with_keys=True, step=lambda: None
    ).verification
    assert [each for each in judged.findings if "export" in each.where or "link" in each.where] == []
    assert {each.name: each.verdict for each in judged.levels}["links"] == "holds"
