"""What an operation of the table consists of, and how serialised requests and answers are read.

Invariants: a request that cannot be read, or that says something which cannot be gated, is trouble, never a guess;
an answer is taken as it comes, since a number too large for us must not cost us the id of what was started.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any, Final
from urllib.parse import unquote

from consentgate import canonical
from consentgate.canonical import Json
from consentgate.consent.details import CallContext
from consentgate.errors import Malformed
from consentgate.gate.request import About, Leg
from consentgate.values import dataclass

VOICE: Final = "chime-sdk-voice"
PIPELINES: Final = "chime-sdk-media-pipelines"

_DEEPEST: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """A request as botocore serialised it.

    Attributes:
        method: HTTP method.
        path: URL path, percent-encoded.
        query: URL query without the question mark.
        body: exact bytes of the body.
    """

    method: str
    path: str = field(repr=False)
    query: str = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressed:
    """Whom a request is about.

    Attributes:
        call: the ledger's name of the call, or None.
        context: the call as grants name it, without the leg, or None.
        leg: the leg, or None for both.
        token: the client request token on the wire, or None.
        about: what tells who the speakers are: the call, the record of a task, or nothing, where it is about nobody.
        task: the task whose record tells it, or None.
        made: id of what was made before and is changed by it, or None.
        dated: whether it names where recorded audio begins, which is earlier than the request.
        trouble: code of a gate reason when the request says something that cannot be gated.
        parameters: what the request says, by the vendor's names, as the backend's resolver is told.
    """

    call: str | None = field(default=None, repr=False)
    context: CallContext | None = field(default=None, repr=False)
    leg: Leg | None = None
    token: str | None = field(default=None, repr=False)
    about: About = "call"
    task: str | None = field(default=None, repr=False)
    made: str | None = field(default=None, repr=False)
    dated: bool = False
    trouble: str | None = None
    parameters: Mapping[str, Json] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an answer says, as far as the audit needs it.

    Attributes:
        task: id of what was started or made, or None.
        results: whether it carries results, which name other people.
        summary: its members other than the results, as canonical JSON values.
    """

    task: str | None = field(repr=False)
    results: bool
    summary: Mapping[str, Json] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One gated operation.

    Attributes:
        service: botocore's service id in event names.
        name: the operation's name in the service model.
        action: the policy engine's word for what it does.
        address: reads the serialised request.
        answer: reads the bytes of a successful answer.
        stop: the client method that stops or undoes what was started, with its parameters from path and id.
        token: name of the parameter that carries the client request token, or None where there is none.
        changes: whether it changes what was there before: then only a stop order undoes it, never a lost outcome.
    """

    service: str
    name: str
    action: str
    address: Callable[[Wire], Addressed]
    answer: Callable[[bytes], Answer]
    stop: Callable[[str, str], tuple[str, dict[str, str]]] | None = None
    token: str | None = None
    changes: bool = False


UNREADABLE: Final = Addressed(trouble="REQUEST_UNREADABLE")


def fields(wire: Wire, method: str, path: re.Pattern[str], query: str = "") -> Mapping[str, Any] | None:
    """Read a request of one operation.

    Args:
        wire: the request.
        method: the operation's HTTP method.
        path: its path, with a named group for each parameter that stands there.
        query: its query.

    Returns:
        The parameters of body and path by the vendor's names, or None where it is none of the operation: another
        method would be another operation.
    """
    found = path.fullmatch(wire.path)
    try:
        body = canonical.decode(wire.body, floats=True)
    except Malformed:
        return None
    if not isinstance(body, Mapping) or found is None or (wire.method, wire.query) != (method, query):
        return None
    return {**body, **{name: unquote(value) for name, value in found.groupdict().items()}}


def member(path: str, pattern: re.Pattern[str], name: str) -> str:
    """Read one parameter of a stored request's path.

    Args:
        path: the path, percent-encoded.
        pattern: the operation's path, with named groups.
        name: the group.

    Returns:
        The parameter, empty where the path is another one.
    """
    found = pattern.fullmatch(path)
    return unquote(found.group(name)) if found else ""


def answered(body: bytes, noun: str, *, results: str = "") -> Answer:
    """Read an answer that describes one thing.

    Args:
        body: the answer's bytes.
        noun: the thing, for example ``SpeakerSearchTask``; its id is called the same with ``Id`` behind.
        results: the member that may hold results, if the thing has one.

    Returns:
        What it says. An answer that cannot be read may hold results.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return Answer(task=None, results=True, summary={})
    thing = document.get(noun) if isinstance(document, dict) else None
    if not isinstance(thing, dict):
        return Answer(task=None, results=True, summary={})
    details = thing.get(results) if results else None
    kept: dict[str, Json] = dict(thing)
    if isinstance(details, dict):
        kept[results] = {k: v for k, v in details.items() if k != "Results"}
    summary = plain(kept)
    return Answer(
        task=text(thing.get(f"{noun}Id")),
        results=isinstance(details, dict) and bool(details.get("Results")),
        summary=summary if isinstance(summary, Mapping) else {},
    )


def text(value: object) -> str | None:
    """Take a text.

    Args:
        value: anything.

    Returns:
        It as valid Unicode, or None where it is no text or an empty one.
    """
    return _unicode(value) if isinstance(value, str) and value else None


def plain(value: Json, depth: int = 0) -> Json:
    """Make a foreign value one that canonical JSON takes: what cannot be is written as text, or left out.

    Args:
        value: as `json` read it.
        depth: how deep it lies.

    Returns:
        The value to keep.
    """
    if isinstance(value, float) or (isinstance(value, int) and abs(value) > canonical.MAX_INTEGER):
        return repr(value)
    if isinstance(value, str):
        return _unicode(value)
    if depth == _DEEPEST:
        return None
    if isinstance(value, (list, tuple)):
        return [plain(item, depth + 1) for item in value]
    if isinstance(value, Mapping):
        # A name outside printable ASCII cannot be a member of the model; it is not worth losing the rest.
        return {k: plain(v, depth + 1) for k, v in value.items() if k.isascii() and k.isprintable()}
    return value


def _unicode(value: str) -> str:
    return value.encode("utf-8", "replace").decode()
