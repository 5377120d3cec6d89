r"""C2SP tlog-policy: which logs are trusted, and which witnesses have to have cosigned, as a text file.

Invariants: a group has only members that are defined above it, so that none holds itself; each name is a member at
most once and each key is one witness at most, so that nobody counts twice; there is exactly one quorum. A file that
breaks off is refused: each line ends with a line feed. Names are opaque bytes; text stands for them here, with
surrogates where they are not UTF-8.

    >>> decode(b"quorum none\n").met(())
    True
"""

import re
from collections.abc import Collection, Sequence
from typing import Final, TypeAlias, TypeVar

from consentgate.errors import InvalidInput, Malformed
from consentgate.tlog.cosignature import WitnessKey
from consentgate.tlog.notekey import NoteKey
from consentgate.values import dataclass

LIMIT: Final = 1 << 18

_NONE: Final = "none"
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,5}")
_BLANKS: Final = re.compile(r"[ \t]+")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyLog:
    """A log that is trusted.

    Attributes:
        key: its key, named like its origin.
        url: where it can be reached; what that means is the reader's matter.
    """

    key: NoteKey
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyWitness:
    """A witness.

    Attributes:
        name: what the file calls it.
        key: its key.
        url: where checkpoints are submitted.
    """

    name: str
    key: WitnessKey
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Some witnesses and groups, of which enough have to have cosigned.

    Attributes:
        name: what the file calls it.
        needed: how many of the members.
        members: names of witnesses and of groups above.
    """

    name: str
    needed: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What makes a checkpoint trusted; `decode` makes it.

    Attributes:
        logs: the trusted logs; empty where they are known from elsewhere.
        witnesses: all witnesses.
        groups: all groups, each after its members.
        quorum: the name of the witness or group that has to have cosigned, or None.
    """

    logs: tuple[PolicyLog, ...]
    witnesses: tuple[PolicyWitness, ...]
    groups: tuple[Group, ...]
    quorum: str | None

    @property
    def keys(self) -> tuple[WitnessKey, ...]:
        """The witnesses' keys."""
        return tuple(each.key for each in self.witnesses)

    def met(self, cosigned: Collection[WitnessKey]) -> bool:
        """Tell whether enough witnesses have cosigned.

        Args:
            cosigned: the keys whose cosignatures of one checkpoint were verified.

        Returns:
            Whether the quorum is met.
        """
        return self.quorum is None or self.quorum in self._satisfied(cosigned)

    def missing(self, cosigned: Collection[WitnessKey]) -> tuple[str, ...]:
        """Say what keeps the quorum from being met.

        Args:
            cosigned: the keys whose cosignatures of one checkpoint were verified.

        Returns:
            One clause for each group and witness that the quorum still lacks, from the quorum downwards; empty if
            it is met.
        """
        satisfied = self._satisfied(cosigned)
        groups = {each.name: each for each in self.groups}
        lacking = [] if self.quorum is None or self.quorum in satisfied else [self.quorum]
        clauses = []
        for name in lacking:
            group = groups.get(name)
            if group is None:
                clauses.append(f"witness {name!r} did not cosign")
                continue
            without = [each for each in group.members if each not in satisfied]
            has = len(group.members) - len(without)
            clauses.append(f"group {name!r} has {has} of the {group.needed} that it needs")
            lacking += without
        return tuple(clauses)

    def _satisfied(self, cosigned: Collection[WitnessKey]) -> set[str]:
        satisfied = {each.name for each in self.witnesses if each.key in cosigned}
        for group in self.groups:
            if sum(member in satisfied for member in group.members) >= group.needed:
                satisfied.add(group.name)
        return satisfied


def encode(policy: Policy) -> bytes:
    """Write a policy.

    Args:
        policy: the policy.

    Returns:
        The file: logs, witnesses, groups, quorum; thresholds as numbers.

    Raises:
        InvalidInput: no file could say it, or would be refused.
    """
    lines = [
        *(_line("log", each.key.vkey, url=each.url) for each in policy.logs),
        *(_line("witness", each.name, each.key.vkey, url=each.url) for each in policy.witnesses),
        *(_line("group", each.name, str(each.needed), *each.members) for each in policy.groups),
        _line("quorum", _NONE if policy.quorum is None else policy.quorum),
    ]
    try:
        data = "".join(lines).encode(errors="surrogateescape")
        if decode(data) != policy:
            raise InvalidInput("A name or URL of the policy is one that no policy file can say.")
    except (Malformed, UnicodeError) as problem:
        raise InvalidInput(f"The policy cannot be written: {problem}") from problem
    return data


