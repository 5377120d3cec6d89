"""What is found where the whole log was made anew, or something was added to what was signed or sealed."""

from typing import Final

from tests.functional.verify.damage import other_signer, rebuild, remember
from tests.functional.verify.place import Place
from tests.functional.verify.tampering import MIDDLE, WITHDRAWAL, Cases


def _tree(place: Place) -> None:
    """A hash in its tile and in the frontier that comes of it."""
    rebuild(place)
    place.sql("UPDATE seq SET hash = (SELECT hash FROM seq WHERE position = 7) WHERE position = 8")


def _resigned(place: Place) -> None:
    """Old entries under a newer key: the same log, signed again by somebody else."""
    rebuild(place, signer=other_signer(place))


def _rebuilt(place: Place) -> None:
    rebuild(place, without=_withdrawal(place), signer=other_signer(place))


def _rebuilt_and_remembered(place: Place) -> None:
    _rebuilt(place)
    remember(place)


def _rebuilt_unsigned(place: Place) -> None:
    rebuild(place, without=_withdrawal(place))


def _withdrawal(place: Place) -> bytes:
    return bytes(place.one(f"SELECT id FROM entry WHERE id = {WITHDRAWAL}"))


def _bytes_appended(place: Place) -> None:
    place.sql(f"UPDATE entry SET leaf = CAST(leaf || x'20' AS BLOB) WHERE ordinal = {MIDDLE}")


def _part_appended(place: Place) -> None:
    place.sql(f"UPDATE entry SET parts = parts || '\n' || parts WHERE id = {WITHDRAWAL}")


def _text_appended(place: Place) -> None:
    place.sql("UPDATE checkpoint SET note = note || 'more' WHERE size = 313")


def _without_checkpoints(place: Place) -> None:
    place.sql("DELETE FROM checkpoint")


STORIES: Final[Cases] = {
    "a position's hash under a tree that was rebuilt": (
        _tree,
        ["altered: entry 9 at position 8", "uncovered: all 313 entries"],
    ),
    "the same log signed by another key": (
        _resigned,
        ["uncovered: all 313 entries", "unsigned: checkpoint of size 313"],
    ),
    "a log rebuilt without a withdrawal, signed by another key": (
        _rebuilt,
        ["truncated: signer state", "uncovered: all 312 entries", "unsigned: checkpoint of size 312"],
    ),
    "the same, with the signer's state made to fit": (
        _rebuilt_and_remembered,
        ["uncovered: all 312 entries", "unsigned: checkpoint of size 312"],
    ),
    "a log rebuilt without a withdrawal, and not signed": (
        _rebuilt_unsigned,
        ["truncated: signer state", "uncovered: all 312 entries"],
    ),
    "a byte after a leaf": (
        _bytes_appended,
        [
            "altered: entry 155 at position 154",
            "altered: entry 156, prev",
            "altered: tile 0/0",
            "altered: tree state of size 305",
            "altered: tree under the checkpoint of size 305",
            "altered: tree under the signer's size 313",
            "malformed: entry 155",
            "uncovered: all 313 entries",
        ],
    ),
    "a part after the last": (_part_appended, ["altered: entry 312, parts"]),
    "text after a checkpoint": (
        _text_appended,
        ["uncovered: the last 8 entries", "unsigned: checkpoint of size 313"],
    ),
    "no checkpoint at all": (_without_checkpoints, ["uncovered: all 313 entries"]),
}
