"""What the parts of outcomes and observations hold: what came back, attempt by attempt, and the exact answer.

Everything here lies sealed, one copy under the key of each speaker. Results name other people: their exact
bytes lie apart, under a key of the month.
"""

from collections.abc import Mapping

from consentgate import canonical
from consentgate.canonical import Json
from consentgate.errors import Malformed
from consentgate.gate.context import GateContext
from consentgate.gate.outcomes import Attempt, End
from consentgate.gate.request import Ending, Exchange
from consentgate.ledger.book import Content
from consentgate.ledger.vault import Subject, month_key
from consentgate.moment import to_text


def answer_contents(ending: Ending, matches: Subject | None) -> list[Content]:
    """Give the parts of an outcome or observation.

    Args:
        ending: what is to be recorded.
        matches: the key of the month for results; without one their digest is all that is kept of them.

    Returns:
        ``exchange.i`` for each speaker, and ``matches.0`` where the answer carries results; ``body.0`` where it is
        about nobody.
    """
    exchange = ending.exchange
    members = exchange_members(exchange, ending.end)
    if ending.shadow:
        members["shadow"] = True
    if ending.reconciled:
        members["reconciled"] = ending.reconciled
    if not ending.about:
        # About nobody: one part, under the tenant's own key.
        told: dict[str, Json] = {"exchange": members}
        return [Content(name="body.0", data_key=owner.data_key, members=told) for owner in ending.owners]
    contents = [
        Content(name=f"exchange.{i}", data_key=owner.data_key, members=members)
        for i, owner in zip(ending.places or range(len(ending.owners)), ending.owners, strict=True)
    ]
    if exchange.results and exchange.body is not None:
        # Results name other people: their exact bytes lie under a key of the month, not under the speaker's.
        if matches is None:
            return contents
        answer: dict[str, Json] = {"response": canonical.b64(exchange.body)}
        contents.append(Content(name="matches.0", data_key=matches.data_key, members=answer))
    return contents


def matches_key(gate: GateContext, ending: Ending) -> Subject | None:
    """Have the key ready under which results are sealed, before the outcome's own transaction.

    Args:
        gate: the gate.
        ending: what is to be recorded.

    Returns:
        The month's key, or None: there are no results, or it is damaged, which must not cost the outcome.

    Raises:
        Unavailable: the database or the wrapping key is out of reach.
    """
    if not ending.exchange.results or ending.exchange.body is None:
        return None
    return results_key(gate)


def results_key(gate: GateContext) -> Subject | None:
    """Have the month's key ready under which results are sealed.

    Args:
        gate: the gate.

    Returns:
        The key, or None: it is damaged, which must not cost what the results came with.

    Raises:
        Unavailable: the database or the wrapping key is out of reach.
    """
    name = month_key("matches", gate.book.now())
    kept = gate.months.get(name)
    if kept is None:
        try:
            kept = gate.database.write(lambda connection: gate.book.vault.ensure_key(connection, name))
        except Malformed:
            return None
        gate.months[name] = kept
    return kept


def exchange_members(exchange: Exchange, end: End) -> dict[str, Json]:
    """Give the stored form of what came back.

    Args:
        exchange: what came back.
        end: how the request ended.

    Returns:
        Canonical JSON members: the exact answer, or its SHA-256 and its members other than the results.
    """
    members: dict[str, Json] = {"end": end, "attempts": [_attempt(a) for a in exchange.attempts]}
    told: dict[str, Json] = {
        "status": exchange.status,
        "request_id": exchange.request_id,
        "task": exchange.task,
        "error": exchange.error,
    }
    members |= {name: value for name, value in told.items() if value is not None}
    if exchange.body is not None and exchange.results:
        members["response_sha256"] = canonical.b64(exchange.digest)
        members["summary"] = exchange.summary
    elif exchange.body is not None:
        members["response"] = canonical.b64(exchange.body)
    return members


def _attempt(attempt: Attempt) -> Mapping[str, Json]:
    members: dict[str, Json] = {"started_at": to_text(attempt.started_at)}
    if attempt.ended_at is not None:
        members["ended_at"] = to_text(attempt.ended_at)
    if attempt.status is not None:
        members["status"] = attempt.status
    if attempt.fault is not None:
        members["fault"] = attempt.fault
        members["cause"] = attempt.cause
    return members
