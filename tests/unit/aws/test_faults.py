"""Which failures may be believed when they say that nothing was sent."""

import ssl

import pytest
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)
from urllib3.exceptions import SSLError as InnerSSLError

from consentgate.aws.endings import fault_of
from consentgate.errors import ConsentGateError, PresignRefused

URL = "https://voice.example"
UNTRUSTED = ssl.SSLCertVerificationError(1, "self-signed certificate")
BROKEN = ssl.SSLError(1, "decryption failed or bad record mac")


@pytest.mark.parametrize(
    "failure",
    [
        EndpointConnectionError(endpoint_url=URL, error="refused"),
        ConnectTimeoutError(endpoint_url=URL, error="slow"),
        ProxyConnectionError(proxy_url=URL, error="refused"),
        SSLError(endpoint_url=URL, error=InnerSSLError(UNTRUSTED)),
        SSLError(endpoint_url=URL, error=UNTRUSTED),
        PresignRefused(),
        ConsentGateError(),
    ],
)
def test_failure_before_a_byte_left_was_not_sent(failure: BaseException) -> None:
    assert fault_of(failure) == "not_sent"


@pytest.mark.parametrize(
    "failure",
    [
        ReadTimeoutError(endpoint_url=URL, error="slow"),
        ConnectionClosedError(endpoint_url=URL, error="reset"),
        SSLError(endpoint_url=URL, error=InnerSSLError(BROKEN)),
        SSLError(endpoint_url=URL, error=InnerSSLError()),
        RuntimeError("a handler of somebody else"),
        None,
    ],
)
def test_failure_that_may_come_after_the_request_is_lost(failure: BaseException | None) -> None:
    assert fault_of(failure) == "lost"
