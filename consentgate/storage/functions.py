"""PostgreSQL's functions of ours: clock, locks, version, append; what `db check` compares and an upgrade repairs.

Invariants:

- `consentgate_append` is VOLATILE, so that each of its statements sees what was committed before that statement:
  what the locks guard is read after they are held. It refuses any isolation but READ COMMITTED, where a statement
  would see what was committed before the locks.
- `consentgate_version` is STABLE: within the statement that calls it, it sees what that statement sees. What is
  read and its version are of one state.
- Functions that name tables find them in the schema that they were made in, whatever a session's search path is;
  names of the system come first and those of a temporary schema last.
- The text here is what the database stores, character for character.
"""

from collections.abc import Iterator
from typing import Final

from consentgate.values import dataclass

CLOCK_FUNCTION: Final = "consentgate_now"
"""The database's clock: milliseconds since 1970. SQLite's is registered on each connection instead."""

LOCK_FUNCTION: Final = "consentgate_lock"
"""Takes two ascending arrays of bigint, the numbers to share and the numbers to hold alone."""

VERSION_FUNCTION: Final = "consentgate_version"
"""Gives the version of what a decision reads, as `consentgate.storage.versions` writes it."""

APPEND_FUNCTION: Final = "consentgate_append"
"""Step 4 in one round trip: locks, version, clock, entry, links; `consentgate.storage.guarded` calls it."""

REFUSAL_FUNCTION: Final = "consentgate_refuse_change"
"""What the triggers call."""

TEST_CLOCK_SETTING: Final = "consentgate.test_now"
"""The session's setting that the clock of a marked test database follows."""

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


_LOCK_BODY: Final = """
DECLARE
  i integer := 1;
  j integer := 1;
BEGIN
  IF shared IS NULL OR alone IS NULL THEN
    RAISE EXCEPTION 'consentgate: locks are two arrays' USING ERRCODE = 'null_value_not_allowed';
  END IF;
  WHILE i <= cardinality(shared) OR j <= cardinality(alone) LOOP
    IF j > cardinality(alone) OR shared[i] < alone[j] THEN
      PERFORM pg_advisory_xact_lock_shared(shared[i]);
      i := i + 1;
    ELSE
      PERFORM pg_advisory_xact_lock(alone[j]);
      j := j + 1;
    END IF;
  END LOOP;
END
"""

_VERSION_BODY: Final = """
BEGIN
  RETURN (
    WITH reached AS MATERIALIZED (
      SELECT DISTINCT r.subject FROM subject_ref r
      WHERE r.tenant = p_tenant AND r.key_epoch = ANY (p_epochs) AND r.hmac = ANY (p_hmacs)
    ), links AS (
      SELECT encode(l.subject, 'hex') || ':' || l.kind || '=' || count(*) AS link
      FROM reached JOIN entry_subject l
        ON l.tenant = p_tenant AND l.subject = reached.subject AND l.kind = ANY (p_kinds)
      GROUP BY l.subject, l.kind
    )
    SELECT coalesce((SELECT string_agg(encode(subject, 'hex'), ',' ORDER BY subject) FROM reached), '')
      || '|' || coalesce((SELECT string_agg(link, ',' ORDER BY link COLLATE "C") FROM links), '')
      || '|assertion='
      || (SELECT count(*) FROM entry e WHERE e.tenant = p_tenant AND e.kind = 'assertion' AND e.about = 0)
      || ',packs='
      || (SELECT count(*) FROM entry e WHERE e.tenant = p_tenant AND e.kind = 'packs' AND e.about = 0)
      || ',registry='
      || (SELECT count(*) FROM entry e WHERE e.tenant = p_tenant AND e.kind = 'registry' AND e.about = 0)
  );
END
"""

