"""Longer stories than that of `place`: several rows in every table, some of them from after the older copy.

- `lengthened`: several notices, full tiles, checkpoints, statements, calls.
- `anchored`: the same, each checkpoint kept in a folder elsewhere.
- `recovered`: the first log was ended by an epoch, and that by another.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from consentgate import NOBODY, ConsentGate
from consentgate.config.anchoring import anchorer_of
from consentgate.config.settings import FILE, load_settings
from consentgate.config.upkeep import log_database
from tests.functional.config.recovering import opened
from tests.functional.verify.place import ISS, NOTICE, Place, heartbeats, person

ANCHOR: Final = "second-site"
_ROUNDS: Final = 4
_KEPT: Final = 2
_GROWTH: Final = 130


def lengthened(place: Place) -> None:
    """Let a place live on for some rounds, with a new older copy between two of them."""
    _live_on(place, lambda: None)


def anchored(place: Place) -> None:
    """Let a place live on, and keep each of its checkpoints in a folder."""
    name_anchor(place)
    _live_on(place, lambda: anchor(place))


def name_anchor(place: Place) -> None:
    """Have a folder for checkpoints."""
    (place.folder / "kept").mkdir()
    with (place.home / FILE).open("a") as settings:
        settings.write(f'\n[[anchors]]\nname = "{ANCHOR}"\nkind = "directory"\npath = "../kept"\n')


def _live_on(place: Place, after: Callable[[], None]) -> None:
    for number in range(_ROUNDS):
        if number == _KEPT:
            place.keep_old()
        place.work(partial(_round, number=number))
        after()


def _round(gate: ConsentGate, number: int) -> None:
    notice = f"voiceprint-{number}"
    gate.add_notice(
        f"Acme makes voiceprint {number} to check that you are you.".encode(), **NOTICE | {"id": notice}
    )
    caller, phone = ("customer", f"d-{number}"), ("phone", f"+1312555020{number}")
    issuer = gate.issuer(ISS)
    issuer.grant(person(caller), notice=notice, method="ivr_dtmf")
    call: dict[str, Any] = {"callee": NOBODY, "purpose": "authentication"}
    gate.register_call(f"tx-1{number}", caller=[person(caller)], **call)
    gate._parts.database.write(lambda connection: heartbeats(gate, connection, _GROWTH))
    issuer.withdraw(person(phone, caller), method="ivr_dtmf")


def anchor(place: Place) -> None:
    """Put the newest checkpoint into the folder."""
    settings = load_settings(place.home)
    with log_database(settings) as database:
        work = anchorer_of(settings, database)
        assert work is not None
        work.once()
        assert not work.failures


def recovered(place: Place) -> None:
    """Lose the signer's state twice, with an older copy from between."""
    for log in range(2):
        settings = load_settings(place.home)
        if log:
            place.keep_old(settings.log_file("state", log).name)
        settings.log_file("state", log).unlink()
        opened(settings)
        place.work(
            lambda gate: gate._parts.database.write(lambda connection: heartbeats(gate, connection, 3))
        )
