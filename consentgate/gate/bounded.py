"""Foreign work within a bound: what outlasts it goes on by itself, and counts as not confirmed."""

import threading
from collections.abc import Callable


def confirmed_within(work: Callable[[], bool], seconds: float, *, name: str) -> bool:
    """Do work in a thread of its own, and wait for it no longer than a bound.

    Args:
        work: gives True where what it did is confirmed; what it raises is the same as False.
        seconds: the bound.
        name: the thread's name.

    Returns:
        Whether it was confirmed in time.
    """
    confirmed: list[bool] = []

    def do() -> None:
        try:
            confirmed.append(work() is True)
        except Exception:  # noqa: BLE001  # foreign code, in a thread of its own: not confirmed, whatever it is
            confirmed.append(False)

    thread = threading.Thread(target=do, name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError:
        # The system gives no thread: one that holds up its caller is better than none.
        do()
        return confirmed == [True]
    thread.join(seconds)
    return confirmed == [True]