_APPEND_ARGUMENTS: Final = (
    "p_shared bigint[], p_alone bigint[], p_epochs bigint[], p_hmacs bytea[], p_kinds text[], p_version text,"
    " p_tenant text, p_id bytea, p_kind text, p_at bigint, p_about smallint, p_w bytea, p_n bigint, p_re bytea,"
    " p_end text, p_leaf bytea, p_hash bytea, p_parts text, p_subjects bytea[],"
    " OUT code text, OUT number bigint, OUT stop_ids bytea[], OUT stop_hashes bytea[]"
)

_APPEND_BODY: Final = """
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'consentgate: an entry is appended at READ COMMITTED only'
      USING ERRCODE = 'invalid_transaction_state';
  END IF;
  IF current_setting('synchronous_commit') IN ('off', 'local', 'remote_write') THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  PERFORM set_config('lock_timeout', '4s', true);
  number := 0;
  -- (a) locks; every later statement sees what was committed before they were held
  PERFORM consentgate_lock(p_shared, p_alone);
  IF EXISTS (SELECT FROM entry e WHERE e.tenant = p_tenant AND e.id = p_id) THEN
    code := 'there';
  ELSIF p_kind = 'outcome'
    AND EXISTS (SELECT FROM entry e WHERE e.tenant = p_tenant AND e.re = p_re AND e.kind = 'outcome') THEN
    code := 'late';
  -- (b) version
  ELSIF p_version IS DISTINCT FROM ''
    AND consentgate_version(p_tenant, p_epochs, p_hmacs, p_kinds) IS DISTINCT FROM p_version THEN
    code := 'changed';
    RETURN;
  -- (c) clock
  ELSIF abs(consentgate_now() - p_at) > 2000 THEN
    code := 'clock';
    RETURN;
  ELSE
    -- (d) entry and links; a conflict of ids or outcomes waits for the other transaction's end
    INSERT INTO entry (tenant, id, kind, at, about, w, n, re, "end", leaf, hash, parts)
    VALUES (p_tenant, p_id, p_kind, p_at, p_about, p_w, p_n, p_re, p_end, p_leaf, p_hash, p_parts)
    ON CONFLICT DO NOTHING RETURNING ordinal INTO number;
    IF FOUND THEN
      code := 'done';
      INSERT INTO entry_subject (tenant, entry, subject, kind)
      SELECT p_tenant, p_id, s.subject, p_kind FROM unnest(p_subjects) AS s (subject);
    ELSIF EXISTS (SELECT FROM entry e WHERE e.tenant = p_tenant AND e.id = p_id) THEN
      code := 'there';
    ELSIF EXISTS (SELECT FROM entry e WHERE e.tenant = p_tenant AND e.w = p_w AND e.n = p_n) THEN
      -- no error: that would end the caller's transaction, which goes on in another lane
      code := 'lane';
    ELSE
      code := 'late';
    END IF;
  END IF;
  number := coalesce(number, 0);
  -- (e) stop orders
  IF p_re <> '' THEN
    SELECT array_agg(e.id ORDER BY e.ordinal), array_agg(e.hash ORDER BY e.ordinal)
    INTO stop_ids, stop_hashes
    FROM entry e WHERE e.tenant = p_tenant AND e.re = p_re AND e.kind = 'stop';
  END IF;
END
"""

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
        body=_LOCK_BODY,
    ),
    Function(
        name=VERSION_FUNCTION,
        arguments="p_tenant text, p_epochs bigint[], p_hmacs bytea[], p_kinds text[]",
        returns="text",
        language="plpgsql",
        volatility="s",
        pinned=True,
        body=_VERSION_BODY,
    ),
    Function(
        name=APPEND_FUNCTION,
        arguments=_APPEND_ARGUMENTS,
        returns="record",
        language="plpgsql",
        volatility="v",
        pinned=True,
        body=_APPEND_BODY,
    ),
)
"""What PostgreSQL stores of each of our functions."""

TEST_CLOCK: Final = (
    f"CREATE OR REPLACE FUNCTION {CLOCK_FUNCTION}() RETURNS bigint LANGUAGE sql VOLATILE"
    f" AS $function${TEST_CLOCK_BODY}$function$"
)
"""The statement that gives a marked test database its clock."""
