"""``consentgate log``: the transparency log over the ledger."""

import signal
import threading
from collections.abc import Callable

import click

from consentgate.canonical import Json
from consentgate.cli.command import Done, Noun
from consentgate.cli.opening import settings_of
from consentgate.cli.text import fields, moment_text

EVERY = 10.0
"""Seconds between looks, without --once."""


@click.group(cls=Noun)
def log() -> None:
    """Show, sequence and sign the log."""


@log.command("show", example="consentgate log show")
def _show(home: str | None) -> Done:
    """Show the log: origin, vkey, size, and the last checkpoint.

    The vkey is read from the file beside the key; compare it with the one that `consentgate init` printed.
    """
    from consentgate.config.upkeep import log_database, log_state, vkey_of
    from consentgate.moment import to_text

    settings = settings_of(home)
    with log_database(settings) as database:
        state = log_state(database)
    vkey = vkey_of(settings)
    last = state.checkpoint
    checkpoint: Json = {"size": last.size, "at": to_text(last.at), "note": last.note} if last else None
    result: dict[str, Json] = {
        "origin": state.origin,
        "vkey": vkey,
        "size": state.size,
        "unsequenced": state.unsequenced,
        "unsigned": state.unsigned,
        "checkpoint": checkpoint,
        "test_database": state.test,
    }
    pairs = [
        ("origin", state.origin or "none: this database has no log"),
        ("vkey", vkey or f"{settings.log_vkey} is not there"),
        (
            "size",
            f"{state.size} entries"
            + (f", and {state.unsequenced} without a position" if state.unsequenced else ""),
        ),
        ("signed", f"{last.size} entries, {moment_text(last.at)}" if last else "nothing yet"),
        ("database", "a test database: a test clock was used on it" if state.test else ""),
        ("checkpoint", last.note.rstrip() if last else ""),
    ]
    return Done(result=result, text=fields(pairs))


@log.command("sequence", example="consentgate log sequence --once")
@click.option("--once", is_flag=True, help="One pass, then end; otherwise run until interrupted.")
def _sequence(home: str | None, once: bool) -> Done:
    """Give committed entries their positions in the log."""
    from consentgate.config.upkeep import log_database
    from consentgate.log.sequencer import Sequencer

    with log_database(settings_of(home)) as database:
        total = _run(Sequencer(database).once, once=once)
    text = f"{total} {'entry' if total == 1 else 'entries'} sequenced" if total else "Nothing to sequence"
    return Done(result={"sequenced": total}, text=f"{text}.")


@log.command("sign", example="consentgate log sign --once")
@click.option("--once", is_flag=True, help="One pass, then end; otherwise run until interrupted.")
def _sign(home: str | None, once: bool) -> Done:
    """Sign a checkpoint over what is sequenced, if it has grown.

    Exit code 1 when the signer refuses: then the database does not continue what was signed before.
    """
    from consentgate.config.parts import signer_of
    from consentgate.config.upkeep import log_database, log_state

    settings = settings_of(home)
    with log_database(settings) as database:
        signer = signer_of(settings, database)
        _run(lambda: int(signer.once() is not None), once=once)
        last = log_state(database).checkpoint
    if last is None:
        return Done(result={"size": 0}, text="Nothing to sign: the log is empty.")
    pairs = [("signed", f"{last.size} entries, {moment_text(last.at)}"), ("checkpoint", last.note.rstrip())]
    return Done(result={"size": last.size, "note": last.note}, text=fields(pairs))


def _run(work: Callable[[], int], *, once: bool) -> int:
    """Do something once, or again and again until the process is told to stop."""
    if once:
        return work()
    stop = threading.Event()
    before = {s: signal.signal(s, lambda *_: stop.set()) for s in (signal.SIGINT, signal.SIGTERM)}
    total = 0
    try:
        while not stop.is_set():
            total += work()
            stop.wait(EVERY)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return total
