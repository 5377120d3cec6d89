"""The alarm of the process that anchors: which anchors are behind for longer than the settings allow.

An anchor that refuses is said by whoever puts checkpoints into it (`consentgate.log.anchoring`); one that is merely
slow, or hangs, takes nothing and refuses nothing, and shows here.

Invariant: each anchor is warned of once, and once more after it had caught up.
"""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Final

from consentgate.log.lag import Expected, lags
from consentgate.moment import to_text
from consentgate.storage import deployment
from consentgate.storage.database import Database

EVERY_S: Final = 60.0

_LOG: Final = logging.getLogger("consentgate")


class LateAlarm:
    """Warns of anchors that are late."""

    def __init__(
        self,
        database: Database,
        expected: Sequence[Expected],
        *,
        every: float = EVERY_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is read before `once`.

        Args:
            database: whose log.
            expected: the anchors that have to keep up.
            every: seconds between two looks, at least.
            monotonic: seconds that never jump.
        """
        self._database = database
        self._expected = tuple(expected)
        self._every = every
        self._monotonic = monotonic
        self._due: float | None = None
        self._late: set[str] = set()

    def once(self) -> bool:
        """Look, if it is time to.

        Returns:
            Whether anything was said.

        Raises:
            Unavailable: the database is out of reach.
        """
        now = self._monotonic()
        if self._due is not None and now < self._due:
            return False
        self._due = now + self._every
        with self._database.read() as connection:
            log = deployment.current_log(connection)
            found = lags(connection, self._expected, self._database.clock(), log=log)
        before = set(self._late)
        for each in found:
            if each.late and each.since is not None and each.name not in before:
                self._late.add(each.name)
                since = to_text(each.since)
                _LOG.warning(
                    "The anchor %s is late: %s signed entries since %s.", each.name, each.behind, since
                )
            elif not each.late and each.name in before:
                self._late.remove(each.name)
                _LOG.info("The anchor %s has caught up.", each.name)
        return before != self._late