def decode(data: bytes) -> Policy:
    """Read a policy.

    Args:
        data: the file.

    Returns:
        The policy.

    Raises:
        Malformed: it is not a policy; the message names the line.
    """
    if len(data) > LIMIT:
        raise Malformed(f"A policy is a file of at most {LIMIT} bytes.")
    *lines, rest = data.decode(errors="surrogateescape").split("\n")
    if rest:
        raise Malformed(f"Line {len(lines) + 1} of the policy does not end with a line feed: is it whole?")
    reader = _Reader()
    for number, line in enumerate(lines, 1):
        try:
            reader.line(line)
        except Malformed as problem:
            raise Malformed(f"Line {number} of the policy: {problem}") from problem
    return reader.policy()


_Quorum: TypeAlias = tuple[str | None]
_Seen = TypeVar("_Seen", str, bytes)


class _Reader:
    """What was read so far."""

    def __init__(self) -> None:
        self._logs: list[PolicyLog] = []
        self._witnesses: list[PolicyWitness] = []
        self._groups: list[Group] = []
        self._quorum: _Quorum | None = None
        self._names: set[str] = set()
        self._members: set[str] = set()
        self._log_keys: set[bytes] = set()
        self._witness_keys: set[bytes] = set()

    def line(self, line: str) -> None:
        if _CONTROL.search(line):
            raise Malformed("control characters other than tab and line feed cannot be here.")
        word, *words = _BLANKS.split(line.strip(" \t"))
        if word and not word.startswith("#"):
            self._item(word, words)

    def _item(self, word: str, words: Sequence[str]) -> None:
        if word == "log" and 1 <= len(words) <= 2:
            self._log(words[0], *words[1:])
        elif word == "witness" and 2 <= len(words) <= 3:
            self._witness(words[0], words[1], *words[2:])
        elif word == "group" and len(words) >= 3:
            self._group(words[0], words[1], tuple(words[2:]))
        elif word == "quorum" and len(words) == 1:
            self._set_quorum(words[0])
        elif word in _FORMS:
            raise Malformed(f"it should be: {_FORMS[word]}")
        else:
            raise Malformed(f"a line begins with {', '.join(_FORMS)} or #, not with {word!r}.")

    def policy(self) -> Policy:
        if self._quorum is None:
            raise Malformed("The policy has no quorum: add a line `quorum NAME`, or `quorum none`.")
        return Policy(
            logs=tuple(self._logs),
            witnesses=tuple(self._witnesses),
            groups=tuple(self._groups),
            quorum=self._quorum[0],
        )

    def _log(self, vkey: str, url: str | None = None) -> None:
        key = NoteKey.from_vkey(vkey)
        _once(key.public, self._log_keys, "the key of this log is that of another log above.")
        self._logs.append(PolicyLog(key=key, url=url))

    def _witness(self, name: str, vkey: str, url: str | None = None) -> None:
        key = WitnessKey.from_vkey(vkey)
        _once(key.public, self._witness_keys, "the key of this witness is that of another witness above.")
        self._define(name)
        self._witnesses.append(PolicyWitness(name=name, key=key, url=url))

    def _group(self, name: str, threshold: str, members: tuple[str, ...]) -> None:
        for member in members:
            if member not in self._names:
                raise Malformed(f"{member!r} is no witness or group that is defined above.")
            _once(member, self._members, f"{member!r} is a member already, and would count twice.")
        needed = {"all": len(members), "any": 1}.get(threshold, 0)
        if _NUMBER.fullmatch(threshold):
            needed = int(threshold)
        if not 1 <= needed <= len(members):
            raise Malformed(f"the threshold is all, any or a number from 1 to {len(members)}.")
        self._define(name)
        self._groups.append(Group(name=name, needed=needed, members=members))

    def _set_quorum(self, name: str) -> None:
        if self._quorum is not None:
            raise Malformed("there is a quorum above; a policy has one.")
        if name != _NONE and name not in self._names:
            raise Malformed(f"{name!r} is no witness or group that is defined above.")
        self._quorum = (None if name == _NONE else name,)

    def _define(self, name: str) -> None:
        if name == _NONE:
            raise Malformed("the name none is taken: it means that no witness is needed.")
        _once(name, self._names, f"{name!r} is the name of a witness or group above.")


_FORMS: Final = {
    "log": "log VKEY [URL]",
    "witness": "witness NAME VKEY [URL]",
    "group": "group NAME all|any|NUMBER MEMBER...",
    "quorum": "quorum NAME|none",
}


def _once(value: _Seen, seen: set[_Seen], refusal: str) -> None:
    if value in seen:
        raise Malformed(refusal)
    seen.add(value)


def _line(*words: str, url: str | None = None) -> str:
    return " ".join(words if url is None else (*words, url)) + "\n"
