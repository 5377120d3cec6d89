"""Tokens from outside: signed by other software, taken in like our own."""

import json
from datetime import timedelta
from hashlib import sha256

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from consentgate.consent.details import NoticeRef
from consentgate.consent.statement import TYP, Statement, claims
from consentgate.crypto import jws
from consentgate.crypto.jwk import SigningKey, generate_signing_key
from consentgate.moment import uuid7_text
from tests.functional.gate.conftest import World

WEB = "https://web.acme.example"


def statement(world: World, *, text: bytes, ahead: float = 0.0) -> Statement:
    now = world.clock()
    return Statement(
        issuer=WEB,
        id=uuid7_text(now, world.gate._parts.book.random),
        issued_at=now,
        references=world.caller().known_as,
        state="ConsentGiven",
        event_time=now + timedelta(seconds=ahead),
        method="web_esign",
        consent_form="written_release",
        signature_kind="electronic",
        purposes=("authentication",),
        operations=("search",),
        controllers=("acme",),
        valid_until=now + timedelta(days=365),
        notice=NoticeRef(id="voiceprint", version="2026-02", language="en", digest=sha256(text).digest()),
    )


def signed(world: World, key: SigningKey, *, text: bytes, ahead: float = 0.0) -> str:
    return jws.sign(claims(statement(world, text=text, ahead=ahead)), key=key, typ=TYP)


def test_token_signed_by_pyjwt_lets_the_caller_be_searched(world: World) -> None:
    key = generate_signing_key()
    world.gate.add_issuer(WEB, name="Web", key=key.public)
    payload = json.loads(
        claims(statement(world, text=b"Acme makes a voiceprint to check that you are you, for two years."))
    )
    token = jwt.encode(
        payload,
        load_pem_private_key(key.pem(), password=None),  # type: ignore[arg-type]  # an Ed25519 key, as we made it
        algorithm="EdDSA",
        headers={"typ": TYP, "kid": key.public.kid},
    )
    assert world.gate.ingest(token).new
    world.register("tx-1", world.caller())
    world.search("tx-1")
    assert world.searches == 1
