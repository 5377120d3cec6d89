"""Level ``pairing``: answers name what they answer, and each intent has one final outcome.

Invariants: an answer names an entry of its tenant by id *and* leaf hash, of a kind that it may answer; an
intent without a final outcome is incomplete once its request may no longer leave, never silently done. Only intents
without an outcome are kept; what else is answered is looked up, and its hash recomputed.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias

from consentgate.entries.kinds import KINDS
from consentgate.moment import to_millis, to_text
from consentgate.verify.known import EntryId, Known, altered, extra, missing, time_of
from consentgate.verify.result import Finding
from consentgate.verify.rows import name_of

Find: TypeAlias = Callable[[Collection[EntryId]], Mapping[EntryId, Known]]
"""``find(keys)``: the entries of these ids, each with its hash recomputed."""

Outcomes: TypeAlias = Callable[[Collection[EntryId]], Mapping[EntryId, Sequence[Known]]]
"""``outcomes(keys)``: all outcomes of these intents."""

_OUTCOME: Final = "outcome"
# So many answers to what is no open intent are looked up at once.
_AT_ONCE: Final = 2000


class Pairing:
    """Goes along the rows of entries."""

    def __init__(self, find: Find, outcomes: Outcomes | None = None) -> None:
        """Begin before the first entry.

        Args:
            find: looks entries up.
            outcomes: looks up the outcomes of intents, where not every entry is taken.
        """
        self._find = find
        self._outcomes_of = outcomes
        self._open: dict[EntryId, Known] = {}
        self._ended: set[EntryId] = set()
        self._others: list[Known] = []
        self._outcomes: list[Known] = []
        self._found: list[Finding] = []

    def take(self, batch: Iterable[Known]) -> None:
        """Go on.

        Args:
            batch: the next entries in the order of their rows.
        """
        for known in [each for each in batch if each.re is not None or each.send_by is not None]:
            if known.send_by is not None:
                self._open[known.key] = known
            if known.re is not None:
                self._answer((known.tenant, known.re), known)
        if len(self._others) >= _AT_ONCE:
            self._look_up(self._others)
            self._others = []

    def findings(self, now: datetime) -> list[Finding]:
        """Give what was found, once every entry was taken.

        Args:
            now: the time of verification.

        Returns:
            The findings.
        """
        self._look_up(self._others)
        self._look_up(self._outcomes)
        self._found += self._left(to_millis(now))
        return self._found

    def _answer(self, key: EntryId, known: Known) -> None:
        intent = self._open.get(key)
        if intent is None:
            # An outcome of what is not open, or not yet: that is judged when all intents are known.
            (self._outcomes if known.kind == _OUTCOME else self._others).append(known)
            return
        self._found += _checked(known, intent)
        if known.kind == _OUTCOME:
            del self._open[key]

    def _look_up(self, answers: Collection[Known]) -> None:
        keys = {(each.tenant, each.re) for each in answers if each.re is not None}
        found = self._find(keys)
        stored = self._outcomes_of(keys) if self._outcomes_of is not None else None
        for each in answers:
            key = (each.tenant, each.re or b"")
            self._found += _checked(each, found.get(key))
            if each.kind != _OUTCOME:
                continue
            # One whose intent is there and not open had its outcome already.
            intent = key in found and found[key].send_by is not None
            if stored is None:
                ended = intent and key not in self._open
            else:
                ended = any(other.ordinal < each.ordinal for other in stored.get(key, ()))
            if key in self._ended or ended:
                self._found.append(extra(each.name, f"a second final outcome of entry {name_of(key[1])}"))
            self._ended.add(key)
            self._open.pop(key, None)

    def _left(self, now: int) -> Iterator[Finding]:
        for intent in self._open.values():
            until = time_of(intent.send_by)
            if until is not None and to_millis(until) < now:
                yield Finding(
                    kind="open",
                    where=intent.name,
                    expected=f"a final outcome after {to_text(until)}",
                    found="none",
                    cure="Run `consentgate reconcile`, once the request can no longer arrive.",
                )


def _checked(each: Known, answered: Known | None) -> Iterator[Finding]:
    if each.re is None or each.re_hash is None:
        return
    if answered is None:
        yield missing(f"{each.name}, re", f"entry {name_of(each.re)}")
    elif answered.hash != each.re_hash:
        yield altered(f"{each.name}, re", f"{each.re_hash.hex()}, the hash it answered", answered.hash.hex())
    elif answered.kind not in KINDS[each.kind].answers:
        yield altered(
            f"{each.name}, re",
            " or ".join(sorted(KINDS[each.kind].answers)),
            f"an entry of kind {answered.kind}",
        )
