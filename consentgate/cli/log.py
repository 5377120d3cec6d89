"""``consentgate log``: the transparency log over the ledger."""

from typing import TYPE_CHECKING

import click

from consentgate.canonical import Json
from consentgate.cli.anchor import anchor, items, lines
from consentgate.cli.command import DONE, Done, Noun
from consentgate.cli.opening import settings_of
from consentgate.cli.recover import recover
from consentgate.cli.running import until_stopped
from consentgate.cli.text import fields, moment_text
from consentgate.errors import InvalidInput, Unavailable
from consentgate.verify.result import INCOMPLETE

SEQUENCE_EVERY = 1.0
"""Seconds between looks of `log sequence`."""
SIGN_EVERY = 5.0
"""Seconds between checkpoints of `log sign`, at least."""

if TYPE_CHECKING:
    from consentgate.config.upkeep import LogState


@click.group(cls=Noun)
def log() -> None:
    """Show, sequence, sign, anchor and recover the log."""


@log.command("show", example="consentgate log show")
def _show(home: str | None) -> Done:
    """Show the log: origin, vkey, size, the last checkpoint, and how far behind its anchors are.

    The vkey is read from the file beside the key; compare it with the one that `consentgate init` printed. Exit code
    4 when an anchor has been behind for longer than its alarm.
    """
    from consentgate.config.anchoring import standings
    from consentgate.config.upkeep import log_database, log_state, vkey_of
    from consentgate.moment import to_text

    settings = settings_of(home)
    with log_database(settings) as database:
        state = log_state(settings, database)
        anchored = standings(settings, database)
    vkey = vkey_of(settings, state.log)
    last = state.checkpoint
    checkpoint: Json = {"size": last.size, "at": to_text(last.at), "note": last.note} if last else None
    result: dict[str, Json] = {
        "log": state.log,
        "origin": state.origin,
        "before": [{"log": number, "origin": state.origins[number]} for number in state.before],
        "vkey": vkey,
        "size": state.size,
        "unsequenced": state.unsequenced,
        "unsigned": state.unsigned,
        "unsigned_since": to_text(state.unsigned_since) if state.unsigned_since else None,
        "checkpoint": checkpoint,
        "anchors": items(anchored),
        "test_database": state.test,
    }
    pairs = _pairs(state, vkey or f"{settings.log_file('vkey', state.log)} is not there")
    text = "\n\n".join([fields(pairs), *([lines(anchored)] if anchored else [])])
    late = any(each.lag.late for each in anchored)
    return Done(result=result, text=text, exit=INCOMPLETE if late else DONE)


def _pairs(state: "LogState", vkey: str) -> list[tuple[str, str]]:
    last = state.checkpoint
    return [
        ("origin", state.origin or "none: this database has no log"),
        (
            "epoch",
            f"{state.log}, after {', '.join(state.origins[n] for n in state.before)}" if state.log else "",
        ),
        ("vkey", vkey),
        (
            "size",
            f"{state.size} entries"
            + (f", and {state.unsequenced} without a position" if state.unsequenced else ""),
        ),
        ("signed", f"{last.size} entries, {moment_text(last.at)}" if last else "nothing yet"),
        ("unsigned", f"since {moment_text(state.unsigned_since)}" if state.unsigned_since else ""),
        ("database", "a test database: a test clock was used on it" if state.test else ""),
        ("checkpoint", last.note.rstrip() if last else ""),
    ]


log.add_command(anchor)
log.add_command(recover)


@log.command("sequence", example="consentgate log sequence --once")
@click.option("--once", is_flag=True, help="One pass, then end; otherwise run until interrupted.")
def _sequence(home: str | None, once: bool) -> Done:
    """Give committed entries their positions in the log.

    A process that runs on also writes a heartbeat in each hour in which nothing else was written, if its login may
    write entries. Run one in the place of the gates' own threads where settings have background = false.
    """
    from consentgate.config.keeping import sequencing
    from consentgate.config.upkeep import log_database

    with log_database(settings_of(home)) as database, sequencing(database, heartbeats=not once) as work:
        total = until_stopped(work, once=once, every=SEQUENCE_EVERY)
    text = f"{total} {'entry' if total == 1 else 'entries'} sequenced" if total else "Nothing to sequence"
    return Done(result={"sequenced": total}, text=f"{text}.")


@log.command("sign", example="consentgate log sign --once")
@click.option("--once", is_flag=True, help="One pass, then end; otherwise run until interrupted.")
def _sign(home: str | None, once: bool) -> Done:
    """Sign a checkpoint over what is sequenced, if it has grown.

    Exit code 1 when the signer refuses: then the database does not continue what was signed before.
    """
    from consentgate.config.keeping import signing
    from consentgate.config.upkeep import log_database, log_state

    settings = settings_of(home)
    with log_database(settings) as database:
        work = signing(settings, database, every=0.0 if once else SIGN_EVERY)
        until_stopped(work, once=once, every=SIGN_EVERY)
        last = log_state(settings, database).checkpoint
    if last is None:
        return Done(result={"size": 0}, text="Nothing to sign: the log is empty.")
    pairs = [("signed", f"{last.size} entries, {moment_text(last.at)}"), ("checkpoint", last.note.rstrip())]
    return Done(result={"size": last.size, "note": last.note}, text=fields(pairs))


