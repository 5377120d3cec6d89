"""Where a signer's state lies in tests: in a file, or in an object of a bucket of a model of S3."""

import fcntl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from consentgate.aws.state import S3State
from consentgate.log.signer import Signer
from consentgate.log.state import FileState, StateStore
from consentgate.storage.database import Database
from tests.functional.log.place import signer_at

BUCKET = "signer"


class OneByOne:
    """A client of which one write is done at a time, as S3 does them and its model does not."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._turn = threading.Lock()

    def put_object(self, **request: Any) -> Any:
        with self._turn:
            return self._client.put_object(**request)

    def get_object(self, **request: Any) -> Any:
        return self._client.get_object(**request)


@dataclass(frozen=True)
class Files:
    """States in files, a folder for each log."""

    def at(self, folder: Path) -> StateStore:
        return FileState(folder / "log.state")

    def lose(self, folder: Path) -> None:
        (folder / "log.state").unlink()

    def signer(self, folder: Path, database: Database) -> Signer:
        return signer_at(folder, database, self.at(folder))


@dataclass(frozen=True)
class Objects(Files):
    """States in objects, a key for each log."""

    client: OneByOne

    def at(self, folder: Path) -> StateStore:
        return S3State(self.client, bucket=BUCKET, key=self._key(folder))

    def lose(self, folder: Path) -> None:
        self.client._client.delete_object(Bucket=BUCKET, Key=self._key(folder))

    def _key(self, folder: Path) -> str:
        return f"{folder.name}/log.state"


@contextmanager
def objects() -> Iterator[Objects]:
    """A bucket, for as long as the block runs."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        yield Objects(OneByOne(client))


@contextmanager
def held(lock: Path) -> Iterator[None]:
    """Hold a lock, as a signer does that was stopped."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
