"""Asking for a task through a boto3 client: with its exact answer, and no longer than a bound."""

import threading
from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from consentgate.aws.operations import GATED
from consentgate.aws.ours import ours
from consentgate.aws.taskstates import read_task
from consentgate.errors import Unavailable
from consentgate.gate.progress import Progress
from consentgate.gate.request import Started

_MINE: Final = "consentgate-look"


class _Answer(threading.local):
    """What the last answer in this thread was, byte for byte."""

    body: bytes = b""


_ANSWER: Final = _Answer()


def look(client: Any, started: Started, *, within: float) -> Progress:
    """Ask for a task.

    Args:
        client: a boto3 client of the service.
        started: the task.
        within: how many seconds that may take; the client's own time-outs are often minutes.

    Returns:
        What the vendor says of it.

    Raises:
        Unavailable: it does not say so in time, or in a way that nobody can read.
    """
    asked = _question(started)
    if asked is None:
        raise Unavailable(f"There is nothing to ask for after {started.operation}.")
    found: list[Progress | Unavailable] = []
    thread = threading.Thread(target=lambda: found.append(_asked(client, *asked)), name=_MINE, daemon=True)
    try:
        thread.start()
    except RuntimeError as error:
        raise Unavailable("The system gives no thread to ask the vendor in.") from error
    thread.join(within)
    if not found:
        raise Unavailable(f"The vendor did not answer within {within:g} seconds; ask again.")
    answer = found[0]
    if isinstance(answer, Unavailable):
        raise answer
    return answer


def _question(started: Started) -> tuple[str, dict[str, Any]] | None:
    """What to call: whatever can be stopped can be asked for by the same names."""
    operation = GATED.get((started.service, started.operation))
    if operation is None or operation.stop is None:
        return None
    method, parameters = operation.stop(started.path, started.task)
    if not method.startswith("stop_"):
        return None
    return method.replace("stop_", "get_", 1), dict(parameters)


def _asked(client: Any, method: str, parameters: Mapping[str, Any]) -> Progress | Unavailable:
    try:
        client.meta.events.register_first("after-call", _keep, unique_id=_MINE)
        with ours():
            getattr(client, method)(**_completed(client, method, parameters))
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        told = code if code.isascii() and code.isprintable() and code else "an error"
        return Unavailable(f"The vendor answered {told[:64]} when it was asked for the task.")
    except Exception as error:  # noqa: BLE001  # botocore's, or another handler's: the caller learns what it was
        return Unavailable(f"The vendor could not be asked: {type(error).__name__}.")
    return read_task(_ANSWER.body, "poll") or Unavailable(
        "The vendor's answer shows no task that can be read."
    )


def _completed(client: Any, method: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Add what only asking needs: a tone analysis is asked for by its leg, and the task is one."""
    name = client.meta.method_to_api_mapping[method]
    shape = client.meta.service_model.operation_model(name).input_shape
    needed = {"IsCaller": True} if "IsCaller" in shape.members else {}
    return {**needed, **parameters}


def _keep(http_response: Any = None, **_: Any) -> None:
    _ANSWER.body = bytes(getattr(http_response, "content", None) or b"")
