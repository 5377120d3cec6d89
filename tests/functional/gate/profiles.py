"""Voice profiles as requests made them, written as the gate writes them: the vendor's side does not matter here."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from consentgate.canonical import b64
from consentgate.consent.reference import Reference
from consentgate.entries.leaf import Answer
from consentgate.ledger.book import Content
from consentgate.ledger.stops import order_stop
from consentgate.moment import to_text
from consentgate.storage import subjects
from tests.functional.gate.conftest import World

CALLER = Reference(kind="customer", value="1001")


def asked(
    world: World, operation: str, *, call: str = "transaction/tx-1", service: str = "chime-sdk-voice"
) -> Answer:
    """Write the intent of a request that makes or updates a profile, or of another one."""
    book = world.gate._parts.book
    request = {
        "service": service,
        "operation": operation,
        "method": "POST",
        "path": "/voice-profiles",
    }
    told: dict[str, Any] = {
        "decision": {
            "call": call,
            "action": "enrol",
            "references": [{"kind": CALLER.kind, "value": CALLER.value}],
        },
        "exchange": {**request, "query": "", "body": "", "region": "us-east-1"},
    }

    def write(connection: Connection) -> Answer:
        owner, at = book.vault.ensure(connection, CALLER), book.now()
        parts = [
            Content(name=f"{name}.0", data_key=owner.data_key, members=members)
            for name, members in told.items()
        ]
        done = book.write(connection, "intent", at, parts, [owner.id], decided_at=at, send_by=at)
        return Answer(id=done.id, h=done.hash)

    return world.gate._parts.database.write(write)


def answered(
    world: World, intent: Answer, profile: str, *, expires: datetime | None = None, readable: bool = True
) -> UUID:
    """Write the outcome that names the profile."""
    book = world.gate._parts.book
    shown = {"VoiceProfileId": profile} | ({"ExpirationTimestamp": to_text(expires)} if expires else {})
    body = b64(json.dumps({"VoiceProfile": shown}).encode()) if readable else "not base64!"
    members: dict[str, Any] = {
        "end": "succeeded",
        "attempts": [],
        "status": 201,
        "task": profile,
        "response": body,
    }

    def write(connection: Connection) -> UUID:
        owner = book.vault.ensure(connection, CALLER)
        part = Content(name="exchange.0", data_key=owner.data_key, members=members)
        about = [owner.id, book.vault.task_subjects(profile)[0]]
        return book.write(connection, "outcome", book.now(), [part], about, re=intent, end="succeeded").id

    return world.gate._parts.database.write(write)


def deleted(world: World, intent: Answer, *, end: str = "succeeded") -> None:
    """Write a stop order against the request, and what came of carrying it out."""
    book = world.gate._parts.book

    def write(connection: Connection) -> None:
        owner, at = book.vault.ensure(connection, CALLER), book.now()
        linked = subjects.entries_of(connection, book.tenant, [owner.id], ["intent"])
        found = next(each for each in linked if each.row.id == intent.id)
        order = order_stop(book, connection, at, found, owner, cause=intent.id)
        row = next(
            each.row
            for each in subjects.entries_of(connection, book.tenant, [owner.id], ["stop"])
            if each.row.id == order
        )
        members: dict[str, Any] = {"end": end, "stopped": end == "succeeded"}
        part = Content(name="exchange.0", data_key=owner.data_key, members=members)
        answer = Answer(id=row.id, h=row.hash)
        book.write(connection, "observation", at, [part], [owner.id], re=answer, end=end)

    world.gate._parts.database.write(write)


def deleted_by_the_backend(world: World, intent: Answer, *, operation: str = "DeleteVoiceProfile") -> None:
    """Write what a protected client leaves behind when the backend itself deletes something."""
    book = world.gate._parts.book
    members: dict[str, Any] = {
        "operation": operation,
        "service": "chime-sdk-voice",
        "status": 204,
        "response": "",
    }

    def write(connection: Connection) -> None:
        owner = book.vault.ensure(connection, CALLER)
        part = Content(name="exchange.0", data_key=owner.data_key, members=members)
        book.write(connection, "observation", book.now(), [part], [owner.id], re=intent, end="succeeded")

    world.gate._parts.database.write(write)
