import pickle
import sqlite3

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError, InvalidRequestError, OperationalError

from consentgate.errors import ConsentGateError, Damaged, SchemaMismatch, Unavailable
from consentgate.storage.failures import Duplicate, translate, translated

CANARY = "+15550123"


def of(text: str, kind: type[DBAPIError] = OperationalError) -> DBAPIError:
    return kind("INSERT INTO entry VALUES (?)", {"value": CANARY}, sqlite3.OperationalError(text))


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("database or disk is full", Unavailable, "full"),
        ("database is locked", Unavailable, "lock"),
        ("attempt to write a readonly database", Unavailable, "written"),
        ("unable to open database file", Unavailable, "path"),
        ("disk I/O error", Unavailable, "disk"),
        ("file is not a database", Unavailable, "path"),
        ("database disk image is malformed", Damaged, "restore"),
        ("consentgate: entry is insert-only", Unavailable, "insert-only"),
        ("no such table: entry", SchemaMismatch, "db upgrade"),
        ('relation "entry" does not exist', SchemaMismatch, "db upgrade"),
        ("something that nobody foresaw", Unavailable, "OperationalError"),
    ],
)
def test_each_error_says_who_must_act(text: str, kind: type[ConsentGateError], words: str) -> None:
    found = translate(of(text))
    assert type(found) is kind
    assert words in str(found)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("consentgate: key uq_entry_id exists", "uq_entry_id"),
        (
            'duplicate key value violates unique constraint "uq_entry_lane"\nDETAIL: Key (w)=(\\x00)',
            "uq_entry_lane",
        ),
        ("UNIQUE constraint failed: subject_ref.tenant, subject_ref.hmac", "pk_subject_ref"),
    ],
)
def test_key_of_a_duplicate_is_named_on_both_databases(text: str, key: str) -> None:
    found = translate(of(text, IntegrityError))
    assert isinstance(found, Duplicate)
    assert found.key == key
    assert pickle.loads(pickle.dumps(found)).key == key


def test_broken_constraint_is_told_without_its_row() -> None:
    found = translate(of(f"CHECK constraint failed: {CANARY}", IntegrityError))
    assert isinstance(found, Unavailable)
    assert CANARY not in str(found)


def test_error_of_sqlalchemy_itself_is_translated() -> None:
    with pytest.raises(Unavailable, match="InvalidRequestError"), translated():
        raise InvalidRequestError(CANARY)


def test_text_that_cannot_be_read_back_is_damage_and_is_not_shown() -> None:
    with pytest.raises(Damaged) as caught, translated():
        f"{CANARY}\udcff".encode(errors="surrogateescape").decode()
    assert caught.value.__cause__ is None
    assert CANARY not in str(caught.value)


def test_nothing_of_a_row_is_shown() -> None:
    import traceback

    with pytest.raises(ConsentGateError) as caught, translated():
        raise of("database is locked")
    shown = "".join(traceback.format_exception(caught.value))
    assert CANARY not in shown.replace(f'CANARY = "{CANARY}"', "")


def test_other_errors_pass() -> None:
    with pytest.raises(KeyError), translated():
        raise KeyError
