"""Scenario files: YAML or JSON, read strictly, and decided one by one.

YAML is read like JSON: no tags, no name twice, names are texts, and no deeper than 32 levels. Anchors save writing
the same notice ten times; they are not unfolded, so that a few lines never become more than a machine holds.

Invariants: whatever the bytes hold, only `InvalidInput` leaves this module for a file that cannot be used, and it
names file, line or scenario; a file is answered whole or not at all.
"""

from collections.abc import Mapping
from typing import Any, Final

from consentgate import canonical
from consentgate.errors import InvalidInput, Malformed
from consentgate.packs.packset import PackSet
from consentgate.policy.scenario import Result, evaluate
from consentgate.values import dataclass

LIMIT: Final = 8 << 20
_MAX_DEPTH: Final = 32
_TEXT: Final = "tag:yaml.org,2002:str"
_MERGE: Final = "tag:yaml.org,2002:merge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One scenario of a file.

    Attributes:
        id: its id, of which the file has no second.
        file: the file's name.
        members: the scenario as the file has it.
    """

    id: str
    file: str
    members: Mapping[str, Any]

    @property
    def title(self) -> str:
        """What it is about, as far as it says so."""
        title = self.members.get("title")
        return title if isinstance(title, str) else ""

    @property
    def expected(self) -> Mapping[str, Any]:
        """What it expects; empty where it expects nothing."""
        return self.members.get("expect") or {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A scenario and what the engine says to it.

    Attributes:
        scenario: the scenario.
        result: the result.
    """

    scenario: Scenario
    result: Result


def answer(scenario: Scenario, packs: PackSet) -> Answer:
    """Decide a scenario.

    Args:
        scenario: the scenario.
        packs: the rules.

    Returns:
        The answer.

    Raises:
        InvalidInput: the scenario cannot be read; the message names file, scenario and field.
        PackInvalid: a pack that applies cannot be used.
    """
    try:
        return Answer(scenario=scenario, result=evaluate(scenario.members, packs))
    except InvalidInput as error:
        raise InvalidInput(f"{scenario.file}: scenario {scenario.id}: {error}") from error


def read_scenarios(data: bytes, file: str) -> tuple[Scenario, ...]:
    """Read a scenario file.

    Args:
        data: its bytes.
        file: its name, for messages.

    Returns:
        Its scenarios, in order; at least one.

    Raises:
        InvalidInput: it is no scenario file.
    """
    whole = _parsed(data, file)
    if not isinstance(whole, dict) or not isinstance(whole.get("scenarios"), list):
        raise InvalidInput(f"{file}: a scenario file is an object with a list of `scenarios`.")
    if whole.get("schema_version", 1) != 1:
        raise InvalidInput(f"{file}: schema_version is 1; this program reads no other.")
    found = tuple(_scenario(item, i, file) for i, item in enumerate(whole["scenarios"]))
    if not found:
        raise InvalidInput(f"{file}: there is no scenario in it.")
    seen: set[str] = set()
    for each in found:
        if each.id in seen:
            raise InvalidInput(f"{file}: two scenarios have the id {each.id}; give each its own.")
        seen.add(each.id)
    return found


def chosen(scenarios: tuple[Scenario, ...], ids: tuple[str, ...]) -> tuple[Scenario, ...]:
    """Choose scenarios by id.

    Args:
        scenarios: those of a file.
        ids: the ids; none chooses all.

    Returns:
        The scenarios that were asked for, in the order of the file.

    Raises:
        InvalidInput: the file has no scenario of that id.
    """
    known = {each.id for each in scenarios}
    for each in ids:
        if each not in known:
            raise InvalidInput(f"There is no scenario {each} in {scenarios[0].file}.")
    return tuple(each for each in scenarios if not ids or each.id in ids)


def _scenario(item: object, i: int, file: str) -> Scenario:
    if not isinstance(item, dict):
        raise InvalidInput(f"{file}: scenarios[{i}] is not an object.")
    name = item.get("id")
    if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= 128:
        raise InvalidInput(f"{file}: scenarios[{i}].id is not a short text.")
    return Scenario(id=name, file=file, members=item)


def _parsed(data: bytes, file: str) -> object:
    if len(data) > LIMIT:
        raise InvalidInput(f"{file} is larger than {LIMIT} bytes: it is not what it should be.")
    if file.lower().endswith(".json") or data[:1] == b"{":
        try:
            return canonical.decode(data, limit=LIMIT, floats=True)
        except Malformed as error:
            raise InvalidInput(f"{file} cannot be used: {error}") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{file} is not UTF-8.") from error
    return _yaml(text, file)


def _yaml(text: str, file: str) -> object:
    # Read by nothing else, and 20 ms to import.
    import yaml

    kind: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        # Bounded first, so that nothing below meets more than it can hold.
        _check_events(yaml.parse(text, Loader=kind), file)
        loader = kind(text)
        try:
            node = loader.get_single_node()
            if node is not None:
                _check_names(node, file)
            return None if node is None else loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        marked = getattr(error, "problem_mark", None)
        line = f", line {marked.line + 1}" if marked is not None else ""
        raise InvalidInput(f"{file}{line}: this is not YAML.") from error
    except InvalidInput:
        raise
    except ValueError as error:  # a date such as 2026-13-45, or a number of thousands of digits
        raise InvalidInput(f"{file}: a date or number in it is none; put texts in quotes.") from error


def _check_events(events: Any, file: str) -> None:
    import yaml

    depth = 0
    for event in events:
        trouble = ""
        if getattr(event, "tag", None) is not None:
            trouble = "leave out the tag"
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _MAX_DEPTH:
            trouble = f"it is nested deeper than {_MAX_DEPTH} levels"
        if trouble:
            raise InvalidInput(f"{file}, line {event.start_mark.line + 1}: {trouble}.")


def _check_names(node: Any, file: str) -> None:
    import yaml

    waiting, seen = [node], set()
    while waiting:
        each = waiting.pop()
        if each in seen:
            continue
        seen.add(each)
        if isinstance(each, yaml.SequenceNode):
            waiting += each.value
        elif isinstance(each, yaml.MappingNode):
            names = set()
            for name, value in each.value:
                where = f"{file}, line {name.start_mark.line + 1}"
                if name.tag == _MERGE:
                    raise InvalidInput(f"{where}: write out what << would merge.")
                if name.tag != _TEXT:
                    raise InvalidInput(f"{where}: put this name in quotes; YAML takes it for no text.")
                if name.value in names:
                    raise InvalidInput(f"{where}: this name stands here twice.")
                names.add(name.value)
                waiting.append(value)
