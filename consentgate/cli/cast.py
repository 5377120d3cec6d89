"""Who calls in the demo, and what each of them said before.

Each caller stands for one thing that can happen; the reason that is expected is not written here: the gate says it.
"""

from typing import Final, Literal

from consentgate.consent.terms import Method
from consentgate.values import dataclass

Said = Literal["nothing", "grant", "grant_elsewhere", "refusal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """One caller.

    Attributes:
        name: for the screen; the ledger knows a customer number.
        code: where the caller lives, or None where nobody knows.
        said: what they said before the call.
        method: how they said it.
        age: in years.
        error: the vendor's error to script for this call, or None.
    """

    name: str
    code: str | None
    said: Said
    method: Method = "ivr_dtmf"
    age: int = 34
    error: str | None = None

    @property
    def number(self) -> str:
        """The customer number."""
        return f"C-{self.name.upper()}"


CAST: Final = (
    Caller(name="Ada", code="US-IL", said="grant"),
    Caller(
        name="Ben",
        code="US-TX",
        said="grant_elsewhere",
        method="web_esign",
        error="ThrottledClientException",
    ),
    Caller(name="Cleo", code="US-IL", said="grant", method="voice_recording"),
    Caller(name="Dan", code="US-CO", said="refusal"),
    Caller(name="Eve", code="FR", said="nothing"),
    Caller(name="Fay", code=None, said="grant"),
    Caller(name="Gus", code="US-TX", said="grant", age=12),
)
