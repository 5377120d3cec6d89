"""Making a package out of an export that is on record.

::

    1  everything from an earlier attempt is removed
    2  the records run once through everything that writes files
    3  what they name; the log, and the proof, whose root must be the checkpoint's
    4  verifiers, metadata, manifest, signature, lists
    5  the whole folder is verified, as its reader will
    6  its manifest gets a timestamp, where there is an authority
    7  it gets its signature and its name; or it is encrypted, the file gets its name, and the folder is removed

Invariants: a folder with the name of a package was verified; what is not finished has a name that begins with a dot,
and no signature.
Nothing is read but the export's entry and the ledger, so that it can be made again; the manifest's timestamp alone
is another each time, and nothing in the package says that it is there.
Where a package is encrypted, nothing of it in clear outlives this, whatever is raised; after a kill the next attempt
removes it.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import field
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from consentgate.crypto import timestamp
from consentgate.crypto.jwk import SigningKey
from consentgate.errors import InvalidInput, LogRefused, Unavailable
from consentgate.export import nodes, signing
from consentgate.export.bag import Bag
from consentgate.export.delivery import Seal, file_of, hand_over
from consentgate.export.enclosed import Enclosed
from consentgate.export.exported import Exported
from consentgate.export.letter import is_of
from consentgate.export.lists import bag_info, seal_lists
from consentgate.export.native import Native
from consentgate.export.sink import Artifact, Log, MakeSink, Scope, Sink, Totals
from consentgate.export.stream import Stream
from consentgate.export.unsealing import Opener
from consentgate.export.withholding import Withholding
from consentgate.ledger.book import Book
from consentgate.storage import artifacts
from consentgate.storage.database import Database
from consentgate.tlog.merkle import HASH_BYTES, leaf_hash
from consentgate.values import dataclass

_CLEAR: Final = frozenset({"counsel", "regulator"})
_STEP: Final = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What packages are made with.

    Attributes:
        book: the ledger.
        database: where it is.
        controller: the controller's id.
        key: the package key.
        sinks: what writes files besides the records themselves.
        verifiers: files for the reader to verify with, by path.
        check: verifies a finished folder, with what lies elsewhere by its path; raises where it does not hold.
        step: told how many of the records are written, whenever it is some hundred more.
        stamp: gets a timestamp of some bytes; None where there is no authority, or where none is wanted.
        seal: whom the package is encrypted to; None for a folder in clear.
    """

    book: Book
    database: Database
    controller: str
    key: SigningKey
    sinks: Sequence[MakeSink] = ()
    verifiers: Mapping[str, Callable[[], bytes]] = field(default_factory=dict)
    check: Callable[[Path, Mapping[str, Path]], None]
    step: Callable[[int, int], None]
    stamp: Callable[[bytes], bytes] | None = None
    seal: Seal | None = None


def build(
    shop: Workshop, export: Exported, out: Path, before: Callable[[Path], object] = lambda _: None
) -> tuple[Path, Totals]:
    """Make the package.

    Args:
        shop: what to make it with.
        export: which export.
        out: the folder that it is put into.
        before: called with the verified folder, right before it is encrypted.

    Returns:
        Its folder, and what is in it. Of a package that is encrypted, what unpacking it there makes.

    Raises:
        ConsentGateError: it cannot be made; nothing with the name of a package is left.
    """
    # 1
    final = out / export.name
    target = final if shop.seal is None else file_of(final)
    # A file that was finished right before the process was cut off has its letter; nobody else's is replaced.
    if target.exists() and not (shop.seal is not None and is_of(final, export)):
        raise InvalidInput(f"{target} is there already: move it away, or choose another folder.")
    bag = Bag(out / f".{export.name}.partial", out / f".{export.name}.scratch")
    with ExitStack() as stack:
        if shop.seal is not None:
            stack.callback(bag.drop)
        stack.enter_context(closing(bag))
        with shop.database.read() as connection:
            totals = _written(shop, connection, export, bag)
        # 5
        shop.check(bag.root, {signing.SIGNATURE: bag.aside(signing.SIGNATURE)})
        # 6
        if shop.stamp is not None:
            bag.put(signing.STAMP, shop.stamp((bag.root / signing.MANIFEST).read_bytes()), role=None)
        # 7
        if shop.seal is None:
            _named(bag, final)
        else:
            before(bag.root)
            hand_over(shop.seal, export, bag, target)
    return final, totals


def scope_of(shop: Workshop, connection: Connection, export: Exported) -> Scope:
    """Say what is told about an export.

    Args:
        shop: what packages are made with.
        connection: of a read, for as long as the scope is used.
        export: which export.

    Returns:
        The scope.
    """
    asked, tenant = export.asked, shop.book.tenant
    return Scope(
        export=export.entry,
        matter=asked.matter,
        slug=asked.slug,
        at=export.at,
        purpose=asked.purpose,
        recipient=asked.recipient,
        requested_by=asked.requested_by,
        role=asked.role,
        selection=asked.selection.shown(references=asked.role in _CLEAR),
        time_zone=asked.time_zone,
        prefix=asked.prefix,
        digits=len(export.bates(export.first)) - len(asked.prefix),
        first=export.first,
        last=export.last,
        controller=export.controller,
        controller_name=export.controller,
        logs=(_log_of(connection, tenant, export),),
        fingerprint=export.fingerprint,
        version=export.engine,
        tenant=tenant,
        options=asked.options,
        artifact=lambda digest: _artifact(connection, tenant, digest),
    )


