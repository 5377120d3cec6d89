"""A bucket with Object Lock that keeps checkpoints; the service is moto's."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoRegionError, ProfileNotFound
from moto import mock_aws

from consentgate.aws.anchors import BucketAnchor
from consentgate.errors import ConsentGateError, LogRefused, Misconfigured, Unavailable
from consentgate.log.directory import file_of
from consentgate.moment import system_clock
from tests.functional.log.test_witness import SIGNER, submission

ORIGIN = SIGNER.key.name


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        made = boto3.client("s3", region_name="us-east-1")
        made.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
        made.create_bucket(Bucket="open")
        yield made


def anchor(client: Any, bucket: str = "locked", prefix: str = "acme/log") -> BucketAnchor:
    return BucketAnchor(
        name="bucket",
        bucket=bucket,
        prefix=prefix,
        retain=timedelta(days=3650),
        client=lambda: client,
        clock=system_clock,
    )


def test_a_checkpoint_is_an_object_that_nobody_deletes(client: Any) -> None:
    place = anchor(client)
    put = submission(3)
    evidence = place.put(put)
    key, _, version = evidence.removeprefix("s3://locked/").partition("?versionId=")
    assert (place.kind, key) == ("s3", f"acme/log/{file_of(put.head)}")
    held = client.get_object(Bucket="locked", Key=key, VersionId=version)
    assert held["Body"].read() == put.note.encode()
    assert held["ObjectLockMode"] == "COMPLIANCE"
    left = held["ObjectLockRetainUntilDate"].astimezone(UTC) - datetime.now(UTC)
    assert timedelta(days=3649) < left <= timedelta(days=3650)
    with pytest.raises(ClientError, match="AccessDenied"):
        client.delete_object(Bucket="locked", Key=key, VersionId=version)
    with pytest.raises(ClientError, match="AccessDenied"):
        client.delete_object(Bucket="locked", Key=key, VersionId=version, BypassGovernanceRetention=True)


def test_the_same_again_is_the_same_evidence(client: Any) -> None:
    place = anchor(client)
    assert place.put(submission(3)) == place.put(submission(3))
    found = client.list_object_versions(Bucket="locked")
    assert len(found["Versions"]) == 1


def test_what_is_kept_is_read_by_versions(client: Any) -> None:
    place = anchor(client, prefix="")
    first, second = place.put(submission(3)), place.put(submission(7))
    key = file_of(submission(3).head)
    client.delete_object(Bucket="locked", Key=key)
    client.put_object(Bucket="locked", Key=key, Body=b"another story")
    client.put_object(Bucket="locked", Key="elsewhere/1", Body=b"not ours")
    held = {name: data for name, data, _ in place.held(ORIGIN)}
    assert held.pop(first) == submission(3).note.encode()
    assert held.pop(second) == submission(7).note.encode()
    assert list(held.values()) == [b"another story"]
    assert all(abs(system_clock() - at) < timedelta(minutes=1) for _, _, at in place.held(ORIGIN))


def test_something_else_under_the_key_is_refused(client: Any) -> None:
    put = submission(3)
    key = f"acme/log/{file_of(put.head)}"
    client.put_object(Bucket="locked", Key=key, Body=b"another story")
    with pytest.raises(LogRefused, match="keeps something else"):
        anchor(client).put(put)


def test_the_same_bytes_without_a_lock_are_no_anchor(client: Any) -> None:
    put = submission(3)
    client.put_object(Bucket="locked", Key=f"acme/log/{file_of(put.head)}", Body=put.note.encode())
    with pytest.raises(LogRefused, match="without a lock in compliance mode"):
        anchor(client).put(put)


@pytest.mark.parametrize(("bucket", "says"), [("open", "no Object Lock"), ("gone", "NoSuchBucket")])
def test_a_bucket_that_locks_nothing_is_no_anchor(client: Any, bucket: str, says: str) -> None:
    with pytest.raises(Misconfigured, match=says):
        anchor(client, bucket).put(submission(3))
    assert "Contents" not in client.list_objects_v2(Bucket="open")


class Broken:
    """A client whose every request fails."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Any:
        def fail(*_: object, **__: object) -> None:
            raise self._error

        return fail


DENIED = ClientError({"Error": {"Code": "AccessDenied", "Message": "secret words"}}, "PutObject")


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (DENIED, Unavailable, "AccessDenied"),
        (ClientError({}, "PutObject"), Unavailable, "unknown"),
        (ClientError({"Error": {"Code": "NoSuchBucket"}}, "PutObject"), Misconfigured, "NoSuchBucket"),
        (EndpointConnectionError(endpoint_url="s3"), Unavailable, "EndpointConnectionError"),
    ],
)
def test_what_the_service_refuses_is_said_in_our_words(
    error: Exception, kind: type[ConsentGateError], says: str
) -> None:
    place = anchor(Broken(error))
    for work in (lambda: place.put(submission(3)), lambda: list(place.held(ORIGIN))):
        with pytest.raises(kind, match=says) as caught:
            work()
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "error", [ProfileNotFound(profile="nosuch"), NoRegionError(), ValueError("Invalid endpoint: secret")]
)
def test_a_client_that_cannot_be_made_is_a_matter_of_settings(error: Exception) -> None:
    def none() -> Any:
        raise error

    place = replace(anchor(None), client=none)
    put = submission(3)
    for work in (lambda: place.put(put), lambda: place.kept([put.head]), lambda: list(place.held(ORIGIN))):
        with pytest.raises(Misconfigured, match=type(error).__name__) as caught:
            work()
        assert "secret" not in str(caught.value)


def test_a_failure_while_putting_is_not_a_success(client: Any) -> None:
    class Full:
        def __getattr__(self, name: str) -> Any:
            return getattr(client, name)

        def put_object(self, **_: object) -> None:
            raise DENIED

    with pytest.raises(Unavailable, match="AccessDenied"):
        anchor(Full()).put(submission(3))
