"""Verifying a place from a checkpoint on: one that lies in it, or one of any size that its key signs."""

from pathlib import Path

from consentgate import ConsentGate
from consentgate.config.settings import load_settings
from consentgate.config.since import read_pinned
from consentgate.config.upkeep import keep_log, vkey_of
from consentgate.config.verification import Verified, verify_deployment
from consentgate.log.identity import read_key
from consentgate.storage import since as rows
from consentgate.storage.readonly import read_only
from consentgate.tlog.checkpoint import Checkpoint, decode, sign_checkpoint
from consentgate.tlog.merkle import Frontier
from consentgate.tlog.note import parse_note
from tests.functional.verify.place import Place, heartbeats


def grow(place: Place, count: int) -> None:
    settings = load_settings(place.home)
    with ConsentGate(settings, background=False) as gate:
        gate._parts.database.write(lambda connection: heartbeats(gate, connection, count))
    keep_log(settings)


def pin(place: Place) -> Path:
    """Keep the newest checkpoint, as somebody does after verifying everything."""
    file = place.folder / "pinned"
    file.write_text(place.one("SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1"))
    return file


def size_of(file: Path) -> int:
    return decode(parse_note(file.read_text()).text).size


def since(place: Place, file: Path, *, with_keys: bool = False) -> Verified:
    settings = load_settings(place.home)
    pinned = read_pinned(file, vkey_of(settings))
    return verify_deployment(settings, vkey=None, with_keys=with_keys, step=lambda: None, pinned=pinned)


def found(done: Verified) -> list[tuple[str, str]]:
    return [(each.kind, each.where) for each in done.verification.findings]


def verdicts(done: Verified) -> dict[str, str]:
    return {each.name: each.verdict for each in done.verification.levels if each.verdict != "holds"}


def pin_at(place: Place, size: int) -> Path:
    """Sign the checkpoint of the first positions, as the log's key could have done."""
    settings = load_settings(place.home)
    with read_only(settings.database) as connection:
        leaves = [row[3] for row in rows.positions(connection, log=0, first=0, stop=size)]
    signer = read_key(place.home / "log.key")
    frontier = Frontier()
    for each in leaves:
        frontier.push(each)
    file = place.folder / f"at-{size}"
    head = Checkpoint(origin=signer.key.name, size=size, root=frontier.root())
    file.write_text(sign_checkpoint(head, signer))
    return file
