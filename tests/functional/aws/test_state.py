"""The signer's state in S3: compare and set, with lost answers and writers that compete."""

import threading
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from moto import mock_aws

from consentgate.aws.state import S3State
from consentgate.errors import ConsentGateError, Misconfigured, Unavailable
from consentgate.log.state import SignerState, first_state

ORIGIN = "consentgate.invalid/abcdefghijklmnopqrstuvwxyz"
FIRST = first_state(ORIGIN)


def following(size: int) -> SignerState:
    return SignerState(origin=ORIGIN, size=size, root=bytes([size]) * 32, note=f"note {size}\n")


class Line:
    """A client over a bad line: what it is told to lose, it does or does not do, and never says."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.lost: list[tuple[str, bool, Exception]] = []

    def put_object(self, **request: Any) -> Any:
        return self._called("put_object", request)

    def get_object(self, **request: Any) -> Any:
        return self._called("get_object", request)

    def _called(self, name: str, request: dict[str, Any]) -> Any:
        if not self.lost or self.lost[0][0] != name:
            return getattr(self._client, name)(**request)
        _, done, failure = self.lost.pop(0)
        if done:
            getattr(self._client, name)(**request)
        raise failure


def refused(code: str, status: int) -> ClientError:
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "PutObject")


LOST = ReadTimeoutError(endpoint_url="https://s3.invalid")
DOWN = EndpointConnectionError(endpoint_url="https://s3.invalid")
BROKEN = refused("InternalError", 500)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        made = boto3.client("s3")
        made.create_bucket(Bucket="signer")
        yield made


@pytest.fixture
def line(client: Any) -> Line:
    return Line(client)


@pytest.fixture
def state(line: Line) -> S3State:
    return S3State(line, bucket="signer", key="a/log.state")


def test_state_changes_only_from_what_was_read(state: S3State) -> None:
    assert state.read() is None
    state.create(FIRST)
    assert state.read() == FIRST
    assert state.replace(FIRST, following(1))
    assert not state.replace(FIRST, following(2))
    assert state.read() == following(1)


def test_first_state_is_not_written_over(state: S3State) -> None:
    state.create(FIRST)
    assert state.replace(FIRST, following(1))
    with pytest.raises(Misconfigured, match="is there already"):
        state.create(FIRST)
    assert state.read() == following(1)


def test_missing_object_is_not_replaced(state: S3State) -> None:
    assert not state.replace(FIRST, following(1))
    assert state.read() is None


@pytest.mark.parametrize("failure", [LOST, DOWN, BROKEN])
def test_lost_answer_of_a_write_that_happened_is_looked_up(
    line: Line, state: S3State, failure: Exception
) -> None:
    line.lost = [("put_object", True, failure)]
    state.create(FIRST)
    line.lost = [("put_object", True, failure)]
    assert state.replace(FIRST, following(1))
    assert state.read() == following(1)


@pytest.mark.parametrize("failure", [LOST, DOWN, BROKEN])
def test_write_that_did_not_happen_is_not_known(line: Line, state: S3State, failure: Exception) -> None:
    state.create(FIRST)
    line.lost = [("put_object", False, failure)]
    with pytest.raises(Unavailable, match="not known"):
        state.replace(FIRST, following(1))
    assert state.replace(FIRST, following(1))


def test_lost_answer_and_lost_look_are_not_known(line: Line, state: S3State) -> None:
    state.create(FIRST)
    line.lost = [("put_object", True, LOST), ("get_object", False, DOWN)]
    with pytest.raises(Unavailable):
        state.replace(FIRST, following(1))
    assert state.read() == following(1)


@pytest.mark.parametrize("code", ["PreconditionFailed", "ConditionalRequestConflict"])
def test_repeated_write_finds_itself(line: Line, state: S3State, code: str) -> None:
    # The vendor's client repeats what was not answered; then its own first attempt stands in the way.
    state.create(FIRST)
    line.lost = [("put_object", True, refused(code, 412))]
    assert state.replace(FIRST, following(1))
    line.lost = [("put_object", False, refused(code, 409))]
    assert not state.replace(following(1), following(2))
    assert state.read() == following(1)


class OneByOne(Line):
    """A client of which one request is done at a time: S3's model in tests writes what others are reading."""

    turn = threading.Lock()

    def _called(self, name: str, request: dict[str, Any]) -> Any:
        with self.turn:
            return super()._called(name, request)


def test_of_writers_that_compete_one_wins(client: Any) -> None:
    S3State(client, bucket="signer", key="k").create(FIRST)
    ready, won = threading.Barrier(4), list[int]()

    def write(size: int) -> None:
        mine = S3State(OneByOne(client), bucket="signer", key="k")
        ready.wait()
        if mine.replace(FIRST, following(size)):
            won.append(size)

    threads = [threading.Thread(target=write, args=(size,)) for size in range(1, 5)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(won) == 1
    assert S3State(client, bucket="signer", key="k").read() == following(won[0])


def test_write_between_reading_and_writing_wins(client: Any, line: Line, state: S3State) -> None:
    state.create(FIRST)

    class Slow(Line):
        def put_object(self, **request: Any) -> Any:
            if request.get("IfMatch"):
                assert state.replace(FIRST, following(9))
            return super().put_object(**request)

    assert not S3State(Slow(client), bucket="signer", key="a/log.state").replace(FIRST, following(1))
    assert state.read() == following(9)


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (refused("AccessDenied", 403), Misconfigured),
        (refused("NoSuchBucket", 404), Misconfigured),
        (BROKEN, Unavailable),
        (DOWN, Unavailable),
    ],
)
def test_state_that_cannot_be_read_is_never_taken_for_none(
    line: Line, state: S3State, failure: Exception, kind: type[ConsentGateError]
) -> None:
    line.lost = [("get_object", False, failure)]
    with pytest.raises(kind, match="s3://signer/a/log"):
        state.read()


def test_write_that_is_refused_says_so(line: Line, state: S3State) -> None:
    line.lost = [("put_object", False, refused("AccessDenied", 403))]
    with pytest.raises(Misconfigured, match="AccessDenied"):
        state.create(FIRST)


def test_object_that_is_no_state_is_refused(client: Any, state: S3State) -> None:
    client.put_object(Bucket="signer", Key="a/log.state", Body=b"{}")
    with pytest.raises(Misconfigured, match="not a signer's state"):
        state.read()


def test_each_epoch_has_an_object_of_its_own(client: Any) -> None:
    S3State.at("s3://signer/a/b", 0, seconds=5, attempts=3).create(FIRST)
    S3State.at("s3://signer/a/b", 2, seconds=5, attempts=3).create(FIRST)
    listed = client.list_objects_v2(Bucket="signer")["Contents"]
    assert [each["Key"] for each in listed] == ["a/b", "a/b.2"]


def test_profile_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(Misconfigured, match="nobody"):
        S3State.at("s3://signer/a/b", 0, seconds=5, attempts=3)
