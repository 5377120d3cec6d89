"""The signer's state as an object in S3, for a log that several hosts may sign.

Compare and set is a conditional write: ``If-Match`` the object that was read, ``If-None-Match: *`` the first time.

Invariants: a write whose answer is lost, or that was repeated on the way, is looked up before anything is said about
it; what is not known is said not to be known. A state is never written over by one that does not follow it.
"""

from typing import Any, Final, NoReturn

from consentgate.errors import Malformed, Misconfigured, Unavailable
from consentgate.log.state import SignerState, decode_state, encode_state

_LIMIT: Final = 1 << 20
_ABSENT: Final = frozenset({"NoSuchKey", "404"})
# The object is another one than was read, or a write of the same moment went first.
_CONFLICT: Final = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict", "409"})


class S3State:
    """The state in an object of S3."""

    def __init__(self, client: Any, *, bucket: str, key: str) -> None:
        """Name the object.

        Args:
            client: a boto3 client of ``s3``.
            bucket: the bucket; only the signer may write to it.
            key: the object's key.
        """
        self._client = client
        self._bucket = bucket
        self._key = key

    @classmethod
    def at(cls, url: str, log: int, *, seconds: float, attempts: int) -> "S3State":
        """Open the object that settings name.

        Args:
            url: ``s3://bucket/key``.
            log: number of the log; each epoch has an object of its own, its number behind the key.
            seconds: how long connecting may take, and then each answer.
            attempts: how often a request is sent at most.

        Returns:
            The state; nothing is read.

        Raises:
            Misconfigured: there is no region or no profile of the name.
        """
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError

        bucket, _, key = url.removeprefix("s3://").partition("/")
        config = Config(
            connect_timeout=seconds,
            read_timeout=seconds,
            retries={"mode": "standard", "total_max_attempts": attempts},
        )
        try:
            client = boto3.client("s3", config=config)
        except BotoCoreError as error:
            raise Misconfigured(f"S3 cannot be used for the signer's state: {error}") from error
        return cls(client, bucket=bucket, key=f"{key}.{log}" if log else key)

    def read(self) -> SignerState | None:
        """Read the state.

        Returns:
            The state, or None when there is no such object.

        Raises:
            Misconfigured: it is not a signer's state, or may not be read.
            Unavailable: it is out of reach.
        """
        return self._read()[0]

    def create(self, state: SignerState) -> None:
        """Write the first state.

        Args:
            state: of size 0.

        Raises:
            Misconfigured: there is such an object; it is left as it is.
            Unavailable: it cannot be written, or whether it was is not known.
        """
        # Our own first attempt may have been written although its answer was lost: then it is there.
        if not self._put(state, IfNoneMatch="*"):
            raise Misconfigured(f"The object {self._name} is there already; it is not written over.")

    def replace(self, old: SignerState, new: SignerState) -> bool:
        """Put a new state in the place of the one that was read; durable on return.

        Args:
            old: what was read.
            new: what follows it.

        Returns:
            False, with nothing changed, when the state is no longer ``old``.

        Raises:
            Misconfigured: the object is not a signer's state, or may not be written.
            Unavailable: it cannot be written, or whether it was is not known.
        """
        found, tag = self._read()
        if found != old or tag is None:
            return False
        return self._put(new, IfMatch=tag)

    @property
    def _name(self) -> str:
        return f"s3://{self._bucket}/{self._key}"

    def _put(self, state: SignerState, **condition: str) -> bool:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=self._key,
                Body=encode_state(state),
                ContentType="application/json",
                **condition,
            )
        except ClientError as error:
            if _code(error) in _CONFLICT:
                return self.read() == state
            if _status(error) < 500:
                self._refuse(error)
            return self._in_doubt(state, error)
        except BotoCoreError as error:
            return self._in_doubt(state, error)
        return True

    def _in_doubt(self, state: SignerState, cause: Exception) -> bool:
        """Look up a write whose answer is lost; what is not there may still come, so it is not known."""
        if self.read() == state:
            return True
        raise Unavailable(
            f"Whether {self._name} was written is not known ({type(cause).__name__})."
        ) from cause

    def _read(self) -> tuple[SignerState | None, str | None]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._key)
            data = answer["Body"].read(_LIMIT + 1)
        except ClientError as error:
            if _code(error) in _ABSENT:
                return None, None
            if _status(error) < 500:
                self._refuse(error)
            raise Unavailable(f"{self._name} cannot be read ({_code(error)}).") from error
        except BotoCoreError as error:
            raise Unavailable(f"{self._name} cannot be read ({type(error).__name__}).") from error
        try:
            return decode_state(data), str(answer["ETag"])
        except Malformed as error:
            raise Misconfigured(f"The object {self._name} is not a signer's state: restore it.") from error

    def _refuse(self, error: Any) -> NoReturn:
        # Not a missing state: whoever may not look must not take it for none.
        raise Misconfigured(f"S3 refuses {self._name} ({_code(error)}): check bucket and rights.") from error


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _status(error: Any) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500))
