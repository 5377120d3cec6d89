"""Two tenants in one database, all that can be equal made equal: none sees, counts, locks or changes the other's.

Every public function of `consentgate.storage` is asked; one that is new must be named here, with a case or with the
reason why it knows no tenant.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, Final
from uuid import UUID

import pytest
from sqlalchemy import Connection

from consentgate import ConsentDenied, ConsentGate
from consentgate import storage as storage_package
from consentgate.cli.main import run
from consentgate.config.entries import entry_list, entry_named, entry_opened
from consentgate.config.setup import make_home
from consentgate.config.verification import verify_deployment
from consentgate.errors import InvalidInput, UnknownIssuer
from consentgate.gate.begin import begin
from consentgate.moment import from_millis
from consentgate.storage import (
    anchors,
    anykey,
    artifacts,
    deployment,
    entries,
    glance,
    guarded,
    inbulk,
    intents,
    listing,
    orders,
    personal,
    persons,
    pulse,
    selecting,
    sequence,
    since,
    standing,
    statements,
    subjects,
    versions,
)
from consentgate.storage.anchors import AnchorRow
from consentgate.storage.artifacts import ArtifactRow, NoticeRow
from consentgate.storage.database import Database
from consentgate.storage.entries import EntryRow
from consentgate.storage.guarded import UNGUARDED
from consentgate.storage.sequence import Sequenced, TreeRow
from consentgate.storage.subjects import DataKeyRow, ReferenceRow
from tests.databases import raw
from tests.functional.canaries import CUSTOMER, PHONE, TRANSACTION, Canaries, person
from tests.functional.gate.conftest import NOTICE
from tests.functional.races.place import ISS, History
from tests.functional.storage.place import START, database_at, entry_row

ANN, BEN = UUID(int=1), UUID(int=2)
HMAC = b"h" * 32
DIGEST = b"d" * 32
KEY = b"k" * 32
LANE = b"w" * 16
STATEMENT, INTENT, STOP, OUTCOME, NOTE, PACKS = (UUID(int=n) for n in range(10, 16))
KINDS = ("statement", "intent", "stop", "outcome", "observation", "packs")

# Why a function knows no tenant.
ONE_LOG: Final = "all tenants of a database share one log, whose leaves name none"
WHOLE: Final = "reads the database as a whole: verification trusts no column that splits it"
DATABASE: Final = "is about the database or its place, not about rows of a ledger"
PURE: Final = "reads and writes nothing"
KEYED: Final = "is asked by tenant and id together, as a test here does"
TURN: Final = "takes a lock of the tenant's own, and reads no row"
LOCKS: Final = "locks numbers; those of two tenants differ, as a test here shows"
WITHOUT_TENANT: Final = {
    **dict.fromkeys(
        (
            "anchors.insert_anchor",
            "anchors.newest_of",
            "anchors.beyond",
            "anchors.anchors_at",
            "anchors.sizes_of_kind",
            "checkpoints.insert_checkpoint",
            "checkpoints.latest_checkpoint",
            "checkpoints.checkpoint_at",
            "checkpoints.checkpoints",
            "checkpoints.newest_of_origin",
            "looking.unsequenced",
            "looking.looked_at",
            "looking.looked_among",
            "looking.leaves",
            "looking.opening",
            "sequence.sequenced",
            "sequence.tiles",
            "sequence.latest_tree",
            "sequence.end_of",
            "sequence.wait_turn",
            "sequence.has_turn",
            "sequence.insert_batch",
        ),
        ONE_LOG,
    ),
    **dict.fromkeys(
        (
            "inbulk.batches",
            "inbulk.count_links",
            "inbulk.damage",
            "inbulk.entries",
            "inbulk.positions",
            "inbulk.raw",
            "inbulk.repeated",
            "since.checkpoints",
            "since.entries",
            "since.first_row",
            "since.log_size",
            "since.positioned_again",
            "since.positions",
            "since.repeated",
            "since.some_tiles",
            "since.tiles",
            "since.tree_states",
            "stored.damage",
            "stored.count",
            "stored.strays",
            "stored.entries",
            "stored.table",
            "stored.positions",
            "stored.tiles",
            "stored.tree_states",
            "stored.checkpoints",
            "stored.anchors",
            "stored.has_anchors",
            "stored.file_of",
        ),
        WHOLE,
    ),
    **dict.fromkeys(
        (
            "catalogue.differences",
            "deployment.current_log",
            "deployment.fact",
            "deployment.facts",
            "deployment.insert_fact",
            "bounded.bounded",
            "deployment.is_test_database",
            "deployment.mark_test_database",
            "deployment.now",
            "engines.open_engine",
            "engines.require_driver",
            "engines.own_engine",
            "fileturns.turns_of",
            "forks.closed",
            "forks.keep",
            "forks.opening",
            "forks.passing",
            "guards.problems",
            "guards.revision_of",
            "guards.repairs",
            "place.refuse_lambda",
            "place.refuse_memory",
            "place.refuse_network",
            "neighbours.is_sound",
            "neighbours.open_lanes",
            "pulse.may_append",
            "readonly.read_only",
            "roles.statements",
            "roles.names",
            "roles.apply",
            "rowsecurity.statements",
            "rowsecurity.role",
            "rowsecurity.problems",
            "rowsecurity.require",
            "schema.migrations_folder",
            "schema.upgrade",
            "schema.check",
            "schema.sql",
            "shape.differences",
        ),
        DATABASE,
    ),
    **dict.fromkeys(
        (
            "arrays.numbers",
            "arrays.octets",
            "arrays.words",
            "entries.row_of",
            "failures.is_repeatable",
            "failures.translate",
            "failures.translated",
            "line.reset",
            "locks.are_needed",
            "prepared.call",
            "prepared.run",
            "prepared.first_of",
            "selecting.batches",
            "shape.expected",
            "triggers.keys_of",
            "triggers.sqlite_triggers",
            "triggers.postgresql_triggers",
            "versions.text",
        ),
        PURE,
    ),
    **dict.fromkeys(
        (
            "inbulk.find",
            "inbulk.links_of",
            "persons.data_keys_of",
            "persons.first_links",
            "persons.last_about",
            "persons.references_of",
            "persons.references_to",
            "persons.statements_about",
            "since.answering",
            "since.in_lanes",
            "since.statements_of",
        ),
        KEYED,
    ),
    "pulse.has_turn": TURN,
    "locks.hold": LOCKS,
    "locks.hold_settled": LOCKS,
}
# These insert: `fill` calls them for both tenants with rows whose every key is equal.
INSERTING: Final = {
    "artifacts.put_artifact",
    "artifacts.put_artifacts",
    "artifacts.insert_notice",
    "entries.insert_entry",
    "guarded.append",
    "statements.insert_statement",
    "subjects.insert_reference",
    "subjects.insert_data_key",
    "subjects.link",
}
_COUNTING: Final[dict[str, Any]] = {"epochs": (1,), "hmacs": (HMAC,), "kinds": KINDS}


def _without_time(connection: Connection, tenant: str) -> object:
    found = standing.standing(connection, tenant, entry_id=INTENT.bytes, re=INTENT.bytes)
    return found.there, found.late


READING: Final[Mapping[str, Callable[[Connection, str], object]]] = {
    "anykey.any_data_key": anykey.any_data_key,
    "anchors.first_anchored": lambda c, t: anchors.first_anchored(c, t, [INTENT]),
    "artifacts.artifact_of": lambda c, t: artifacts.artifact_of(c, t, DIGEST),
    "artifacts.notice_of": lambda c, t: artifacts.notice_of(c, t, notice_id="n", version="1", language="en"),
    "artifacts.notices": artifacts.notices,
    "entries.by_id": lambda c, t: entries.by_id(c, t, INTENT),
    "entries.tenant_wide": lambda c, t: [entries.tenant_wide(c, t, kind) for kind in KINDS],
    "entries.of_kind": lambda c, t: [entries.of_kind(c, t, kind) for kind in KINDS],
    "entries.latest": lambda c, t: [entries.latest(c, t, kind) for kind in KINDS],
    "entries.counts_by_kind": lambda c, t: entries.counts_by_kind(c, t, KINDS),
    "entries.final_outcome": lambda c, t: entries.final_outcome(c, t, INTENT),
    "entries.stop_orders": lambda c, t: entries.stop_orders(c, t, INTENT),
    "entries.answers": lambda c, t: entries.answers(c, t, INTENT, kinds=KINDS),
    "entries.hash_in_lane": lambda c, t: entries.hash_in_lane(c, t, LANE, 1),
    "glance.glance": lambda c, t: glance.glance(
        c, t, calls=(), tenant_wide=versions.CONTROLLER_KINDS, **_COUNTING
    ),
    "intents.intents_between": lambda c, t: intents.intents_between(
        c, t, after=UUID(int=0), until=UUID(int=(1 << 128) - 1)
    ),
    "intents.open_intents": intents.open_intents,
    "listing.listed": lambda c, t: listing.listed(c, t, limit=99),
    "listing.ids_ending": lambda c, t: listing.ids_ending(c, t, INTENT.bytes[-4:]),
    "orders.newest_before": lambda c, t: orders.newest_before(c, t, START + timedelta(days=1)),
    "orders.open_orders": orders.open_orders,
    "orders.orders_named": lambda c, t: orders.orders_named(
        c, t, [each.id for each in orders.open_orders(c, t)]
    ),
    "personal.page": lambda c, t: [personal.page(c, t, kind) for kind in KINDS],
    "personal.last_ordinal": lambda c, t: [personal.last_ordinal(c, t, kind) for kind in KINDS],
    "persons.in_force": lambda c, t: persons.in_force(c, t, "packs", log=0, size=100, low=0),
    "pulse.newest_at": lambda c, t: pulse.newest_at(c, t) is not None,
    "pulse.waiting": lambda c, t: pulse.waiting(c, t, log=0, own=lambda *_: True).since is not None,
    "selecting.answered_by": lambda c, t: selecting.answered_by(c, t, [STOP.bytes, NOTE.bytes]),
    "selecting.answers_to": lambda c, t: selecting.answers_to(c, t, [INTENT.bytes]),
    "selecting.linked_to": lambda c, t: selecting.linked_to(c, t, [ANN, BEN]),
    "selecting.of_kinds": lambda c, t: selecting.of_kinds(c, t, [INTENT.bytes, PACKS.bytes], KINDS),
    "selecting.placed": lambda c, t: list(selecting.placed(c, t, range(50), log=0)),
    "selecting.places": lambda c, t: sorted(selecting.places(c, t, [INTENT.bytes, STOP.bytes], log=0)),
    "selecting.rows": lambda c, t: list(selecting.rows(c, t, [INTENT.bytes, STOP.bytes])),
    "selecting.scan": lambda c, t: list(selecting.scan(c, t, kinds=KINDS)),
    "sequence.position_of": lambda c, t: sequence.position_of(c, t, INTENT),
    "standing.counted": lambda c, t: standing.counted(
        c, t, tenant_wide=versions.CONTROLLER_KINDS, calls=[HMAC], **_COUNTING
    ),
    "standing.standing": _without_time,
    "standing.stop_hashes": lambda c, t: standing.stop_hashes(c, t, INTENT),
    "statements.entry_of": lambda c, t: statements.entry_of(c, t, KEY),
    "subjects.resolve": lambda c, t: subjects.resolve(c, t, epochs=[1], hmacs=[HMAC]),
    "subjects.data_keys": lambda c, t: subjects.data_keys(c, t, [ANN, BEN]),
    "subjects.counts": lambda c, t: subjects.counts(c, t, [ANN, BEN]),
    "subjects.entries_of": lambda c, t: subjects.entries_of(c, t, [ANN, BEN], KINDS),
    "subjects.subjects_of": lambda c, t: subjects.subjects_of(c, t, [STATEMENT, INTENT]),
    "versions.read": lambda c, t: versions.read(c, t, **_COUNTING),
}


# What is read across tenants for verification, and still asked for one at a time; each row names its tenant.
BY_KEY: Final[Mapping[str, Callable[[Connection, str], list[Any]]]] = {
    "inbulk.find": lambda c, t: [row["tenant"] for row in inbulk.find(c, [(t, INTENT.bytes)])],
    "inbulk.links_of": lambda c, t: [row["tenant"] for row in inbulk.links_of(c, [(t, INTENT.bytes)])],
    "persons.data_keys_of": lambda c, t: [row["tenant"] for row in persons.data_keys_of(c, [(t, ANN.bytes)])],
    "persons.first_links": lambda c, t: [
        row[0] for row in persons.first_links(c, [(t, ANN.bytes)], log=0, size=9)
    ],
    "persons.last_about": lambda c, t: [
        row[0] for row in persons.last_about(c, [(t, ANN.bytes)], log=0, size=9)
    ],
    "persons.references_of": lambda c, t: [row["tenant"] for row in persons.references_of(c, [(t, 1, HMAC)])],
    "persons.references_to": lambda c, t: [
        row["tenant"] for each in (ANN, BEN) for row in persons.references_to(c, [(t, each.bytes)])
    ],
    "persons.statements_about": lambda c, t: [
        row[1] for row in persons.statements_about(c, [(t, ANN.bytes)], log=0, size=9)
    ],
    "since.answering": lambda c, t: [row["tenant"] for row in since.answering(c, [(t, INTENT.bytes)])],
    "since.in_lanes": lambda c, t: [row["tenant"] for row in since.in_lanes(c, [(t, LANE, 1)])],
    "since.statements_of": lambda c, t: [
        row["tenant"] for row in since.statements_of(c, [(t, STATEMENT.bytes)])
    ],
}


def public_functions() -> dict[str, Callable[..., object]]:
    """Every public function that a module of storage/ defines."""
    found: dict[str, Callable[..., object]] = {}
    for module in pkgutil.iter_modules(storage_package.__path__):
        namespace = importlib.import_module(f"{storage_package.__name__}.{module.name}")
        for name, each in inspect.getmembers(namespace, callable):
            # One that keeps its answers is a function too.
            function = inspect.unwrap(each)
            own = inspect.isfunction(function) and function.__module__ == namespace.__name__
            if own and not name.startswith("_"):
                found[f"{module.name}.{name}"] = function
    return found


def rows_of(tenant: str) -> tuple[EntryRow, ...]:
    """Entries whose ids, places and hashes are the same for every tenant; what they hold is not."""
    given = (
        ("packs", PACKS, None, None),
        ("statement", STATEMENT, None, None),
        ("intent", INTENT, None, None),
        ("stop", STOP, INTENT, None),
        ("outcome", OUTCOME, INTENT, "succeeded"),
        ("observation", NOTE, STOP, "unknown"),
    )
    return tuple(
        replace(
            entry_row(
                kind, entry=id_, tenant=tenant, re=re, end=end, w=LANE, n=n, about_people=kind != "packs"
            ),
            hash=bytes([n]) * 32,
            leaf=tenant.encode(),
            parts=tenant,
        )
        for n, (kind, id_, re, end) in enumerate(given)
    )


def fill(connection: Connection, tenant: str) -> None:
    """Give a tenant one row of everything."""
    content = tenant.encode()
    artifacts.put_artifact(
        connection,
        tenant,
        ArtifactRow(digest=DIGEST, kind="notice", media_type="text/plain", content=content),
    )
    several = [
        ArtifactRow(digest=each * 32, kind="pack", media_type="text/plain", content=content)
        for each in (b"p", b"q")
    ]
    artifacts.put_artifacts(connection, tenant, several)
    artifacts.insert_notice(
        connection, tenant, NoticeRow(id="n", version="1", language="en", digest=DIGEST, manifest=DIGEST)
    )
    subject = ANN if tenant == "one" else BEN
    subjects.insert_reference(connection, tenant, ReferenceRow(key_epoch=1, hmac=HMAC, subject=subject))
    subjects.insert_data_key(connection, tenant, DataKeyRow(subject=ANN, wrapping_key="k", wrapped=content))
    *first, last = rows_of(tenant)
    for row in first:
        entries.insert_entry(connection, row)
        subjects.link(connection, tenant, row.id, row.kind, [ANN] if row.about_people else [])
    at = from_millis(deployment.now(connection))
    assert guarded.append(connection, replace(last, at=at), [ANN], UNGUARDED).code == "done"
    statements.insert_statement(connection, tenant, STATEMENT, KEY)


def asked(database: Database, tenant: str) -> dict[str, object]:
    """Ask every question for a tenant."""
    with database.read() as connection:
        return {name: question(connection, tenant) for name, question in READING.items()}


@pytest.fixture
def database(tmp_path: Path, on_database: None) -> Iterator[Database]:
    with database_at(tmp_path) as opened:
        yield opened


def test_every_function_of_storage_has_a_case_or_a_reason() -> None:
    found = public_functions()
    assert found.keys() == READING.keys() | INSERTING | WITHOUT_TENANT.keys()
    for name, function in found.items():
        parameters = inspect.signature(function).parameters
        row = parameters.get("row")
        knows = "tenant" in parameters or (row is not None and row.annotation is EntryRow)
        assert knows == (name not in WITHOUT_TENANT or WITHOUT_TENANT[name] == TURN), name
    assert not READING.keys() & WITHOUT_TENANT.keys()


def test_rows_of_one_tenant_are_nothing_to_another(database: Database) -> None:
    nothing = asked(database, "one")
    database.write(lambda connection: fill(connection, "one"))
    alone = asked(database, "one")
    # Each question has an answer that a stranger's rows could change; only nobody's task is in the log yet.
    unmoved = {name for name in alone if alone[name] == nothing[name]}
    assert unmoved <= {
        "anchors.first_anchored",
        "intents.open_intents",
        "persons.in_force",
        "selecting.placed",
        "selecting.places",
        "sequence.position_of",
    }
    assert asked(database, "two") == nothing
    database.write(lambda connection: fill(connection, "two"))
    assert asked(database, "one") == alone
    for name, answer in asked(database, "two").items():
        assert "'one'" not in repr(answer), name
        assert "'two'" not in repr(alone[name]), name
    assert asked(database, "three") == nothing


def test_what_is_asked_by_tenant_and_id_gives_that_tenants_rows(database: Database) -> None:
    assert {name for name, why in WITHOUT_TENANT.items() if why == KEYED} == BY_KEY.keys()

    def placed(connection: Connection) -> None:
        for tenant in ("one", "two"):
            fill(connection, tenant)
        rows = [
            Sequenced(position=at, tenant=tenant, entry=row.id.bytes, hash=row.hash)
            for at, (tenant, row) in enumerate((t, row) for t in ("one", "two") for row in rows_of(t)[:3])
        ]
        tree = TreeRow(size=len(rows), frontier=b"", root=bytes(32), at=START)
        sequence.insert_batch(connection, rows=rows, full_tiles=[], tree=tree)

    database.write(placed)
    with database.read() as connection:
        for name, question in BY_KEY.items():
            for tenant in ("one", "two"):
                found = question(connection, tenant)
                assert found, name
                assert set(found) == {tenant}, name
            assert question(connection, "three") == [], name


def test_open_intent_and_position_are_the_tenants_own(database: Database) -> None:
    def work(connection: Connection) -> None:
        for row in rows_of("one")[:3]:
            entries.insert_entry(connection, row)

    database.write(work)
    with database.read() as connection:
        assert [row.id for row in intents.open_intents(connection, "one")] == [INTENT]
        assert intents.open_intents(connection, "two") == ()
        assert sequence.position_of(connection, "two", INTENT) is None

    def anchored(connection: Connection) -> None:
        (row,) = [each for each in rows_of("one") if each.id == INTENT]
        placed = Sequenced(position=0, tenant="one", entry=INTENT.bytes, hash=row.hash)
        tree = TreeRow(size=1, frontier=b"", root=row.hash, at=START)
        sequence.insert_batch(connection, rows=[placed], full_tiles=[], tree=tree)
        kept = AnchorRow(name="second-site", size=1, kind="directory", evidence="1", at=START)
        anchors.insert_anchor(connection, kept)

    database.write(anchored)
    with database.read() as connection:
        assert sequence.position_of(connection, "one", INTENT) == 0
        assert anchors.first_anchored(connection, "one", [INTENT]) == {INTENT: START}
        assert sequence.position_of(connection, "two", INTENT) is None
        assert anchors.first_anchored(connection, "two", [INTENT]) == {}
        intent, log = "intent", {"log": 0, "size": 1, "low": 0}
        assert [each[2] for each in persons.in_force(connection, "one", intent, **log)] == [INTENT.bytes]
        assert persons.in_force(connection, "two", intent, **log) == []


@pytest.fixture
def gates(tmp_path: Path, on_database: None) -> Iterator[tuple[ConsentGate, ConsentGate]]:
    """Two tenants with the same keys, in the same database."""
    made = make_home(tmp_path / "home", controller="acme")
    with ExitStack() as stack:
        opened = [
            stack.enter_context(ConsentGate(replace(made.settings, tenant=tenant), background=False))
            for tenant in ("one", "two")
        ]
        for gate in opened:
            settle(gate)
        yield opened[0], opened[1]


def settle(gate: ConsentGate) -> None:
    gate.add_notice(b"Acme makes a voiceprint to check that you are you, for two years.", **NOTICE)
    since = gate._parts.book.now() - timedelta(days=30)
    gate.assert_("public_policy_published", True, by="privacy@acme.example", since=since)
    gate.add_issuer(ISS, name="Acme IVR")


def step(gate: ConsentGate, what: str, history: History) -> str:
    """Do one thing as a backend would, and tell what came of it."""
    issuer = gate.issuer(ISS)
    if what == "grant":
        issuer.grant(history.caller, notice="voiceprint", method="ivr_dtmf")
    elif what == "withdraw":
        return f"{len(issuer.withdraw(history.caller, method='ivr_dtmf').stops)} stopped"
    elif what == "register":
        people = list(history.people)
        told = gate.register_call(
            f"tx-{history.number}", caller=people, purpose="authentication", recording_consent="all_parties"
        )
        return "told" if told else "known"
    else:
        context = gate._parts.gate
        try:
            begin(context, history.request(context.book.new_id(context.book.now())))
        except ConsentDenied as denied:
            return ",".join(sorted({reason.code for reason in denied.reasons}))
    return "done"


@pytest.mark.parametrize("seed", range(3))
def test_whatever_one_tenant_does_the_other_is_decided_as_if_alone(
    gates: tuple[ConsentGate, ConsentGate], seed: int
) -> None:
    one, two = gates
    random = Random(seed)
    histories = [History(number=1, kind="withdrawn"), History(number=2, kind="by_phone")]
    acts = ("grant", "register", "ask", "ask", "withdraw")
    steps = [(random.choice(acts), random.choice(histories)) for _ in range(20)]
    alone = [step(one, *each) for each in steps]
    answers: list[str] = []
    for each in steps:
        # The first one goes on meanwhile, with the same people, on the same calls.
        step(one, random.choice(acts), random.choice(histories))
        answers.append(step(two, *each))
    assert answers == alone


def test_tenants_hold_other_locks_and_other_names(gates: tuple[ConsentGate, ConsentGate]) -> None:
    one, two = (gate._parts.book.vault for gate in gates)
    references = History(number=1, kind="by_phone").caller.known_as
    mine = one.lock_numbers(references, call="c", controller=True)
    assert len(mine) == 4
    assert mine.isdisjoint(two.lock_numbers(references, call="c", controller=True))
    for reference in references:
        assert {*one.hashes(reference.kind, reference.value)}.isdisjoint(
            two.hashes(reference.kind, reference.value)
        )


def test_entries_of_one_are_not_shown_to_the_other_and_both_verify(
    gates: tuple[ConsentGate, ConsentGate],
) -> None:
    _, two = gates
    history = History(number=1, kind="withdrawn")
    for gate in gates:
        for what in ("grant", "register", "ask"):
            assert step(gate, what, history) in {"done", "told"}
    mine, others = (
        {each.id for each in entry_list(g._parts, kinds=(), only_open=False, after=None, limit=99)}
        for g in gates
    )
    assert mine
    assert others
    assert mine.isdisjoint(others)
    for entry in mine:
        with pytest.raises(InvalidInput):
            entry_named(two._parts, str(entry)[-12:])
        with pytest.raises(InvalidInput):
            entry_opened(two._parts, entry)
    for gate in gates:
        found = verify_deployment(gate._parts.settings, vkey=None, with_keys=True, step=lambda: None)
        # Of both together: nothing is missing but the log, which nobody has kept here.
        kinds = {finding.kind for finding in found.verification.findings}
        assert kinds == {"unsequenced", "uncovered"}


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["text", "json"])
def test_verification_with_one_tenants_settings_shows_nothing_of_the_other(
    gates: tuple[ConsentGate, ConsentGate], form: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = gates
    canaries = Canaries()
    for value in (PHONE, CUSTOMER, TRANSACTION):
        canaries.add(value, value.encode())
    ivr = two.issuer(ISS)
    canaries.add_token("grant", ivr.grant(person(), notice="voiceprint", method="ivr_dtmf").token)
    two.register_call(
        TRANSACTION, caller=[person()], purpose="authentication", recording_consent="all_parties"
    )
    canaries.add_token("withdrawal", ivr.withdraw(person(), method="ivr_dtmf").token)
    # The keys are those of both, so all of it is opened; and nearly all of it is wrong.
    settings = one._parts.settings
    with raw(settings.database) as database:
        for damage in (
            "DELETE FROM subject_ref WHERE tenant = 'two'",
            "DELETE FROM entry_subject WHERE tenant = 'two'",
            "UPDATE entry SET parts = '' WHERE tenant = 'two' AND kind = 'call'",
            "UPDATE entry SET re = id WHERE tenant = 'two' AND kind = 'statement'",
        ):
            database.unguarded(damage)
    file = settings.home / "consentgate.toml"
    file.write_text(f'tenant = "one"\n{file.read_text()}')
    assert run(["verify", "--home", str(settings.home), *form]) == 1
    said = capsys.readouterr()
    assert len(said.out) > 1000
    assert canaries.shown(said.out + said.err) == []


def test_an_issuer_of_one_is_a_stranger_to_the_other(gates: tuple[ConsentGate, ConsentGate]) -> None:
    one, two = gates
    issued = one.issuer(ISS).refuse(History(number=1, kind="refused").caller, method="ivr_dtmf")
    one.ingest(issued.token)
    with pytest.raises(UnknownIssuer):
        two.ingest(issued.token)
