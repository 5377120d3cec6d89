"""What processes do to the log, and what a kill in the middle may leave: one row for each."""

from datetime import timedelta
from typing import Final

from consentgate.config.anchoring import anchorer_of
from consentgate.config.parts import signer_of
from consentgate.log.append import Lanes, append_writer_stop
from consentgate.log.heartbeat import Heartbeat
from consentgate.log.sequencer import Sequencer
from consentgate.moment import system_random
from tests.functional.crash.walk import NOTHING, Hands, Operation, State


def append(hands: Hands) -> None:
    hands.append(Lanes(hands.database, system_random), single=True)


def append_three(hands: Hands) -> None:
    hands.append(Lanes(hands.database, system_random), 3)


def sequence(hands: Hands) -> None:
    Sequencer(hands.database).once()


def fill_a_tile(hands: Hands) -> None:
    sequencer = Sequencer(hands.database, batch=128)
    sequencer.once()
    hands.append(Lanes(hands.database, system_random), 256)
    sequencer.once()


def grow(hands: Hands) -> None:
    append_three(hands)
    sequence(hands)


def sign(hands: Hands) -> None:
    signer_of(hands.settings, hands.database).once()


def grow_and_sign(hands: Hands) -> None:
    grow(hands)
    sign(hands)


def anchor(hands: Hands) -> None:
    anchorer = anchorer_of(hands.settings, hands.database)
    assert anchorer is not None
    anchorer.once()
    assert dict(anchorer.failures) == {}


def beat(hands: Hands) -> None:
    lanes = Lanes(hands.database, system_random)
    assert Heartbeat(hands.database, lanes, system_random, every=timedelta(0)).once()


def live(hands: Hands) -> None:
    """A whole life: write, say that one stops, keep the log."""
    lanes = Lanes(hands.database, system_random)
    hands.append(lanes, single=True)
    append_writer_stop(hands.database, lanes, system_random)
    sequence(hands)
    sign(hands)


OPERATIONS: Final = (
    Operation(name="append one, in a statement by itself", run=append, states=(NOTHING, State(written=1))),
    Operation(name="append three, in a transaction", run=append_three, states=(NOTHING, State(written=3))),
    Operation(name="sequence", before=append_three, run=sequence, states=(NOTHING, State(placed=3))),
    Operation(
        name="append what fills a tile, and sequence it in batches",
        run=fill_a_tile,
        states=(
            NOTHING,
            State(written=256),
            State(written=256, placed=128),
            State(written=256, placed=256),
        ),
    ),
    Operation(
        name="sign",
        before=grow,
        run=sign,
        states=(NOTHING, State(remembered=3), State(remembered=3, released=3)),
    ),
    Operation(
        name="anchor",
        before=grow_and_sign,
        run=anchor,
        anchor=True,
        states=(NOTHING, State(anchored=3), State(anchored=3, noted=3)),
    ),
    Operation(name="beat, after an idle hour", run=beat, states=(NOTHING, State(written=1))),
    Operation(name="sign what is signed", run=sign, states=(NOTHING,)),
    Operation(
        name="append, stop, sequence, sign",
        run=live,
        states=(
            NOTHING,
            State(written=1),
            State(written=2),
            State(written=2, placed=2),
            State(written=2, placed=2, remembered=2),
            State(written=2, placed=2, remembered=2, released=2),
        ),
    ),
)


def named(name: str) -> Operation:
    """Give the operation of a name."""
    return next(each for each in OPERATIONS if each.name == name)
