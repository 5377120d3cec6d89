"""One deployment for the whole matrix, and a second server that nobody may reach."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from consentgate import canonical
from consentgate.errors import ConsentGateError
from consentgate.ledger.book import open_parts
from consentgate.storage import entries, subjects
from consentgate.testing.chime import ChimeServer, SeenRequest
from consentgate.testing.client import client_settings
from tests.functional.gate.bypass.tampering import TAMPERINGS
from tests.functional.gate.conftest import World


@dataclass
class Ground:
    """One deployment for the whole matrix, and a second server that nobody may reach."""

    world: World
    elsewhere: ChimeServer
    session: Any
    sent: list[SeenRequest] = field(default_factory=list)
    calls: int = 0

    def client(self, tampering: str = "nothing") -> Any:
        """A fresh protected client, tampered with."""
        made = self.session.client("chime-sdk-voice", **client_settings(self.world.server.url))
        client = self.world.gate.protect(made)
        TAMPERINGS[tampering][0](client, self.elsewhere.url)
        return client

    def call(self, *, consent: bool) -> str:
        """A fresh call of somebody with or without consent."""
        self.calls += 1
        # The service takes so many searches at a time; those of the calls before are over.
        searches: Any = self.world.server._behaviours["chime-sdk-voice"]
        searches.searches._tasks.clear()
        transaction = f"tx-{self.calls:04}"
        self.world.register(transaction, self.world.caller("with" if consent else "without"))
        return transaction

    def watch(self, act: Callable[[], object]) -> tuple[list[SeenRequest], BaseException | None]:
        """Do something; give what reached the server, and the failure."""
        before, failure = len(self.world.server.requests), None
        try:
            act()
        except (ConsentGateError, BotoCoreError, ClientError, AttributeError, TypeError, ValueError) as error:
            failure = error
        assert not self.elsewhere.requests
        return list(self.world.server.requests[before:]), failure

    def decided_on(self, sent: list[SeenRequest], transaction: str) -> bool:
        """Tell whether each of these is, byte for byte, what the newest intent says, about this call."""
        if not sent:
            return True
        parts = self.world.gate._parts
        with parts.database.read() as connection:
            row = entries.of_kind(connection, parts.book.tenant, "intent")[-1]
            linked = subjects.subjects_of(connection, parts.book.tenant, [row.id])[row.id]
            keys = list(parts.book.vault.data_keys(connection, linked).values())
        told: Any = dict(open_parts(row, keys))["exchange.0"]
        decided = (told["method"], told["path"], told["query"], canonical.unb64(told["body"]))
        named = f'"TransactionId": "{transaction}"'.encode()
        return all((r.method, r.path, r.query, r.body) == decided and named in r.body for r in sent)


@dataclass
class Kept:
    """What botocore handed from event to event in one call."""

    model: Any = None
    params: Any = None
    context: Any = None

    def __call__(self, model: Any, params: Any, context: Any, **_: Any) -> None:
        self.model, self.params, self.context = model, params, context
