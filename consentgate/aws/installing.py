"""Protecting every client that a session makes, from its first moment on.

botocore makes a class for each client and lets handlers of ``creating-client-class`` give it more bases: ours
protects the client as the last thing that its making does. Clients that were made before are not protected; the
tripwire keeps them from gated operations.

Note:
    Whoever can run code in this process can take the handler of the session away. Only the vendor's access rules
    keep a process from searching past the gate.
"""

from collections.abc import Callable
from typing import Any

from consentgate.aws.operations import SERVICES
from consentgate.aws.standing import Manners, mark, stands
from consentgate.errors import InvalidInput
from consentgate.gate.door import Gate


def install(
    session: Any, gate: Gate, manners: Manners, protect: Callable[[Any], object], *, tripwire: bool
) -> None:
    """Let a session protect the clients of gated services that it makes, once however often it is called.

    Args:
        session: of boto3 or botocore.
        gate: the gate.
        manners: how the clients are protected.
        protect: protects one client.
        tripwire: whether clients that this process made before are kept from gated operations.

    Raises:
        InvalidInput: it is no session, another gate is in it already, or the same in other ways.
        Misconfigured: this botocore is not supported.
    """
    events = _events(session)
    installed = stands(events, gate, manners, "session")
    if tripwire:
        from consentgate.aws.tripwire import TRIPWIRE

        TRIPWIRE.lay(gate)
    if installed:
        return
    mark(events, gate, manners)
    base = _base(protect)

    def add_base(base_classes: list[type], **_: Any) -> None:
        base_classes.insert(0, base)

    for service in sorted(SERVICES):
        event = f"creating-client-class.{service}"
        # Last: it stands before every base that others put in, so that it sees the client when it is whole.
        events.register_last(event, add_base, unique_id=f"consentgate-install-{service}")


def _events(session: Any) -> Any:
    """The emitter that a session copies for each client; every boto3 session around it has the same."""
    events = getattr(session, "events", None)
    if events is None and callable(getattr(session, "get_component", None)):
        events = session.get_component("event_emitter")
    # A client has events too, under its meta; a resource has none.
    if not callable(getattr(events, "register_last", None)) or hasattr(session, "meta"):
        raise InvalidInput("install takes a session of boto3 or botocore; protect takes a client.")
    return events


def _base(protect: Callable[[Any], object]) -> type:
    class Protected:
        """A client that is protected when it is made."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            protect(self)

    return Protected
