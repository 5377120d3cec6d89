"""What a backend hands in: what is kept of it, and what is refused."""

from datetime import UTC, datetime
from typing import Any

import pytest

from consentgate import VendorRequest
from consentgate.errors import InvalidInput
from consentgate.gate.vendorrequest import MAX_KEPT, request_of


def test_bytes_and_json_are_what_an_engine_gets() -> None:
    for given, content in (
        (b"voice", b"voice"),
        (bytearray(b"voice"), b"voice"),
        ({"b": 1, "a": [0.5, None]}, b'{"b":1,"a":[0.5,null]}'),
        ([1], b"[1]"),
    ):
        request = request_of(given)
        assert request.content == content
        assert (request.service, request.method, request.path, request.query) == ("engine", "CALL", "", "")
    request = VendorRequest(body=b"voice")
    assert request_of(request) is request


def test_url_is_taken_apart() -> None:
    whole = VendorRequest(body=b"", url="https://voice.acme.example:8443/v1/a%20b?top=3&x=")
    assert (whole.service, whole.method, whole.path, whole.query) == (
        "voice.acme.example", "POST", "/v1/a%20b", "top=3&x=",
    )  # fmt: skip
    path = VendorRequest(body=b"", url="/v1/identify", service="acme", method="PUT")
    assert (path.service, path.method, path.path, path.query) == ("acme", "PUT", "/v1/identify", "")
    assert VendorRequest(body=b"", url="http://voice.acme.example").path == "/"
    assert "acme" not in repr(VendorRequest(body=b"secret", url="https://acme.example/?key=1", service="s"))


def test_times_are_whole_milliseconds() -> None:
    at = datetime(2026, 11, 22, 12, 0, 0, 1999, tzinfo=UTC)
    assert VendorRequest(body=b"", captured_at=at).captured_at == at.replace(microsecond=1000)


@pytest.mark.parametrize(
    "what",
    [
        {"url": "ftp://acme.example/v1"},
        {"url": "https://user:pass@acme.example/v1"},
        {"url": "https://acme.example/v1#part"},
        {"url": "https:///v1"},
        {"url": "https://acme.example:0/"},
        {"url": "https://acme.example:99999/"},
        {"url": "https://[::1/"},
        {"url": "//acme.example/v1"},
        {"url": "v1/identify"},
        {"url": ""},
        {"url": "/v1/a b"},
        {"url": "/v1/ä"},
        {"url": b"/v1"},
        {"service": "a" * 257},
        {"operation": "a\nb"},
        {"method": 7},
        {"token": "\ud800"},
        {"call": "x" * 257},
        {"leg": "Both"},
        {"keep": "nothing"},
        {"body": "text"},
        {"body": {"n": float("inf")}},
        {"body": {1, 2}},
        {"body": bytes(MAX_KEPT + 1)},
        {"captured_at": "2026-11-22"},
    ],
)
def test_what_cannot_be_kept_is_refused(what: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        VendorRequest(**{"body": b"", **what})


def test_large_body_is_taken_where_it_is_not_kept() -> None:
    assert len(VendorRequest(body=bytes(MAX_KEPT + 1), keep="digest").content) == MAX_KEPT + 1
