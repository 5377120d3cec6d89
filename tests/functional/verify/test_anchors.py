"""A whole deployment held against its anchor: what nobody can find in the database alone is found here."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from consentgate import ConsentGate
from consentgate.config.anchoring import anchorer_of
from consentgate.config.settings import FILE, load_settings
from consentgate.moment import system_clock
from tests.functional.verify.longer import ANCHOR as NAME
from tests.functional.verify.longer import anchor
from tests.functional.verify.place import Place
from tests.functional.verify.test_odd_values import BAD_TEXT, set_value

COLUMNS = ("log", "name", "size", "kind", "evidence", "at")


def grow(place: Place, count: int = 1) -> None:
    """So many checkpoints more, each in the folder."""

    def work(gate: ConsentGate) -> None:
        gate.assert_("public_policy_published", True, by="privacy@acme.example", since=system_clock())

    for _ in range(count):
        place.work(work)
        anchor(place)


@pytest.fixture(scope="module")
def kept(pristine: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The home, with four checkpoints in a folder elsewhere."""
    folder = tmp_path_factory.mktemp("anchored") / "copy"
    with pristine.copied(folder) as copy:
        (copy.folder / "kept").mkdir()
        with (copy.home / FILE).open("a") as settings:
            settings.write(f'\n[[anchors]]\nname = "{NAME}"\nkind = "directory"\npath = "../kept"\n')
        anchor(copy)
        grow(copy, 3)
        yield copy


@pytest.fixture
def place(kept: Place, tmp_path: Path) -> Iterator[Place]:
    """A copy of it, for this test alone."""
    with kept.copied(tmp_path / "copy") as copy:
        yield copy


def files(place: Place) -> list[Path]:
    return sorted((place.folder / "kept").glob("*/*"))


def sizes(place: Place) -> list[int]:
    return sorted(place.all("SELECT size FROM anchor"))


def test_sound_deployment_holds_with_its_anchor(place: Place) -> None:
    verified = place.verify()
    assert verified.verification.exit_code == 0
    levels = {each.name: each.verdict for each in verified.verification.levels}
    assert list(levels) == ["bytes", "lanes", "tree", "signature", "signer", "anchors", "pairing", "links"]
    (newest,) = verified.anchors
    assert (newest.name, newest.size) == (NAME, sizes(place)[-1])


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("value", ["x'00'", "7", "NULL", BAD_TEXT])
def test_each_column_may_hold_anything_and_is_found(place: Place, column: str, value: str) -> None:
    if set_value(place, "anchor", column, value, 1):
        assert place.exit() == 1
        assert place.verify().verification.levels[-1].name == "links"
    else:
        assert place.server is not None


@pytest.mark.parametrize(
    ("sql", "where"),
    [
        ("UPDATE anchor SET evidence = evidence || '0'", "column evidence"),
        ("UPDATE anchor SET at = at - 3600000", "column at"),
        ("UPDATE anchor SET at = at + 3600000", "column at"),
        ("UPDATE anchor SET kind = 's3'", "column kind"),
        ("UPDATE anchor SET name = 'elsewhere'", "anchor row of elsewhere"),
    ],
)
def test_rows_that_say_something_else_are_altered(place: Place, sql: str, where: str) -> None:
    place.sql(sql)
    assert place.verdicts()["anchors"] == "broken"
    assert where in place.found()[0][1]


def test_rows_swapped_deleted_twice_and_added_are_found(place: Place, tmp_path: Path) -> None:
    first, second, third, _last = sizes(place)
    for number, (sql, found) in enumerate(
        {
            f"DELETE FROM anchor WHERE size = {second}": [
                ("missing", f"anchor table, {NAME}, checkpoint of {second} entries")
            ],
            f"DELETE FROM anchor WHERE size IN ({second}, {third})": [
                ("missing", f"anchor table, {NAME}, 2 checkpoints in a row, of {second} to {third} entries")
            ],
            f"INSERT INTO anchor SELECT log, name, {first + 1}, kind, evidence, at FROM anchor"
            f" WHERE size = {first}": [("missing", f"anchor {NAME}, checkpoint of {first + 1} entries")],
            "DELETE FROM anchor": [
                ("missing", f"anchor table, {NAME}, 3 checkpoints in a row, of {first} to {third} entries"),
                ("uncovered", f"anchor {NAME}"),
            ],
        }.items()
    ):
        with place.copied(tmp_path / str(number)) as copy:
            copy.sql(sql)
            assert copy.found() == found
    place.loosen("anchor")
    place.sql("INSERT INTO anchor SELECT * FROM anchor")
    assert place.verdicts()["anchors"] == "broken"


