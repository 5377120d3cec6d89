"""Every table against every way of tampering with it, on the file itself, through the whole of `verify`.

What is expected is exact: all findings, each with where it is, as `notation` writes them. What cannot be found is
at the end, each with what it is; docs/formats/log.md says why and the threat model lists it, and both lists are
compared with this one.
"""

import re
from pathlib import Path
from typing import Final

import pytest

from consentgate import ConsentGate
from consentgate.config.settings import load_settings
from consentgate.moment import system_clock, to_millis
from tests.functional.verify.cases_entries import ENTRIES
from tests.functional.verify.cases_log import LOG
from tests.functional.verify.cases_people import PEOPLE
from tests.functional.verify.conftest import Story
from tests.functional.verify.damage import changing, other_signer, rebuild, remember
from tests.functional.verify.longer import anchor, name_anchor
from tests.functional.verify.notation import Names, found, without_times
from tests.functional.verify.place import BEN, ISS, Place, heartbeats, person
from tests.functional.verify.tampering import Cases, Tamper, flip, sql

ROOT = Path(__file__).parents[3]

MATRIX: Final[Cases] = ENTRIES | LOG | PEOPLE
SHIFTED: Final = ("seq delete", "seq types")
"""After which a size is that of later entries than when its row was written."""


@pytest.mark.parametrize("name", MATRIX)
def test_tampering_is_found_as_what_it_is(story: Story, name: str) -> None:
    tamper, expected = MATRIX[name]
    place = story(name.split(" ", maxsplit=1)[0])
    names = Names(place)
    with changing(place):
        tamper(place)
    lines = found(place, names)
    assert (without_times(lines) if name in SHIFTED else lines) == expected


def _put_back(place: Place) -> None:
    with changing(place):
        place.roll_back()
        place.roll_state_back()


def _name_somebody(place: Place) -> None:
    known = [bytes(each).hex() for each in place.all("SELECT subject FROM subject_ref")]
    place.work(
        lambda gate: gate.issuer(ISS).refuse(person(BEN, ("phone", "+13125550199")), method="ivr_dtmf")
    )
    named = ", ".join(f"x'{each}'" for each in known)
    sql(flip("subject_ref", "hmac", f"subject NOT IN ({named})"))(place)


def _cut_lane(place: Place) -> None:
    with ConsentGate(load_settings(place.home), background=False) as gate:
        gate._parts.database.write(lambda connection: heartbeats(gate, connection, 1))
    # What closing the gate wrote goes too.
    sql("DELETE FROM entry WHERE id NOT IN (SELECT entry FROM seq)")(place)


def _substitute(place: Place) -> None:
    signer = other_signer(place)
    with changing(place):
        rebuild(place, signer=signer)
        remember(place)
        (place.home / "log.vkey").write_text(f"{signer.key.vkey}\n")


# What nothing signs and nothing repeats: each holds, and stands in the docs in these words.
def _move_times(place: Place) -> None:
    now = to_millis(system_clock())
    for table in ("checkpoint", "tree_state"):
        place.sql(
            f"UPDATE {table} SET at = {now} WHERE size = 313",
            f"UPDATE {table} SET at = {now} WHERE size = 305",
        )


def _move_anchored(place: Place) -> None:
    name_anchor(place)
    anchor(place)
    place.sql(f"UPDATE anchor SET at = {to_millis(system_clock())}")


UNFOUND: dict[str, Tamper] = {
    "A checkpoint or tree state before the last is deleted.": sql(
        "DELETE FROM checkpoint WHERE size = 305", "DELETE FROM tree_state WHERE size = 305"
    ),
    "A checkpoint's note gets a further signature by a key that nobody gave.": sql(
        "UPDATE checkpoint SET note = note || '— other.example AAAAAAAAAAAA\n'"
    ),
    "The time of a checkpoint or tree state is moved, to after the last entry that it covers, and before the next"
    " one, or now.": _move_times,
    "The time of an anchor's row is moved later, up to that anchor's next row, or to now.": _move_anchored,
    "All rows of entries get other numbers in the same order.": sql(
        "UPDATE entry SET ordinal = ordinal + 100000"
    ),
    "An entry is linked to a further person whom the ledger knows.": sql(
        "INSERT INTO entry_subject SELECT 'default', e.id, d.subject, e.kind FROM entry e, data_key d"
        " WHERE e.kind = 'statement' AND d.subject IN (SELECT subject FROM entry_subject)"
        " ON CONFLICT DO NOTHING"
    ),
    "The reference of somebody is altered who is only named after the first in a statement or call, and for whom"
    " nothing was sealed.": _name_somebody,
    "A reference is added that names nobody.": sql(
        "INSERT INTO subject_ref SELECT tenant, key_epoch, randomblob(32), randomblob(16), suppression"
        " FROM subject_ref LIMIT 1"
    ),
    "The last entries of a lane are deleted before they were sequenced, and no later lane follows it.": _cut_lane,
    "The database and the signer's state are both put back to an older copy.": _put_back,
    "The log is rebuilt and signed by another key, and the signer's state and `log.vkey` are made to"
    " fit.": _substitute,
}


@pytest.mark.parametrize("said", UNFOUND)
def test_what_cannot_be_found_holds(place: Place, said: str) -> None:
    UNFOUND[said](place)
    assert place.found() == []


@pytest.mark.parametrize(
    ("page", "heading"),
    [
        ("docs/formats/log.md", "## What verification does not find"),
        ("docs/explanation/threat-model.md", "## Tampering that verification does not find"),
    ],
)
def test_what_cannot_be_found_is_documented_in_the_same_words(page: str, heading: str) -> None:
    section = (ROOT / page).read_text().partition(heading)[2].partition("\n## ")[0]
    listed = [
        " ".join(each.split()) for each in re.findall(r"^- \*\*(.+?)\*\*", section, re.MULTILINE | re.DOTALL)
    ]
    assert listed == list(UNFOUND)
