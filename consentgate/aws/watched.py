"""The operations that are never gated and leave a trace: what shows a task, and what stops or deletes.

Invariant: nothing here raises into botocore: these operations go on whatever becomes of their trace.
"""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

from consentgate.aws.operations import PIPELINES, VOICE
from consentgate.aws.ours import is_ours
from consentgate.aws.taskstates import read_task
from consentgate.gate.door import Gate
from consentgate.gate.watching import Ended, quietly

SHOWING: Final = frozenset(
    (service, f"Get{noun}")
    for service in (VOICE, PIPELINES)
    for noun in ("SpeakerSearchTask", "VoiceToneAnalysisTask")
)
"""Operations whose answers show the state of a task."""

ENDING: Final = frozenset(
    {
        *((service, "StopSpeakerSearchTask") for service in (VOICE, PIPELINES)),
        *((service, "StopVoiceToneAnalysisTask") for service in (VOICE, PIPELINES)),
        (VOICE, "DeleteVoiceProfile"),
        (VOICE, "DeleteVoiceProfileDomain"),
    }
)
"""Operations that stop or delete what a gated operation started or made."""

_KEY: Final = "consentgate-watched"
# What is stopped or deleted is the last that the path names.
_LAST: Final = re.compile(r".*/([^/]+)", re.DOTALL)


class Watch:
    """The traces of one client."""

    def __init__(self, gate: Gate, service: str) -> None:
        """Take everything in hand.

        Args:
            gate: records them.
            service: botocore's service id in event names.
        """
        self._gate = gate
        self._service = service

    def register(self, events: Any) -> None:
        """Put the handlers in place.

        Args:
            events: the client's emitter.
        """
        for service, name in sorted(SHOWING | ENDING):
            if service != self._service:
                continue
            at = f"{service}.{name}"
            handlers = {"before-call": self._on_call, "after-call": self._on_answer}
            if (service, name) in ENDING:
                handlers["after-call-error"] = self._on_failure
            for event, handler in handlers.items():
                events.register_first(f"{event}.{at}", handler, unique_id=f"consentgate-watch-{event}-{name}")

    def _on_call(self, params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
        # A stop's path carries the query that makes it one.
        found = _LAST.fullmatch(str(params.get("url_path", "")).partition("?")[0])
        context[_KEY] = unquote(found.group(1)) if found else ""

    def _on_answer(
        self, http_response: Any, parsed: Any, model: Any, context: dict[str, Any], **_: Any
    ) -> None:
        if is_ours():
            return
        if (self._service, model.name) in SHOWING:
            quietly(model.name, lambda: self._see(http_response))
        else:
            quietly(model.name, lambda: self._answered(http_response, parsed, model.name, context))

    def _on_failure(
        self, exception: BaseException, context: dict[str, Any], event_name: str, **_: Any
    ) -> None:
        name = event_name.rpartition(".")[2]
        if is_ours():
            return
        quietly(name, lambda: self._audit(name, context, status=None, error=type(exception).__name__))

    def _see(self, http_response: Any) -> None:
        seen = read_task(_body(http_response), "get")
        if seen is not None:
            self._gate.see(self._service, seen)

    def _answered(self, http_response: Any, parsed: Any, name: str, context: Mapping[str, Any]) -> None:
        told = parsed if isinstance(parsed, Mapping) else {}
        self._audit(
            name,
            context,
            status=getattr(http_response, "status_code", None),
            request_id=_text(told, "ResponseMetadata", "RequestId"),
            error=_text(told, "Error", "Code"),
            body=_body(http_response),
        )

    def _audit(self, name: str, context: Mapping[str, Any], *, status: int | None, **told: Any) -> None:
        named = str(context.get(_KEY, ""))
        self._gate.audit(Ended(service=self._service, operation=name, id=named, status=status, **told))


def _body(http_response: Any) -> bytes:
    return bytes(getattr(http_response, "content", None) or b"")


def _text(told: Mapping[str, Any], member: str, name: str) -> str | None:
    members = told.get(member)
    found = members.get(name) if isinstance(members, Mapping) else None
    return found if isinstance(found, str) else None
