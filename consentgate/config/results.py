"""What became of what was started: taken in as the vendor tells it, or asked for."""

from collections.abc import Iterable
from pathlib import Path

from consentgate.aws.linking import Delivery, deliver
from consentgate.aws.operations import SERVICES
from consentgate.config.outcomes import Outcomes
from consentgate.config.reconcile import reconcile_parts
from consentgate.errors import InvalidInput
from consentgate.gate.polling import poll
from consentgate.gate.reconcile import Reconciled
from consentgate.gate.replay import replay_due
from consentgate.ledger.progress import TaskState


class Results(Outcomes):
    """The part of `ConsentGate` that follows tasks after their requests."""

    def notify(self, event: object) -> Delivery:
        """Take in notifications of the vendor, as they arrive: more than once, out of order, and wrapped in whatever.

        Args:
            event: what a Lambda function is called with, what boto3 gives for a queue of SQS or a stream of Kinesis,
                one message of these, a list of any, or the text or bytes of one.

        Returns:
            What became of each: what was kept, what is about nothing of ours, what cannot be read, and what shows
            that the gate was passed by. `Delivery.left` names the records to hand back to the queue.

        Raises:
            Malformed: what is stored about a task is not what was written.
            Unavailable: the database or a key is out of reach; hand all of it in again, which does no harm.
        """
        delivery = deliver(self._parts.gate, event)
        replay_due(self._parts.gate, self._at_hand())
        return delivery

    def poll(self, task: str) -> TaskState:
        """Ask the vendor how a task goes, through a client that this gate protects; for those without notifications.

        Args:
            task: the vendor's id of the task.

        Returns:
            All that is known of the task now; what changed since was put on record.

        Raises:
            InvalidInput: the task is none of this ledger, or no client at hand serves where it was started.
            Malformed: what is stored about the task is not what was written.
            Unavailable: the vendor or the database did not answer within seconds.
        """
        given: object = task
        if not isinstance(given, str) or not given:
            raise InvalidInput("poll takes the vendor's id of a task.")
        return poll(self._parts.gate, self._at_hand(), sorted(SERVICES, reverse=True), task)

    def reconcile(self, *, cloudtrail: Iterable[str | Path] = ()) -> Reconciled:
        """Close the intents whose end nobody recorded, once their requests can no longer arrive.

        Nothing gated is sent. What waits in the spool is recorded first, since it says how requests really ended.
        Then counts what notifications told, what the vendor says of tasks that are known, and its trail. Everything
        else is ``undetermined``, with the reason.

        Args:
            cloudtrail: files of CloudTrail, compressed or not, or folders of them.

        Returns:
            What was closed and by whose word, what is too young, what cannot be closed, and what the trail shows of
            calls that passed the gate by. Doing it again changes nothing that is closed; several may do it at once,
            beside gates at work.

        Raises:
            InvalidInput: a file is none of CloudTrail; nothing was closed.
            Malformed: something stored cannot be read.
            Unavailable: the database or a key is out of reach; what was closed before that stays closed.
        """
        given: object = cloudtrail
        if isinstance(given, str | Path):
            raise InvalidInput("cloudtrail takes a list of files.")
        return reconcile_parts(self._parts, self._at_hand(), [Path(each) for each in cloudtrail])
