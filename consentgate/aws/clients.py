"""Clients for whoever carries stop orders out without being the process that searches.

Invariant: they are asked to stop, to delete and to look, never for anything that is gated.
"""

from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from consentgate.aws.operations import SERVICES
from consentgate.aws.vendor import ChimeVendor
from consentgate.errors import Unavailable
from consentgate.gate.ports import Told
from consentgate.gate.progress import Progress
from consentgate.gate.request import Started


class OwnClients:
    """The gate's `Vendor` port on clients of its own: one for each service and region, made when it is needed.

    Credentials and endpoints are those of the environment, as boto3 finds them.
    """

    def __init__(self, *, connect: float, read: float, within: float, session: Any = None) -> None:
        """Make none yet.

        Args:
            connect: how long connecting may take, in seconds.
            read: how long an answer may take, in seconds.
            within: how long a stop, or a look, may take as a whole, in seconds.
            session: the boto3 session that makes them; by default a new one.
        """
        # One try within the bound of a stop: trying again is the worker's.
        self._config = Config(connect_timeout=connect, read_timeout=read, retries={"total_max_attempts": 1})
        self._within = within
        self._session = session
        self._clients: dict[tuple[str, str], Any] = {}

    def serves(self, started: Started) -> bool:
        """Tell whether a client for this can be made.

        Args:
            started: the task, or the voice profile.

        Returns:
            Whether the service is one of the vendor's, and the region is known.
        """
        return started.service in SERVICES and started.region is not None

    def stop(self, started: Started) -> bool:
        """Stop a task, or delete a voice profile, at once, within a bound.

        Args:
            started: the task, or the voice profile.

        Returns:
            Whether the vendor confirmed, or says that it is gone.
        """
        return self.carry_out(started).confirmed

    def carry_out(self, started: Started) -> Told:
        """Do the same, and say what the vendor said.

        Args:
            started: the task, or the voice profile.

        Returns:
            What came of it.
        """
        try:
            client = self._client(started.service, started.region or "")
        except (BotoCoreError, ValueError) as error:
            # No such region, half of a pair of keys: somebody has to mend the environment.
            return Told(confirmed=False, said=type(error).__name__)
        return ChimeVendor(client, within=self._within).carry_out(started)

    def look(self, started: Started) -> Progress:
        """Ask how a task goes, within the same bound.

        Args:
            started: the task.

        Returns:
            What the vendor says.

        Raises:
            Unavailable: it did not say, or no client can be made.
        """
        try:
            client = self._client(started.service, started.region or "")
        except (BotoCoreError, ValueError) as error:
            raise Unavailable(f"The vendor cannot be asked: {type(error).__name__}.") from error
        return ChimeVendor(client, within=self._within).look(started)

    def close(self) -> None:
        """Close every client."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()

    def _client(self, service: str, region: str) -> Any:
        found = self._clients.get((service, region))
        if found is None:
            self._session = self._session or boto3.Session()
            found = self._session.client(service, region_name=region, config=self._config)
            self._clients[service, region] = found
        return found