def _log_of(connection: Connection, tenant: str, export: Exported) -> Log:
    head = export.chosen.head
    stamp = _stamp(connection, tenant, export)
    return Log(
        number=head.log,
        origin=head.origin,
        size=head.size,
        root=head.root,
        note=head.note,
        vkey=head.vkey,
        positions=len(export.chosen.positions),
        stamped=timestamp.told(stamp.content) if stamp is not None else None,
    )


def _stamp(connection: Connection, tenant: str, export: Exported) -> Artifact | None:
    named = export.chosen.head.timestamp
    found = _artifact(connection, tenant, named) if named is not None else None
    if named is not None and found is None:
        raise LogRefused("The checkpoint's timestamp is not in the ledger. Run `consentgate verify`.")
    return found


def _artifact(connection: Connection, tenant: str, digest: bytes) -> Artifact | None:
    row = artifacts.artifact_of(connection, tenant, digest)
    if row is None:
        return None
    return Artifact(digest=row.digest, kind=row.kind, media_type=row.media_type, content=row.content)


def _written(shop: Workshop, connection: Connection, export: Exported, bag: Bag) -> Totals:
    scope = scope_of(shop, connection, export)
    opener = Opener(shop.book.vault, shop.book.tenant)
    withholding = Withholding(
        role=export.asked.role,
        people=frozenset(export.chosen.people),
        privileged=frozenset(export.asked.privileged),
    )
    stream = Stream(connection, shop.book.tenant, opener, withholding, export)
    enclosed = Enclosed(scope.artifact)
    sinks: list[Sink] = [make(bag, scope) for make in shop.sinks]
    hashes = bytearray()
    # 2
    with ExitStack() as files:
        native = Native(bag, files)
        for count, record in enumerate(stream.records(), start=1):
            native.take(record)
            enclosed.take(record)
            for sink in sinks:
                sink.take(record)
            hashes += leaf_hash(record.leaf)
            if count % _STEP == 0:
                shop.step(count, len(export.chosen.positions))
    totals = native.totals(not_covered=export.chosen.not_covered)
    # 3
    enclosed.write(bag)
    _put_log(connection, shop.book.tenant, export, bag, hashes)
    for sink in sinks:
        sink.finish(totals)
    # 4
    for path, content in sorted(shop.verifiers.items()):
        bag.put(path, content(), role="verifier")
    signing.put_key(bag, shop.key.public)
    bag_info(bag, _about(scope))
    signing.put_signed(bag, signing.manifest(scope, totals, enclosed.packs, bag.files()), shop.key)
    seal_lists(bag)
    return totals


def _put_log(connection: Connection, tenant: str, export: Exported, bag: Bag, hashes: bytearray) -> None:
    head, positions = export.chosen.head, export.chosen.positions
    taken = iter(range(0, len(hashes), HASH_BYTES))

    def leaf(_: int) -> bytes:
        at = next(taken)
        return bytes(hashes[at : at + HASH_BYTES])

    folder = f"data/log/{head.log}"
    stamp = _stamp(connection, tenant, export)
    if stamp is not None:
        bag.put(f"{folder}/checkpoint.tsr", stamp.content, role="timestamp", media_type=stamp.media_type)
    bag.put(f"{folder}/checkpoint", head.note.encode(), role="checkpoint", media_type="text/plain")
    bag.put(f"{folder}/vkey", f"{head.vkey}\n".encode(), role="vkey", media_type="text/plain")
    if export.policy is not None:
        bag.put("data/keys/witnesses.policy", export.policy.encode(), role="policy", media_type="text/plain")
    node = nodes.tree_reader(connection, head.size, log=head.log)
    with bag.open(f"{folder}/nodes.bin", role="nodes", media_type="application/octet-stream") as file:
        root = nodes.multiproof(head.size, positions, leaf, node, file.write)
    if root != head.root:
        raise LogRefused("The stored tree is not what was signed. Run `consentgate verify`.")


def _about(scope: Scope) -> tuple[tuple[str, str], ...]:
    return (
        ("Source-Organization", scope.controller),
        ("External-Identifier", scope.matter),
        ("Internal-Sender-Identifier", str(scope.export)),
        ("Bagging-Date", f"{scope.at:%Y-%m-%d}"),
        ("Bag-Software-Agent", f"consentgate {scope.version}"),
    )


def _named(bag: Bag, final: Path) -> None:
    """Make a verified folder whole, and give it its name in one step that a power cut does not halve."""
    bag.put_back(signing.SIGNATURE)
    bag.drop_scratch()
    try:
        _synced(bag.root)
        bag.root.rename(final)
        _synced(final.parent)
    except OSError as error:
        raise Unavailable(f"The folder {final} cannot be made ({error.strerror}).") from error


def _synced(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