def test_files_that_are_gone_are_counted_in_a_row(place: Place) -> None:
    _, second, third, _ = sizes(place)
    for path in files(place)[1:3]:
        path.unlink()
    assert place.found() == [
        ("missing", f"anchor {NAME}, 2 checkpoints in a row, of {second} to {third} entries")
    ]


def test_checkpoint_that_is_deleted_is_missed_by_its_anchor(place: Place) -> None:
    _, second, third, _ = sizes(place)
    place.sql(f"DELETE FROM checkpoint WHERE size IN ({second}, {third})")
    assert (
        "missing",
        f"checkpoint table, 2 checkpoints in a row, of {second} to {third} entries",
    ) in place.found()


def test_database_and_signer_put_back_together_are_found(place: Place) -> None:
    """What no verification finds by the database alone: everything here is of one older day."""
    newest = sizes(place)[-1]
    place.roll_back()
    place.roll_state_back()
    assert place.verdicts()["anchors"] == "broken"
    (truncated,) = [each for each in place.verify().verification.findings if each.kind == "truncated"]
    assert (truncated.where, truncated.expected) == (
        f"anchor {NAME}",
        f"at least {newest} entries in the log",
    )


def test_log_that_went_on_from_an_older_day_is_found(place: Place) -> None:
    """Truncate and continue, with the log's own key and a signer's state that fits."""
    shutil.copytree(place.folder / "kept", place.folder / "elsewhere")
    place.roll_back()
    place.roll_state_back()

    def other(gate: ConsentGate) -> None:
        for _ in range(40):
            gate.assert_("public_policy_published", True, by="privacy@acme.example", since=system_clock())

    place.work(other)
    found = place.found()
    assert {kind for kind, _ in found} <= {"missing", "altered", "uncovered"}
    assert place.verdicts()["anchors"] == "broken"
    # Whoever anchors then is refused: that folder keeps another history of the same size, or none of these.
    assert [each for each in found if each[0] == "missing" and each[1].startswith("checkpoint table")]


def test_anchor_out_of_reach_is_exit_3_and_says_so(place: Place) -> None:
    (place.folder / "kept").rename(place.folder / "unmounted")
    verified = place.verify()
    assert verified.verification.exit_code == 3
    assert place.verdicts() == {"anchors": "cannot_judge"}
    assert "mount it" in verified.note


def test_settings_that_forgot_their_anchors_leave_rows_of_nobody(place: Place) -> None:
    path = place.home / FILE
    path.write_text(path.read_text().replace(NAME, "other-name"))
    assert {kind for kind, _ in place.found()} == {"extra", "missing", "uncovered"}
    path.write_text(path.read_text().partition("[[anchors]]")[0])
    assert {kind for kind, _ in place.found()} == {"extra"}


def test_retired_anchor_is_verified_and_gets_nothing_more(place: Place) -> None:
    with (place.home / FILE).open("a") as settings:
        settings.write("retired = true\n")
    before = len(files(place))
    place.work(
        lambda gate: gate.assert_(
            "public_policy_published", True, by="privacy@acme.example", since=system_clock()
        )
    )
    assert place.found() == []
    assert anchorer_of(load_settings(place.home), None) is None  # type: ignore[arg-type]  # nothing is made of it
    files(place)[0].unlink()
    assert place.verdicts() == {"anchors": "broken"}
    assert len(files(place)) == before - 1
