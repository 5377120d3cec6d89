"""PostgreSQL's functions of ours: clock, locks, version, append; what `db check` compares and an upgrade repairs.

Invariants:

- `consentgate_append` is VOLATILE, so that each of its statements sees what was committed before that statement:
  what the locks guard is read after they are held. It refuses any isolation but READ COMMITTED, where a statement
  would see what was committed before the locks.
- `consentgate_version` and `consentgate_glance` are STABLE: all of their steps see what the statement sees that
  calls them. What is read and its version are of one state.
- Functions that name tables find them in the schema that they were made in, whatever a session's search path is;
  names of the system come first and those of a temporary schema last.
- The text here is what the database stores, character for character.
"""

from collections.abc import Iterator
from typing import Final

from consentgate.storage import plpgsql
from consentgate.values import dataclass

CLOCK_FUNCTION: Final = "consentgate_now"
"""The database's clock: milliseconds since 1970. SQLite's is registered on each connection instead."""

LOCK_FUNCTION: Final = "consentgate_lock"
"""Takes two ascending arrays of bigint, the numbers to share and the numbers to hold alone."""

VERSION_FUNCTION: Final = "consentgate_version"
"""Gives the version of what a decision reads, as `consentgate.storage.versions` writes it."""

GLANCE_FUNCTION: Final = "consentgate_glance"
"""Step 2 in one round trip: what `consentgate.storage.glance` reads."""

APPEND_FUNCTION: Final = "consentgate_append"
"""Step 4 in one round trip: locks, version, clock, entry, links; `consentgate.storage.guarded` calls it."""

REFUSAL_FUNCTION: Final = "consentgate_refuse_change"
"""What the triggers call."""

TEST_CLOCK_SETTING: Final = "consentgate.test_now"
"""The session's setting that the clock of a marked test database follows."""

LOCK_SETTING: Final = "consentgate.lock_timeout"
"""The session's setting of how long an append waits for a lock; without it, behind a proxy, four seconds."""

PINNED_PATH: Final = "quote_ident(current_schema()) || ', pg_temp'"
"""The search path of a pinned function, as an expression of SQL: the system's names come first by themselves."""

_NOW: Final = "floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint"

TEST_CLOCK_BODY: Final = (
    f" SELECT coalesce(nullif(current_setting('{TEST_CLOCK_SETTING}', true), '')::bigint, {_NOW}) "
)
"""The clock's body in a marked test database: the session's time, where it has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function as PostgreSQL stores it.

    Attributes:
        name: its name.
        arguments: its arguments, as ``pg_get_function_arguments`` writes them.
        returns: its result.
        language: what it is written in.
        volatility: ``v`` or ``s``.
        pinned: whether it has a search path of its own.
        body: its text.
    """

    name: str
    arguments: str
    returns: str
    language: str
    volatility: str
    pinned: bool
    body: str

    def make(self) -> Iterator[str]:
        """Give the statements that make it, whatever is there now.

        Yields:
            The statements, in order.
        """
        volatility = {"v": "VOLATILE", "s": "STABLE"}[self.volatility]
        pin = " SET search_path FROM CURRENT" if self.pinned else ""
        if self.pinned:
            yield f"SELECT set_config('search_path', {PINNED_PATH}, true)"
        yield (
            f"CREATE OR REPLACE FUNCTION {self.name}({self.arguments}) RETURNS {self.returns}"
            f" LANGUAGE {self.language} {volatility}{pin} AS $function${self.body}$function$"
        )


FUNCTIONS: Final = (
    Function(
        name=CLOCK_FUNCTION,
        arguments="",
        returns="bigint",
        language="sql",
        volatility="v",
        pinned=False,
        body=f" SELECT {_NOW} ",
    ),
    Function(
        name=REFUSAL_FUNCTION,
        arguments="",
        returns="trigger",
        language="plpgsql",
        volatility="v",
        pinned=False,
        body=" BEGIN RAISE EXCEPTION USING MESSAGE = 'consentgate: ' || TG_TABLE_NAME"
        " || ' is insert-only', ERRCODE = 'integrity_constraint_violation'; END ",
    ),
    Function(
        name=LOCK_FUNCTION,
        arguments="shared bigint[], alone bigint[]",
        returns="void",
        language="plpgsql",
        volatility="v",
        pinned=False,
        body=plpgsql.LOCK_BODY,
    ),
    Function(
        name=VERSION_FUNCTION,
        arguments="p_tenant text, p_epochs bigint[], p_hmacs bytea[], p_kinds text[], p_calls bytea[]",
        returns="text",
        language="plpgsql",
        volatility="s",
        pinned=True,
        body=plpgsql.VERSION_BODY,
    ),
    Function(
        name=GLANCE_FUNCTION,
        arguments=plpgsql.GLANCE_ARGUMENTS,
        returns=plpgsql.GLANCE_RESULT,
        language="plpgsql",
        volatility="s",
        pinned=True,
        body=plpgsql.GLANCE_BODY,
    ),
    Function(
        name=APPEND_FUNCTION,
        arguments=plpgsql.APPEND_ARGUMENTS,
        returns="record",
        language="plpgsql",
        volatility="v",
        pinned=True,
        body=plpgsql.APPEND_BODY,
    ),
)
"""What PostgreSQL stores of each of our functions."""

TEST_CLOCK: Final = (
    f"CREATE OR REPLACE FUNCTION {CLOCK_FUNCTION}() RETURNS bigint LANGUAGE sql VOLATILE"
    f" AS $function${TEST_CLOCK_BODY}$function$"
)
"""The statement that gives a marked test database its clock."""
