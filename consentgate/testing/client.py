"""boto3 clients that can reach one address only.

Credentials, region, retries and proxies are given, so that neither the environment, nor a file of the user,
nor the metadata service of a cloud machine has a say.
"""

import os
from collections.abc import Mapping
from functools import cache
from threading import Lock
from typing import Any, Final

import boto3
import botocore.session
from botocore.config import Config
from botocore.loaders import Loader

REGION: Final = "us-east-1"
CONNECT_SECONDS: Final = 2
READ_SECONDS: Final = 10

_MAKING: Final = Lock()


def client_settings(
    url: str, *, retries: Mapping[str, Any] | None = None, read_seconds: float = READ_SECONDS
) -> dict[str, Any]:
    """Say how `boto3.client` reaches a server of this machine.

    Args:
        url: the server's address.
        retries: botocore's `retries` setting, or None for its mode ``standard``, which older versions do not
            choose by themselves.
        read_seconds: how long to wait for an answer.

    Returns:
        Keyword arguments, with credentials that open nothing.
    """
    settings: Any = {
        "connect_timeout": CONNECT_SECONDS,
        "read_timeout": read_seconds,
        "proxies": {},
        "retries": {"mode": "standard"} if retries is None else dict(retries),
    }
    return {
        "region_name": REGION,
        "endpoint_url": url,
        "aws_access_key_id": "testing",
        "aws_secret_access_key": "testing",
        "config": Config(**settings),
    }


def loopback_client(
    service: str, url: str, *, retries: Mapping[str, Any] | None = None, read_seconds: float = READ_SECONDS
) -> Any:
    """Make a boto3 client for a server of this machine.

    Args:
        service: the service's name in botocore.
        url: the server's address.
        retries: botocore's `retries` setting, or None for its mode ``standard``, which older versions do not
            choose by themselves.
        read_seconds: how long to wait for an answer.

    Returns:
        The client. The caller closes it.
    """
    make: Any = _session().client
    # Two clients at once are more than a session can make.
    with _MAKING:
        return make(service, **client_settings(url, retries=retries, read_seconds=read_seconds))


@cache
def _session() -> boto3.Session:
    # Clients copy what they take from it, so that one will do for all of a process.
    return boto3.Session(botocore_session=_hermetic())


def _hermetic() -> botocore.session.Session:
    # (name in files, name in the environment, default, conversion): no files, no environment.
    nothing: Mapping[str, Any] = {
        "profile": (None, None, None, None),
        "config_file": (None, None, os.devnull, None),
        "credentials_file": (None, None, os.devnull, None),
        "retry_mode": (None, None, None, None),
        "max_attempts": (None, None, None, int),
    }
    session = botocore.session.Session(session_vars=dict(nothing))
    register: Any = session.register_component
    register("data_loader", _loader())
    return session


class _BuiltIn(Loader):
    """Loads what botocore brings; models in a folder of the user's are no part of a test."""

    @property
    def search_paths(self) -> list[str]:
        # A new list each time: every boto3 session appends a folder of its own.
        return [self.BUILTIN_DATA_PATH]


@cache
def _loader() -> Loader:
    # Service models are large, and reading them is most of what making a client takes: once in a process is enough.
    return _BuiltIn()
