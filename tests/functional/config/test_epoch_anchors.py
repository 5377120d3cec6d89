"""What anchors keep of logs that epochs ended, and epochs of which the database knows nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest

from consentgate.config.anchoring import anchorer_of
from consentgate.config.settings import FILE, Settings, load_settings
from consentgate.config.upkeep import keep_log, log_database
from consentgate.config.verification import verify_deployment
from consentgate.verify.result import Verification
from tests.databases import raw
from tests.functional.config.recovering import Backup, opened, told

NAME = "second-site"


def anchor(settings: Settings) -> None:
    """Put the newest checkpoint into the folder."""
    with log_database(settings) as database:
        work = anchorer_of(settings, database)
        assert work is not None
        work.once()
        assert not work.failures


@pytest.fixture
def anchored(settings: Settings) -> Settings:
    """The deployment, with a folder that keeps its checkpoint of three entries."""
    (settings.home / NAME).mkdir()
    with (settings.home / FILE).open("a") as file:
        file.write(f'[[anchors]]\nname = "{NAME}"\nkind = "directory"\npath = "{NAME}"\n')
    found = load_settings(settings.home)
    anchor(found)
    return found


@pytest.fixture
def epoch(anchored: Settings) -> Settings:
    """The same after an epoch, whose checkpoint is kept there too."""
    anchored.log_state.unlink()
    opened(anchored)
    anchor(anchored)
    return anchored


def kept(settings: Settings) -> list[Path]:
    """What the folder keeps, the oldest log first."""
    return sorted((settings.home / NAME).glob("*/*"), key=lambda each: each.stat().st_mtime_ns)


def verified(settings: Settings) -> Verification:
    return verify_deployment(settings, vkey=None, with_keys=True, step=lambda: None).verification


def found(done: Verification) -> list[tuple[str, str]]:
    return [(each.kind, each.where) for each in done.findings]


def verdict(done: Verification, level: str = "epochs") -> str:
    return next(each.verdict for each in done.levels if each.name == level)


def delete(path: Path) -> None:
    path.chmod(0o600)
    path.unlink()


def overwrite(path: Path) -> None:
    path.chmod(0o600)
    path.write_text(path.read_text().replace("3", "2", 1))


def sql(statement: str) -> Callable[[Settings], None]:
    def change(settings: Settings) -> None:
        with raw(settings.database) as behind:
            behind.unguarded(statement)

    return change


HARM: dict[str, tuple[Callable[[Settings], None], tuple[str, str]]] = {
    "the kept checkpoint is deleted": (
        lambda settings: delete(kept(settings)[0]),
        ("missing", f"log 0: anchor {NAME}, checkpoint of 3 entries"),
    ),
    "the kept checkpoint is changed": (
        lambda settings: overwrite(kept(settings)[0]),
        ("unsigned", "log 0: anchor"),
    ),
    "the row names another place": (
        sql("UPDATE anchor SET evidence = evidence || '0' WHERE log = 0"),
        ("altered", f"log 0: anchor row of {NAME}, size 3, column evidence"),
    ),
    "the old log's checkpoint is deleted": (
        sql("DELETE FROM checkpoint WHERE log = 0"),
        ("missing", "log 0: checkpoint table, checkpoint of 3 entries"),
    ),
}


def test_old_log_holds_with_what_its_anchor_keeps(epoch: Settings) -> None:
    done = verified(epoch)
    assert found(done) == []
    assert {each.verdict for each in done.levels} == {"holds"}
    assert len(kept(epoch)) == 2


@pytest.mark.parametrize("what", HARM)
def test_old_log_that_is_not_what_its_anchor_keeps_is_broken(epoch: Settings, what: str) -> None:
    harm, (kind, where) = HARM[what]
    harm(epoch)
    done = verified(epoch)
    assert any(each == kind and place.startswith(where) for each, place in found(done)), found(done)
    assert (verdict(done), verdict(done, "anchors")) == ("broken", "holds")


def test_anchor_that_cannot_be_asked_leaves_old_logs_unjudged(epoch: Settings) -> None:
    (epoch.home / NAME).rename(epoch.home / "elsewhere")
    done = verified(epoch)
    assert found(done) == []
    assert (verdict(done), verdict(done, "anchors")) == ("cannot_judge", "cannot_judge")


def test_what_an_anchor_keeps_of_the_lost_end_is_no_news(anchored: Settings, backup: Backup) -> None:
    restore = backup()
    told(anchored, "three")
    assert keep_log(anchored) is None
    anchor(anchored)
    settings = load_settings(restore().home)
    assert opened(settings).record.source == "anchor"
    done = verified(settings)
    assert {kind for kind, where in found(done) if where.startswith("log 0")} == {"lost"}
    assert verdict(done) == "incomplete"


def test_what_an_anchor_keeps_and_the_epoch_does_not_know_is_broken(
    anchored: Settings, backup: Backup
) -> None:
    restore = backup()
    told(anchored, "three")
    assert keep_log(anchored) is None
    anchor(anchored)
    newest = kept(anchored)[-1]
    settings = load_settings(restore().home)
    # Neither the anchor nor the signer's state tells of the newest checkpoint while the log is recovered.
    newest.rename(settings.home / "aside")
    settings.log_state.unlink()
    assert opened(settings).record.signed == 3
    (settings.home / "aside").rename(newest)
    done = verified(settings)
    assert ("truncated", f"log 0: anchor {NAME}") in found(done)
    assert verdict(done) == "broken"


def test_epoch_that_the_database_forgot_is_said(settings: Settings, backup: Backup) -> None:
    restore = backup()
    settings.log_state.unlink()
    opened(settings)
    settings = restore()
    assert opened(settings).record.log == 2
    done = verified(settings)
    assert ("lost", "log 1") in found(done)
    assert (verdict(done), done.exit_code) == ("incomplete", 4)


def test_first_log_that_is_denied_is_missing(settings: Settings) -> None:
    settings.log_state.unlink()
    opened(settings)
    for table in ("tree_state", "checkpoint", "seq"):
        sql(f"DELETE FROM {table} WHERE log = 0")(settings)
    sql("DELETE FROM deployment WHERE name = 'log_origin'")(settings)
    assert found(verified(settings)) == [("missing", "deployment, log_origin")]
