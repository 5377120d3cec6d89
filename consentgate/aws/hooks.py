"""botocore's events of one client, turned into the gate's steps.

::

    provide-client-params   no presigned URL of a gated operation; allocate the intent, set the request token
    before-call             the one decision point: steps 1 to 4 on the request as it was serialised
    request-created         an attempt begins: it must have a permit and be the request that was decided on
    before-sign             no presigned URL that is made past the client's own method
    before-send             each attempt again: same bytes, permit still good
    response-received       how the attempt ended
    needs-retry             whether a throttled request is sent again
    after-call, -error      step 6; what no event tells of is recorded by `around`

What decides runs after every other handler, so that nobody changes what it saw; what records runs before every
other, so that none that raises keeps an outcome out of the ledger. Handlers return None always: botocore takes any
other value for new parameters or for a response. Behind all handlers stands the last look of `passage`.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from consentgate.aws.around import Around
from consentgate.aws.asking import Asking, token_of
from consentgate.aws.endings import answered, failed, fault_of, unread
from consentgate.aws.operations import GATED, SERVICES, Operation, carries_warning
from consentgate.aws.passage import (
    KEY,
    Passage,
    is_gated,
    permitted,
    require_same,
    stand_behind,
    used_up,
)
from consentgate.aws.retrying import Retrying
from consentgate.aws.standing import Manners, mark, stands
from consentgate.aws.vendor import ChimeVendor
from consentgate.aws.watched import Watch
from consentgate.errors import (
    ConsentDenied,
    ConsentWithdrawn,
    InvalidInput,
    OutcomeNotRecorded,
    PresignRefused,
)
from consentgate.gate.door import Gate
from consentgate.gate.outcomes import Attempt
from consentgate.gate.ports import Vendor
from consentgate.gate.request import GatedRequest, Permit
from consentgate.gate.resolve import Resolver
from consentgate.gate.retry import Retry
from consentgate.moment import Clock, Random
from consentgate.policy.reasons import reason

# Another handler answered in the vendor's place: nothing left.
_FOREIGN: Final = "AnsweredInProcess"


class Hooks:
    """The gate's handlers on one client."""

    def __init__(
        self,
        gate: Gate,
        client: Any,
        clock: Clock,
        random: Random,
        resolver: Resolver,
        retry: Retry,
        stop_within: float,
    ) -> None:
        model = getattr(getattr(client, "meta", None), "service_model", None)
        service = model.service_id.hyphenize() if model is not None else f"a {type(client).__name__}"
        if service not in SERVICES:
            known = " and ".join(sorted(SERVICES))
            raise InvalidInput(f"protect takes boto3 clients of {known}; this is {service}.")
        self._gate = gate
        self._service = service
        self._asking = Asking(client, service, retry)
        self._vendor = ChimeVendor(client, within=stop_within)
        self._clock = clock
        self._resolver = resolver
        self._retrying = Retrying(gate, client, retry, clock, random)
        self._around = Around(self._on_left)
        self._warned: dict[str, bool] = {}

    def register(self, client: Any, manners: Manners) -> Vendor | None:
        """Put the handlers and the last look in place, once however often it is called.

        Args:
            client: the client.
            manners: how it is asked for.

        Returns:
            What stops tasks through this client; None where the handlers stood already.

        Raises:
            InvalidInput: another gate is in this client already, or the same in other ways.
            Misconfigured: this botocore is not supported.
        """
        meta = client.meta
        if stands(meta, self._gate, manners, "client"):
            return None
        stand_behind(client)
        self._around.stand(client)
        mark(meta, self._gate, manners)
        deciding = {
            "provide-client-params": self._on_parameters,
            "before-call": self._on_call,
            "request-created": self._on_attempt,
            "before-sign": self._on_sign,
            "before-send": self._on_send,
            "needs-retry": self._retrying.on_end_of_attempt,
        }
        recording = {
            "response-received": self._on_received,
            "after-call": self._on_answer,
            "after-call-error": self._on_failure,
        }
        for event, handler in deciding.items():
            # After every handler of a service or operation.
            meta.events.register_last(event, handler, unique_id=f"consentgate-{event}")
        for event, recorder in recording.items():
            for service, name in GATED:
                if service == self._service:
                    # The full name runs before every handler of a service or of all.
                    full = f"{event}.{service}.{name}"
                    meta.events.register_first(full, recorder, unique_id=f"consentgate-{event}-{name}")
        Watch(self._gate, self._service).register(meta.events)
        return self._vendor

    def _on_parameters(self, params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        """Refuse presigned URLs, allocate the intent and set the request token in place."""
        operation = self._operation(model.name)
        if operation is None:
            self._refuse_unknown(model)
            return
        if context.get("is_presign_request"):
            raise PresignRefused
        try:
            intent = self._gate.new_intent()
        except Exception as error:
            raise ConsentDenied((reason("INTERNAL_ERROR"),), None) from error
        if operation.token is not None and not params.get(operation.token):
            params[operation.token] = token_of(intent)
        passage = context[KEY] = Passage(intent=intent)
        self._around.begins(passage)

    def _on_call(self, model: Any, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        """Decide on the serialised request; without a permit nothing goes on."""
        operation = self._operation(model.name)
        if operation is None:
            return
        passage = context.get(KEY)
        if not isinstance(passage, Passage):
            raise ConsentDenied((reason("NO_PERMIT"),), None)
        passage.url = str(params["url"])
        request: GatedRequest | None = None
        try:
            request, parameters = self._asking.read(operation, passage.intent, params)
            request = self._resolver.resolve(request, parameters)
        except ConsentDenied:
            raise
        except Exception as error:
            raise self._faulty(request) from error
        passage.permit = self._gate.begin(request)

    def _on_attempt(self, request: Any, operation_name: str, **_: Any) -> None:
        """Begin an attempt: it must be the request that was decided on."""
        if self._operation(operation_name) is None:
            return
        passage, _permit = permitted(getattr(request, "context", None))
        require_same(passage, request.method, request.url, request.data)
        passage.cleared, passage.left, passage.answer = False, False, None
        passage.attempts.append(Attempt(started_at=self._clock()))

    def _on_sign(self, request: Any, signature_version: Any, operation_name: str, **_: Any) -> None:
        """Refuse presigned URLs that somebody makes with the client's signer."""
        gated = self._operation(operation_name) is not None or is_gated(request.method, request.url)
        if gated and str(signature_version).endswith(("-query", "-presign-post")):
            raise PresignRefused

    def _on_send(self, request: Any, event_name: str, **_: Any) -> None:
        """Look at the prepared request a last time, and at the permit."""
        if self._operation(event_name.rpartition(".")[2]) is None:
            return
        passage, permit = permitted(getattr(request, "context", None))
        require_same(passage, request.method, request.url, request.body)
        self._gate.recheck(permit, first=len(passage.attempts) == 1)
        passage.cleared = True

    def _on_received(self, context: dict[str, Any], exception: BaseException | None, **_: Any) -> None:
        """Note how the attempt ended: as the network told, whatever other handlers made of the answer."""
        passage = context.get(KEY)
        if not isinstance(passage, Passage) or not passage.attempts:
            return
        begun = passage.attempts[-1]
        answer = passage.answer
        passage.attempts[-1] = Attempt(
            started_at=begun.started_at,
            ended_at=self._ended(begun),
            status=answer[0] if answer else None,
            fault=None if answer else fault_of(exception) if passage.left else "not_sent",
            cause="" if answer else type(exception).__name__ if exception else _FOREIGN,
        )

    def _ended(self, begun: Attempt) -> datetime:
        """When an attempt ended: a clock that fails must not make it look as if nothing had left."""
        try:
            return self._clock()
        except Exception:  # noqa: BLE001  # what came back counts, not when
            return begun.started_at

    def _on_answer(self, parsed: Any, model: Any, context: dict[str, Any], **_: Any) -> None:
        """Record the outcome of a request that was answered."""
        self._on_left(model.name, context.get(KEY), None, parsed)

    def _on_failure(
        self, exception: BaseException, context: dict[str, Any], event_name: str, **_: Any
    ) -> None:
        """Record the outcome of a request that got no answer, or of which botocore gave none back."""
        self._on_left(event_name.rpartition(".")[2], context.get(KEY), exception, None)

    def _on_left(self, name: str, passage: Any, error: BaseException | None, response: object) -> None:
        """Record the outcome, once: whoever asks first takes the permit away."""
        operation, permit = self._operation(name), used_up(passage)
        if operation is None or permit is None:
            return
        try:
            self._record(operation, passage, permit, error, response)
        except (ConsentWithdrawn, OutcomeNotRecorded):
            raise
        except (
            Exception
        ) as failure:  # a bug of ours before anything was kept: reconciling closes what stands open
            raise OutcomeNotRecorded(response, str(permit.entry)) from failure

    def _record(
        self,
        operation: Operation,
        passage: Passage,
        permit: Permit,
        error: BaseException | None,
        response: object,
    ) -> None:
        """Record what came back; an answer that we fail to read as it came, and nobody may use it."""
        try:
            exchange = failed(operation, passage, error) if error else answered(operation, passage, response)
        except Exception as failure:
            self._gate.finish(permit, unread(operation, passage), response, self._vendor)
            raise OutcomeNotRecorded(response, str(permit.entry)) from failure
        self._gate.finish(permit, exchange, response, self._vendor)

    def _faulty(self, request: GatedRequest | None) -> ConsentDenied:
        """A bug of ours before the decision: a denial, recorded as far as it is known of what."""
        try:
            if request is not None:
                self._gate.begin(replace(request, trouble="INTERNAL_ERROR"))
        except ConsentDenied as denied:
            return denied
        return ConsentDenied((reason("INTERNAL_ERROR"),), None)

    def _refuse_unknown(self, model: Any) -> None:
        """Refuse what carries the vendor's consent warning and is not in the table: botocore is newer than it."""
        warned = self._warned.get(model.name)
        if warned is None:
            warned = self._warned[model.name] = carries_warning(model.documentation or "")
        if warned:
            raise ConsentDenied((reason("OPERATION_NOT_SUPPORTED"),), None)

    def _operation(self, name: str) -> Operation | None:
        return GATED.get((self._service, name))
