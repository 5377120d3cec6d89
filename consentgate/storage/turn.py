"""A turn that one of many has at a time, and of which it is known whose it is.

Invariant: taking it and noting who took it are one step of the interpreter. A lock does not say who holds it: an
interrupt just after it was taken, and before that was noted, would leave it taken for ever.
"""


class Turn:
    """Whose turn it is."""

    def __init__(self) -> None:
        self._holder: dict[None, object] = {}

    @property
    def holder(self) -> object | None:
        """Who has it, or None."""
        return self._holder.get(None)

    def take(self, who: object) -> bool:
        """Take it, if nobody else has it.

        Args:
            who: who takes it.

        Returns:
            Whether it is theirs now.
        """
        return self._holder.setdefault(None, who) is who

    def give_back(self, who: object) -> None:
        """Let somebody else have it; does nothing where it is not theirs.

        Args:
            who: who had it.
        """
        if self.holder is who:
            self._holder.pop(None)
