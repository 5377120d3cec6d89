"""Ends a process at a chosen point: just before one of its effects on files and databases, or while one is under way.

What a killed process leaves behind depends on nothing but the effects that it had: between two of them it can be
killed anywhere with the same result. So a walk over all effects is a walk over all moments. Reading is no effect.
"""

import fcntl
import io
import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from psycopg._cursor_base import BaseCursor

from consentgate.storage.sqlite import SqliteSession

_READS: Final = re.compile(r"SELECT (?!code)|PRAGMA|--|BEGIN$|BEGIN ISOLATION LEVEL REPEATABLE")
_DECIDES: Final = re.compile(r"COMMIT|SELECT code")
"""What makes something durable: a statement of which the server may do what its sender never hears of."""
_WRITING: Final = os.O_WRONLY | os.O_RDWR
_OURS: Final = f"{os.sep}consentgate{os.sep}"


class Effects:
    """Counts effects; before the one of a number it kills this process."""

    def __init__(self, last: int, tell: Callable[[str], None]) -> None:
        self._last = last
        self._tell = tell
        self._before = ""
        self._count = 0

    def watch(self) -> None:
        """Stand before everything of this process that has effects, for good."""
        for module, name in (
            (os, "fdopen"),
            (os, "fsync"),
            (os, "link"),
            (os, "replace"),
            (os, "unlink"),
            (fcntl, "flock"),
        ):
            self._stand_before(module, name)
        self._stand_before_opening()
        self._stand_before_sqlite()
        for name in ("_execute_send", "_send_query_prepared"):
            self._stand_before_postgresql(name)

    def _at(self, what: str) -> None:
        if self._count == self._last:
            self._tell(f"killed {_where()}: {what}")
            os.kill(os.getpid(), signal.SIGKILL)
        self._count += 1

    def _statement(self, sql: str) -> bool:
        """Stand before a statement, unless it only reads, or is one more of the same in its transaction."""
        if _READS.match(sql) or sql == self._before or (sql == "COMMIT" and not self._before):
            return False
        # After its end, what follows is another transaction's; one that only reads has nothing to end.
        self._before = "" if sql == "COMMIT" else sql
        self._at(sql)
        return True

    def _stand_before(self, module: Any, name: str) -> None:
        real = getattr(module, name)

        def standing(*given: Any, **more: Any) -> Any:
            self._at(name)
            return real(*given, **more)

        setattr(module, name, standing)

    def _stand_before_opening(self) -> None:
        by_number, by_name = os.open, io.open

        def opening(path: Any, flags: int, *given: Any, **more: Any) -> int:
            if flags & _WRITING:
                self._at("open")
            return by_number(path, flags, *given, **more)

        def opening_file(path: Any, mode: str = "r", *given: Any, **more: Any) -> Any:
            if "r" not in mode:
                self._at("open")
            return by_name(path, mode, *given, **more)

        os.open = opening
        io.open = opening_file  # type: ignore[assignment]  # as above

    def _stand_before_sqlite(self) -> None:
        real = SqliteSession.__init__

        def opened(session: SqliteSession, *given: Any, **more: Any) -> None:
            real(session, *given, **more)
            session._raw.set_trace_callback(lambda sql: self._statement(_words(sql)))

        SqliteSession.__init__ = opened  # type: ignore[assignment, method-assign]  # in a process that ends with it

    def _stand_before_postgresql(self, name: str) -> None:
        """Stand before a statement, and where it was sent and no answer has come."""
        real = getattr(BaseCursor, name)

        def sending(cursor: Any, *given: Any, **more: Any) -> None:
            query = next(each for each in given if hasattr(each, "query"))
            sql = _words(query.query.decode())
            counts = self._statement(sql)
            real(cursor, *given, **more)
            if counts and _DECIDES.match(sql):
                cursor._pgconn.flush()
                self._at(f"{sql}, sent")

        setattr(BaseCursor, name, sending)


def _words(sql: str) -> str:
    """Give a statement's first words, which tell statements of ours apart."""
    return " ".join(sql.split()[:4])


def _where() -> str:
    """Name the function of ours that is being run, and the first one on the way to it."""
    names = []
    frame = sys._getframe(1)
    while frame.f_back is not None:
        if _OURS in frame.f_code.co_filename and "tests" not in frame.f_code.co_filename:
            names.append(f"{Path(frame.f_code.co_filename).stem}.{frame.f_code.co_name}")
        frame = frame.f_back
    return " < ".join(dict.fromkeys((*names[:1], *names[-1:])))
