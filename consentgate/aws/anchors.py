"""An anchor that is an S3 bucket with Object Lock: in compliance mode nobody deletes a version before its time.

``<prefix>/<last word of the origin>/<size in 20 digits>-<root in hexadecimal>``, each object a signed checkpoint.

Invariants: an object is put only where there is none of its key, and locked by the same request; what is there
already counts only when it is the same bytes, under a lock in compliance mode. Reading goes by versions, so that
neither a later version nor a delete marker hides what was kept.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from consentgate.errors import LogRefused, Misconfigured, Unavailable
from consentgate.log.anchoring import Submission
from consentgate.log.directory import file_of, folder_of
from consentgate.moment import Clock
from consentgate.tlog.checkpoint import Checkpoint
from consentgate.tlog.note import NOTE_LIMIT
from consentgate.values import dataclass

KIND: Final = "s3"

_MODE: Final = "COMPLIANCE"
_THERE: Final = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})
_NO_LOCK: Final = frozenset({"ObjectLockConfigurationNotFoundError", "NoSuchObjectLockConfiguration"})
_WRONG: Final = frozenset({"NoSuchBucket", "InvalidBucketName", "InvalidRequest", "PermanentRedirect"})


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketAnchor:
    """A bucket that keeps checkpoints.

    Attributes:
        name: what the settings call it.
        bucket: the bucket, made with Object Lock.
        prefix: what keys begin with; empty for nothing.
        retain: how long nobody can delete a checkpoint.
        client: makes the S3 client; asked once for each checkpoint, since a fork must not share one.
        clock: the time, for when the lock ends.
    """

    name: str
    bucket: str
    prefix: str
    retain: timedelta
    client: Callable[[], Any]
    clock: Clock

    @property
    def kind(self) -> str:
        """``s3``."""
        return KIND

    def put(self, submitted: Submission) -> str:
        """Keep a checkpoint.

        Args:
            submitted: the checkpoint.

        Returns:
            Bucket, key and version.

        Raises:
            LogRefused: something else is kept under this key, or without a lock.
            Misconfigured: no client can be made, the bucket is not there, or it has no Object Lock.
            Unavailable: it is out of reach, or refuses.
        """
        client = self._made()
        key = self._under(file_of(submitted.head))
        data = submitted.note.encode()
        try:
            self._require_lock(client)
            version = self._placed(client, key, data) or self._kept(client, key, data)
        except ClientError as error:
            raise self._failure(error) from error
        except BotoCoreError as error:
            raise self._out_of_reach(type(error).__name__) from error
        return f"s3://{self.bucket}/{key}?versionId={version}"

    def kept(self, heads: Sequence[Checkpoint]) -> Sequence[Checkpoint]:
        """Say which of some checkpoints the bucket keeps, among the first thousand of its objects from there on.

        Args:
            heads: the checkpoints, in order of sizes.

        Returns:
            Those of them.

        Raises:
            Misconfigured: no client can be made, or the bucket is not there.
            Unavailable: it is out of reach, or refuses.
        """
        if not heads:
            return ()
        client = self._made()
        folder, first = folder_of(heads[0].origin), file_of(heads[0])
        try:
            # A key of another root has the same beginning: so far the list starts before it.
            found = client.list_objects_v2(
                Bucket=self.bucket,
                Prefix=self._under(f"{folder}/"),
                StartAfter=self._under(first.rpartition("-")[0]),
            )
        except ClientError as error:
            raise self._failure(error) from error
        except BotoCoreError as error:
            raise self._out_of_reach(type(error).__name__) from error
        there = {each["Key"] for each in found.get("Contents", ())}
        return [head for head in heads if self._under(file_of(head)) in there]

    def held(self, origin: str) -> Iterator[tuple[str, bytes, datetime]]:
        """Read what the bucket keeps of a log: every version of every object.

        Args:
            origin: the log's origin.

        Yields:
            Evidence as `put` gives it, content, and when it was written, in order of keys.

        Raises:
            Misconfigured: no client can be made, or the bucket is not there.
            Unavailable: it is out of reach, or refuses.
        """
        client = self._made()
        try:
            pages = client.get_paginator("list_object_versions").paginate(
                Bucket=self.bucket, Prefix=self._under(f"{folder_of(origin)}/")
            )
            for page in pages:
                for each in page.get("Versions", ()):
                    named = {"Bucket": self.bucket, "Key": each["Key"], "VersionId": each["VersionId"]}
                    data = client.get_object(**named)["Body"].read(NOTE_LIMIT + 1)
                    evidence = f"s3://{self.bucket}/{each['Key']}?versionId={each['VersionId']}"
                    yield evidence, data, each["LastModified"].astimezone(UTC)
        except ClientError as error:
            raise self._failure(error) from error
        except BotoCoreError as error:
            raise self._out_of_reach(type(error).__name__) from error

    def _made(self) -> Any:
        try:
            return self.client()
        except (BotoCoreError, ValueError) as error:
            # A profile that is not there, no region, an endpoint that is no URL.
            raise Misconfigured(
                f"No client can be made for the bucket {self.bucket} of anchor {self.name}"
                f" ({type(error).__name__}): look at the AWS profile, region and endpoint that are set here."
            ) from error

    def _under(self, name: str) -> str:
        return f"{self.prefix}/{name}" if self.prefix else name

    def _require_lock(self, client: Any) -> None:
        try:
            found = client.get_object_lock_configuration(Bucket=self.bucket)
        except ClientError as error:
            if _code(error) not in _NO_LOCK:
                raise
            found = {}
        if found.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled") != "Enabled":
            raise Misconfigured(
                f"The bucket {self.bucket} of anchor {self.name} has no Object Lock: make a bucket with it."
            )

    def _placed(self, client: Any, key: str, data: bytes) -> str | None:
        """Put the object; None where there is one."""
        try:
            done: Mapping[str, str] = client.put_object(
                Bucket=self.bucket,
                Key=key,
                Body=data,
                ContentType="text/plain; charset=utf-8",
                ChecksumAlgorithm="SHA256",
                IfNoneMatch="*",
                ObjectLockMode=_MODE,
                ObjectLockRetainUntilDate=self.clock() + self.retain,
            )
        except ClientError as error:
            if _code(error) in _THERE:
                return None
            raise
        return done["VersionId"]

    def _kept(self, client: Any, key: str, data: bytes) -> str:
        """What another process put, or this one before it was killed."""
        found = client.get_object(Bucket=self.bucket, Key=key)
        if found["Body"].read(NOTE_LIMIT + 1) != data:
            raise LogRefused(
                f"The anchor {self.name} keeps something else as {key}. Run `consentgate verify`."
            )
        if found.get("ObjectLockMode") != _MODE:
            raise LogRefused(
                f"The anchor {self.name} keeps {key} without a lock in compliance mode: find out who put it there."
            )
        version: str = found["VersionId"]
        return version

    def _failure(self, error: ClientError) -> Misconfigured | Unavailable:
        code = _code(error)
        if code in _WRONG:
            return Misconfigured(f"The bucket {self.bucket} of anchor {self.name} cannot be used ({code}).")
        return self._out_of_reach(code)

    def _out_of_reach(self, why: str) -> Unavailable:
        return Unavailable(
            f"The bucket {self.bucket} of anchor {self.name} is out of reach, or refuses ({why})."
        )


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", "unknown"))
