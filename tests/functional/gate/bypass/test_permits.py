"""A permit serves one request of one process, whoever gets hold of it."""

import copy
import os
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from consentgate import ConsentDenied
from tests.functional.gate.bypass.ground import Ground, Kept
from tests.functional.gate.bypass.ways import by_method


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, dict])
@pytest.mark.parametrize("when", ["before", "after"])
def test_permit_in_a_copied_context_serves_no_second_request(
    ground: Ground, copied: Callable[[Any], Any], when: str
) -> None:
    client, kept, copies = ground.client(), Kept(), list[Any]()
    client.meta.events.register_last("before-call", kept)
    client.meta.events.register_last(
        "request-created", lambda **_: copies.append(_copy(kept.context, copied))
    )
    sent, _ = ground.watch(lambda: by_method(client, ground.call(consent=True)))
    assert len(sent) == 1
    context = copies[0] if when == "before" else _copy(kept.context, copied)
    again, failure = ground.watch(
        lambda: client._endpoint.make_request(kept.model, {**kept.params, "context": context})
    )
    assert not again
    assert isinstance(failure, ConsentDenied)
    client.close()


def _copy(context: Any, copied: Callable[[Any], Any]) -> Any:
    # botocore's own members of the context cannot all be copied deeply.
    mine = {"consentgate": context["consentgate"]}
    return {**context, **copied(mine)}


def test_permit_goes_into_no_pickle(ground: Ground) -> None:
    client, kept, pickled = ground.client(), Kept(), list[str]()

    def attempt(**_: Any) -> None:
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(kept.context["consentgate"])
        pickled.append("tried")

    client.meta.events.register_last("before-call", kept)
    client.meta.events.register_last("request-created", attempt)
    ground.watch(lambda: by_method(client, ground.call(consent=True)))
    assert pickled
    client.close()


def test_second_request_of_a_used_permit_is_refused_while_other_threads_send(ground: Ground) -> None:
    client = ground.client()
    calls = [(ground.call(consent=i % 2 == 0), i % 2 == 0) for i in range(12)]

    def run(transaction: str) -> BaseException | None:
        try:
            by_method(client, transaction)
        except ConsentDenied as denied:
            return denied
        return None

    before = len(ground.world.server.requests)
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(run, [transaction for transaction, _ in calls]))
    sent = b"".join(r.body for r in ground.world.server.requests[before:])
    assert [result is None for result in results] == [consent for _, consent in calls]
    for transaction, consent in calls:
        assert sent.count(f'"{transaction}"'.encode()) == int(consent)
    client.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_forked_child_has_no_use_of_the_permit(ground: Ground) -> None:
    client, children = ground.client(), list[int]()

    def fork(**_: Any) -> None:
        children.append(os.fork())

    client.meta.events.register_last("before-call", fork)
    before, parent = len(ground.world.server.requests), os.getpid()
    try:
        by_method(client, ground.call(consent=True))
    except ConsentDenied as denied:
        if os.getpid() != parent:
            os._exit(7 if [r.code for r in denied.reasons] == ["NO_PERMIT"] else 8)
    finally:
        if os.getpid() != parent:
            os._exit(9)
    assert os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]) == 7
    assert len(ground.world.server.requests) == before + 1
    assert ground.world.ends()[-1] == "succeeded"
    client.close()
