"""Stopping a task through the client that started it."""

import threading
from typing import Any, Final

from botocore.exceptions import ClientError

from consentgate.aws.operations import GATED
from consentgate.gate.request import Started

STOP_SECONDS: Final = 5.0

_GONE = frozenset({"NotFoundException", "GoneException"})


class ChimeVendor:
    """The gate's `Vendor` port on a boto3 client.

    Stop operations are never gated: a withdrawal must always be able to act.
    """

    def __init__(self, client: Any, *, within: float = STOP_SECONDS) -> None:
        """Take a client in hand.

        Args:
            client: the client.
            within: how many seconds a stop may take; the client's own time-outs are often minutes.
        """
        self._client = client
        self._within = within

    def serves(self, started: Started) -> bool:
        """Tell whether this is where a task was started: the same service in the same region.

        Args:
            started: the task.

        Returns:
            Whether a stop would reach it.
        """
        meta = self._client.meta
        here = (meta.service_model.service_id.hyphenize(), meta.region_name)
        return here == (started.service, started.region)

    def stop(self, started: Started) -> bool:
        """Stop a task at once, within a bound.

        Args:
            started: the task.

        Returns:
            Whether the vendor confirmed, or says that the task is gone. A stop that outlasts the bound goes on by
            itself, and counts as not confirmed.
        """
        stop = GATED[(started.service, started.operation)].stop
        if stop is None:
            return False
        method, parameters = stop(started.path, started.task)
        confirmed: list[bool] = []
        # The client cannot be told to be quick for one call, and whoever waits here holds up a phone call.
        thread = threading.Thread(
            target=lambda: confirmed.append(self._confirmed(method, parameters)),
            name="consentgate-stop",
            daemon=True,
        )
        try:
            thread.start()
        except RuntimeError:
            # The system gives no thread: a stop that holds up its caller is better than none.
            return self._confirmed(method, parameters)
        thread.join(self._within)
        return confirmed == [True]

    def _confirmed(self, method: str, parameters: dict[str, str]) -> bool:
        try:
            getattr(self._client, method)(**parameters)
        except ClientError as error:
            return error.response.get("Error", {}).get("Code") in _GONE
        except Exception:  # noqa: BLE001  # botocore's, or another handler's: not confirmed, so the order stays open
            return False
        return True
