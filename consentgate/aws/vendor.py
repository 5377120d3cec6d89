"""Stopping a task through the client that started it."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from consentgate.aws.operations import GATED
from consentgate.gate.request import GatedRequest

_GONE = frozenset({"NotFoundException", "GoneException"})


class ChimeVendor:
    """The gate's `Vendor` port on a boto3 client.

    Stop operations are never gated: a withdrawal must always be able to act.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def stop(self, request: GatedRequest, task: str) -> bool:
        """Stop a task at once.

        Args:
            request: the request that started the task.
            task: the task's id.

        Returns:
            Whether the vendor confirmed, or says that the task is gone.
        """
        stop = GATED[(request.service, request.operation)].stop
        if stop is None:
            return False
        method, parameters = stop(request.path, task)
        try:
            getattr(self._client, method)(**parameters)
        except ClientError as error:
            return error.response.get("Error", {}).get("Code") in _GONE
        except BotoCoreError:
            return False
        return True