@log.command("prove", example="consentgate log prove 8d3f5c1a --out receipt.tlog-proof")
@click.argument("entry")
@click.option(
    "--out", metavar="FILE", type=click.Path(dir_okay=False), help="Where to; by default the entry's id here."
)
def _prove(home: str | None, entry: str, out: str | None) -> Done:
    """Write an entry's receipt: what shows, offline, that it is in the signed log.

    The file has the form of C2SP tlog-proof and carries the leaf, which holds no personal data. Whoever has the vkey
    verifies it with `consentgate verify --proof`.
    """
    from pathlib import Path

    from consentgate.config.receipts import proved

    made = proved(settings_of(home), entry)
    path = Path(out or made.file_name)
    try:
        with path.open("x", encoding="utf-8", newline="") as file:
            file.write(made.text)
    except FileExistsError:
        raise InvalidInput(f"The file {path} is there already: name another with --out.") from None
    except OSError as error:
        raise Unavailable(f"The file {path} cannot be written ({error.strerror}).") from error
    result: dict[str, Json] = {
        "entry": made.entry,
        "position": made.position,
        "size": made.size,
        "file": str(path),
    }
    pairs = [("entry", made.entry), ("position", f"{made.position} of {made.size}"), ("receipt", str(path))]
    return Done(result=result, text=fields(pairs))


@log.command("publish", example="consentgate log publish public --with-leaves")
@click.argument("folder", type=click.Path(file_okay=False))
@click.option("--with-leaves", is_flag=True, help="Publish the leaves too, as entry bundles.")
def _publish(home: str | None, folder: str, with_leaves: bool) -> Done:
    """Write the log as files that anybody can audit: checkpoint and tiles.

    The layout is that of C2SP tlog-tiles. Run it again to bring the folder up to the newest checkpoint.
    """
    from pathlib import Path

    from consentgate.config.receipts import published

    done = published(settings_of(home), Path(folder), with_leaves=with_leaves)
    text = fields(
        [("published", f"{done.size} entries"), ("written", f"{done.files} files"), ("folder", folder)]
    )
    return Done(result={"size": done.size, "files": done.files, "folder": folder}, text=text)


@log.command("verify", example='consentgate log verify --tiles public --vkey "$(cat log.vkey)"')
@click.option(
    "--tiles",
    "folder",
    metavar="FOLDER",
    required=True,
    type=click.Path(exists=True, file_okay=False),
    help="The published files.",
)
@click.option(
    "--vkey", metavar="VKEY", help="The log's public key, as you trust it; by default log.vkey in the home."
)
@click.option(
    "--origin",
    metavar="ORIGIN",
    help="The log's name in its checkpoints, where that is not the name of its key.",
)
@click.option(
    "--from",
    "pinned",
    metavar="CHECKPOINT",
    type=click.Path(exists=True, dir_okay=False),
    help="A signed checkpoint that an earlier audit covered: what it covers is not read again.",
)
@click.option(
    "--policy",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False),
    help="The witnesses that you trust, and how many of them have to have cosigned (C2SP tlog-policy).",
)
def _verify(
    home: str | None,
    folder: str,
    vkey: str | None,
    origin: str | None,
    pinned: str | None,
    policy: str | None,
) -> Done:
    """Audit a published log from its files alone: this one, or any other in the layout of C2SP tlog-tiles.

    Where the entries are published too, each is compared with the tiles. With --from, the log has to continue that
    checkpoint, and only what came after it is read. Exit code 0 holds, 1 broken, 3 cannot judge: there is no key.
    """
    from pathlib import Path

    from consentgate.cli.pinned import left_out, pinned_item
    from consentgate.cli.terminal import progress
    from consentgate.cli.verify import levels_shown, vkey_for_files
    from consentgate.config.receipts import files_of, published_size, published_verified
    from consentgate.config.since import read_pinned

    known, whence = vkey_for_files(home, vkey)
    read = files_of(Path(folder))
    start = read_pinned(Path(pinned), known, origin) if pinned is not None else None
    with progress("Verifying", published_size(read, start)) as bar:
        done = published_verified(
            read,
            known,
            step=bar.step,
            policy=Path(policy) if policy else None,
            origin=origin,
            pinned=start,
        )
    pairs = [("entries", str(published_size(read))), ("vkey from", whence), *left_out(start, _NOT_READ)]
    return levels_shown(done, _OF_FILES, pairs, pinned=pinned_item(start, _NOT_READ))


_NOT_READ = ("entries before it", "tiles before it but those at its right edge")
_OF_FILES = {
    "bytes": "the published entries are those of the tiles",
    "tree": "the tiles lead to the checkpoint's root",
    "signature": "this tree was signed",
    "witnesses": "enough witnesses cosigned",
}
