"""Stopping a task, or deleting a voice profile, through a boto3 client.

Invariant: what the vendor says is not there, or has ended, counts as done: it may be tried as often as one likes.
"""

import threading
from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from consentgate.aws.looking import look
from consentgate.aws.operations import GATED
from consentgate.aws.ours import ours
from consentgate.gate.ports import Told
from consentgate.gate.progress import Progress
from consentgate.gate.request import Started
from consentgate.ledger.progress import ENDED

NO_ANSWER: Final = "no answer"

_GONE = frozenset({"NotFoundException", "GoneException"})
_PERHAPS_ENDED = frozenset({"ConflictException", "UnprocessableEntityException"})


class ChimeVendor:
    """The gate's `Vendor` port on a boto3 client.

    Stop and delete operations are never gated: a withdrawal must always be able to act.
    """

    def __init__(self, client: Any, *, within: float) -> None:
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
        return self.carry_out(started).confirmed

    def carry_out(self, started: Started) -> Told:
        """Do the same, and say what the vendor said; what was made is deleted.

        Args:
            started: the task, or the voice profile.

        Returns:
            What came of it.
        """
        stop = GATED[(started.service, started.operation)].stop
        if stop is None:
            return Told(confirmed=False, said="nothing to stop")
        method, parameters = stop(started.path, started.task)
        told: list[Told] = []
        # The client cannot be told to be quick for one call, and whoever waits here holds up a phone call.
        thread = threading.Thread(
            target=lambda: told.append(self._asked(method, parameters)),
            name="consentgate-stop",
            daemon=True,
        )
        try:
            thread.start()
        except RuntimeError:
            # The system gives no thread: a stop that holds up its caller is better than none.
            return self._asked(method, parameters)
        thread.join(self._within)
        return told[0] if told else Told(confirmed=False, said=NO_ANSWER)

    def look(self, started: Started) -> Progress:
        """Ask how a task goes, within the same bound.

        Args:
            started: the task.

        Returns:
            What the vendor says.

        Raises:
            Unavailable: it did not say.
        """
        return look(self._client, started, within=self._within)

    def _asked(self, method: str, parameters: Mapping[str, str]) -> Told:
        try:
            with ours():
                getattr(self._client, method)(**parameters)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code") or "")
            if code in _GONE:
                return Told(confirmed=True, said="gone")
            if code in _PERHAPS_ENDED and self._has_ended(method, parameters):
                return Told(confirmed=True, said="ended")
            return Told(confirmed=False, said=code if code.isascii() and code.isprintable() else "")
        except Exception as error:  # noqa: BLE001  # botocore's, or another handler's: not confirmed, so the order stays open
            return Told(confirmed=False, said=NO_ANSWER if isinstance(error, BotoCoreError) else "")
        return Told(confirmed=True, said="deleted" if method.startswith("delete_") else "stopped")

    def _has_ended(self, method: str, parameters: Mapping[str, str]) -> bool:
        """Whether a task that cannot be stopped has ended by itself: only the vendor's own word for it counts."""
        get = getattr(self._client, method.replace("stop_", "get_", 1), None)
        if get is None or not method.startswith("stop_"):
            return False
        try:
            with ours():
                answer = get(**parameters)
        except Exception:  # noqa: BLE001  # nobody knows: the order stays open
            return False
        found = [task for task in answer.values() if isinstance(task, dict)]
        statuses = [value for task in found for name, value in task.items() if name.endswith("TaskStatus")]
        return any(status in ENDED for status in statuses)
