"""Sources of which only rows of the right types come through: see `consentgate.verify.faults`."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from consentgate.consent.reference import Reference
from consentgate.verify.faults import Faults, wrong_value
from consentgate.verify.keysource import KeySource
from consentgate.verify.rows import (
    ArtifactRow,
    CheckpointRow,
    DataKey,
    EntryRow,
    EntryValues,
    FactRow,
    LinkRow,
    NoticeRow,
    ReferenceRow,
    SeqValues,
    StatementRow,
    TileRow,
    TreeStateRow,
)
from consentgate.verify.source import LedgerSource, LogSource


def typed_ledger(source: LedgerSource, faults: Faults) -> LedgerSource:
    """Keep rows of other types away from whoever reads a ledger.

    Args:
        source: the ledger.
        faults: takes what is left out.

    Returns:
        The same ledger, with rows of the right types only.
    """
    return _Ledger(source, faults)


def typed_log(source: LogSource, faults: Faults) -> LogSource:
    """Keep rows of other types away from whoever reads a log.

    Args:
        source: the log.
        faults: takes what is left out.

    Returns:
        The same log, with rows of the right types only.
    """
    return _Log(source, faults)


def typed_keys(source: KeySource, faults: Faults) -> KeySource:
    """Keep rows of other types away from whoever reads links, references and keys.

    Args:
        source: links, references and keys.
        faults: takes what is left out.

    Returns:
        The same, with rows of the right types only.
    """
    return _Keys(source, faults)


class _Ledger:
    def __init__(self, source: LedgerSource, faults: Faults) -> None:
        self._source = source
        self._faults = faults

    def damage(self) -> Iterable[str]:
        return self._source.damage()

    def facts(self) -> Iterable[FactRow]:
        return self._faults.rows("deployment", self._source.facts(), ("name",))

    def entries(self) -> Iterable[Sequence[EntryValues]]:
        return self._faults.entries(self._source.entries())

    def repeated(self) -> Collection[tuple[str, bytes]]:
        return self._source.repeated()

    def find(self, keys: Collection[tuple[str, bytes]]) -> Iterable[EntryRow]:
        # What is wrong with a row's types is found where all rows are read.
        return (row for row in self._source.find(keys) if wrong_value(row) is None)

    def statements(self) -> Iterable[StatementRow]:
        return self._faults.rows("statement", self._source.statements())

    def artifacts(self) -> Iterable[ArtifactRow]:
        return self._faults.rows("artifact", self._source.artifacts(), ("tenant", "digest"))

    def notices(self) -> Iterable[NoticeRow]:
        key = ("tenant", "id", "version", "language")
        return self._faults.rows("notice", self._source.notices(), key)


class _Log:
    def __init__(self, source: LogSource, faults: Faults) -> None:
        self._source = source
        self._faults = faults

    def sequence(self) -> Iterable[Sequence[SeqValues]]:
        return self._faults.positions(self._source.sequence())

    def tiles(self) -> Iterable[TileRow]:
        return self._faults.rows("tile", self._source.tiles(), ("level", "index"), in_order=True)

    def tree_states(self) -> Iterable[TreeStateRow]:
        return self._faults.rows("tree_state", self._source.tree_states(), ("size",), in_order=True)

    def checkpoints(self) -> Iterable[CheckpointRow]:
        return self._faults.rows("checkpoint", self._source.checkpoints(), ("size",), in_order=True)

    def numbers_commits(self) -> bool:
        return self._source.numbers_commits()

    def strays(self) -> Mapping[str, int]:
        return self._source.strays()


class _Keys:
    def __init__(self, source: KeySource, faults: Faults) -> None:
        self._source = source
        self._faults = faults

    def links(self) -> Iterable[LinkRow]:
        return self._faults.rows("entry_subject", self._source.links())

    def links_of(self, keys: Collection[tuple[str, bytes]]) -> Iterable[LinkRow]:
        # What is wrong with a row's types is found where all of them are read.
        return (row for row in self._source.links_of(keys) if wrong_value(row) is None)

    def count_links(self) -> int:
        return self._source.count_links()

    def references(self) -> Iterable[ReferenceRow]:
        key = ("tenant", "key_epoch", "hmac")
        return self._faults.rows("subject_ref", self._source.references(), key)

    def data_keys(self) -> Iterable[DataKey]:
        return self._faults.rows("data_key", self._source.data_keys(), ("tenant", "subject"))

    def epochs(self) -> Collection[int]:
        return self._source.epochs()

    def hashes(self, tenant: str, reference: Reference) -> Iterable[tuple[int, bytes]]:
        return self._source.hashes(tenant, reference)

    def call_hashes(self, tenant: str, call: str) -> Iterable[tuple[int, bytes]]:
        return self._source.call_hashes(tenant, call)

    def task_hashes(self, tenant: str, task: str) -> Iterable[tuple[int, bytes]]:
        return self._source.task_hashes(tenant, task)
