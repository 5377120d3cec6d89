"""Who speaks on the channels of streams: what `register_call` is for media pipelines, which have no transaction."""

from collections.abc import Sequence
from datetime import datetime

from consentgate.aws.operations import call_of_stream
from consentgate.config.guarding import Guarding
from consentgate.gate.replay import replay_due
from consentgate.ledger.registering import Departure, Leaver, Registration
from consentgate.ledger.speaker import Nobody, Speaker
from consentgate.policy.facts import RecordingConsent


class Streams(Guarding):
    """The part of `ConsentGate` that a stream meets."""

    def register_stream(
        self,
        pipeline: str,
        stream_arn: str,
        channel: int,
        speakers: Sequence[Speaker] | Nobody,
        *,
        purpose: str | None = None,
        recording_consent: RecordingConsent | None = None,
        captured_at: datetime | None = None,
    ) -> str | None:
        """Say who speaks on a channel of a stream in a media insights pipeline, as `register_call` does for calls.

        Args:
            pipeline: id or ARN of the pipeline; both name the same.
            stream_arn: ARN of the Kinesis video stream.
            channel: 0 or 1.
            speakers: everybody on the channel, or `NOBODY`.
            purpose: as `register_call` takes it.
            recording_consent: likewise.
            captured_at: when the recording begins, for requests that start from a fragment of it. A consent that came
                later does not cover these.

        Returns:
            Id of the entry as text, or None when all of it stood already.

        Raises:
            InvalidInput: a value cannot be used.
            RecordConflict: it takes back what was told before. Nothing was written, and what was told stands.
            Unavailable: nothing was written.
        """
        entry = self._attendance.register(
            Registration(
                call=call_of_stream(pipeline, stream_arn, channel),
                legs={"Caller": speakers},
                purpose=purpose,
                recording_consent=recording_consent,
                captured_at=captured_at,
            )
        )
        replay_due(self._parts.gate)
        return str(entry) if entry else None

    def leave_stream(
        self, pipeline: str, stream_arn: str, channel: int, speakers: Sequence[Leaver]
    ) -> str | None:
        """Say who left a channel: they are not compared any more. One that everybody left is unknown, and denies.

        Args:
            pipeline: id or ARN of the pipeline.
            stream_arn: ARN of the stream.
            channel: 0 or 1.
            speakers: who left: speakers, or references that they were registered with.

        Returns:
            Id of the entry as text, or None when all of them had left already.

        Raises:
            InvalidInput: nobody registered the channel, or somebody named here was never on it.
            Unavailable: nothing was written.
        """
        call = call_of_stream(pipeline, stream_arn, channel)
        entry = self._attendance.leave(Departure(call=call, legs={"Caller": speakers}))
        replay_due(self._parts.gate)
        return str(entry) if entry else None
