"""The same export made again is the same, byte for byte; and where it cannot be, it says so."""

from dataclasses import replace
from pathlib import Path

import pytest

from consentgate import NOBODY, Evidence, Speaker
from consentgate.config.exporting import export_again
from consentgate.crypto.jwk import generate_signing_key
from consentgate.errors import InvalidInput, Misconfigured
from consentgate.export import making
from consentgate.export.making import Package
from tests.databases import raw
from tests.functional.export.place import ASKED, copied, tree
from tests.functional.gate.conftest import ISS
from tests.packages import OPERATIONS, PERSON, Exporter, keep_log


def test_made_again_it_is_the_same(exporter: Exporter, made: Package, tmp_path: Path) -> None:
    parts = exporter.world.gate._parts
    # What came since changes nothing, also in the settings.
    since = replace(parts, settings=replace(parts.settings, controller="acme, later"))
    again = export_again(since, made.export[-8:], tmp_path / "made")
    assert again.folder.name == made.folder.name
    assert again.letter is None
    assert tree(again.folder) == tree(made.folder)


def test_narrow_one_too(exporter: Exporter, narrow_package: Path, tmp_path: Path) -> None:
    id_ = next(
        str(row.id) for row, parts in exporter.world.opened("export") if parts["body.0"]["prefix"] == "ACME-"
    )
    assert tree(export_again(exporter.world.gate._parts, id_, tmp_path).folder) == tree(narrow_package)


def test_what_the_ledger_learnt_since_changes_nothing(exporter: Exporter, tmp_path: Path) -> None:
    home = [Evidence(code="US-IL", kind="account_address", source="crm", confidence="high")]
    with copied(exporter, tmp_path) as gate:
        keep_log(gate)
        own = {**ASKED, "subject": PERSON, "role": "subject"}
        made = gate.export("Own data", tmp_path / "one", **own)
        ivr = gate.issuer(ISS)
        ivr.same_subject(PERSON, ("customer", "3003"), method="web_form")
        ada = Speaker([PERSON, ("phone", "+12175550188")], home, adult=True)
        ivr.grant(ada, notice="everything", method="ivr_dtmf", operations=OPERATIONS)
        gate.register_call("tx-since", caller=[ada], callee=NOBODY, purpose="authentication")
        keep_log(gate)
        assert tree(export_again(gate._parts, made.export, tmp_path / "two").folder) == tree(made.folder)
        # It is another person's statement too by now, and there is more of their own.
        since = gate.export("Own data", tmp_path / "three", **own).totals
        assert since.exported > made.totals.exported
        assert since.by_reason["other_person"] > made.totals.by_reason["other_person"]


def test_whom_a_reference_named_is_on_record(exporter: Exporter, tmp_path: Path) -> None:
    with copied(exporter, tmp_path) as gate:
        keep_log(gate)
        made = gate.export("Own data", tmp_path / "one", **ASKED, subject=PERSON, role="subject")
        parts = gate._parts
        (hashed,) = parts.book.vault.hashes(*PERSON)
        with raw(parts.settings.database) as connection:
            connection.execute("DELETE FROM subject_ref WHERE hmac = ?", (hashed,))
        assert tree(export_again(parts, made.export, tmp_path / "two").folder) == tree(made.folder)


def test_what_was_closed_stays_closed(exporter: Exporter, tmp_path: Path) -> None:
    with copied(exporter, tmp_path) as gate:
        keep_log(gate)
        parts = gate._parts
        with raw(parts.settings.database) as connection:
            links = connection.execute("SELECT * FROM entry_subject WHERE kind = 'statement'").fetchall()
            connection.execute("DELETE FROM entry_subject WHERE kind = 'statement'")
        made = gate.export("Closed", tmp_path / "one", **ASKED, query="kind=statement")
        assert made.totals.by_reason["destroyed"] >= len(links)
        with raw(parts.settings.database) as connection:
            for link in links:
                connection.execute(f"INSERT INTO entry_subject VALUES ({','.join('?' * len(link))})", link)
        assert tree(export_again(parts, made.export, tmp_path / "two").folder) == tree(made.folder)


def test_key_that_was_destroyed_since_is_told_by_number(exporter: Exporter, tmp_path: Path) -> None:
    with copied(exporter, tmp_path) as gate:
        keep_log(gate)
        made = gate.export("Erased", tmp_path / "out", **ASKED, subject=("customer", "2002"))
        parts = gate._parts
        with parts.database.read() as connection:
            asked = gate._parts.book.vault.hashes("customer", "2002")
            del connection
        with raw(parts.settings.database) as connection:
            for table in ("data_key", "entry_subject"):
                connection.execute(
                    f"DELETE FROM {table} WHERE subject IN (SELECT subject FROM subject_ref WHERE hmac = ?)",
                    (asked[0],),
                )
        with pytest.raises(InvalidInput, match=r"keys were destroyed .* CG0000"):
            export_again(parts, made.export, tmp_path)
        assert [path.name for path in tmp_path.iterdir() if path.name.startswith("erased")] == []
        # Exported anew, the parts are withheld.
        anew = gate.export("Erased", tmp_path / "out", **ASKED, query="kind=statement")
        assert anew.totals.by_reason["destroyed"] > 1


def test_another_version_or_key_is_refused(
    exporter: Exporter, made: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = exporter.world.gate._parts
    with monkeypatch.context() as patch:
        patch.setattr(making, "VERSION", "9.9.9")
        with pytest.raises(InvalidInput, match=r"made by consentgate 0\.1\.0"):
            export_again(parts, made.export, tmp_path)
    other = generate_signing_key()
    monkeypatch.setattr("consentgate.config.exporting.package_key", lambda _: other)
    with pytest.raises(InvalidInput, match="another package key"):
        export_again(parts, made.export, tmp_path)


def test_what_is_no_export_is_refused(exporter: Exporter, made: Package, tmp_path: Path) -> None:
    parts = exporter.world.gate._parts
    denial = str(exporter.world.opened("denial")[0][0].id)
    with pytest.raises(InvalidInput, match="no export of this id"):
        export_again(parts, denial, tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInput, match="is not a folder"):
        export_again(parts, made.export, tmp_path / "file")


def test_package_key_is_the_owners_alone_and_is_made_once(exporter: Exporter, tmp_path: Path) -> None:
    with copied(exporter, tmp_path) as gate:
        settings = gate._parts.settings
        assert settings.package_key.stat().st_mode & 0o777 == 0o600
        first = gate.export("Key", tmp_path / "one", **ASKED, transaction="tx-1").fingerprint
        settings.package_jwk.unlink()
        assert gate.export("Key", tmp_path / "two", **ASKED, transaction="tx-1").fingerprint == first
        assert first in settings.package_jwk.read_text()
        settings.package_key.write_text("nonsense")
        with pytest.raises(Misconfigured, match="Restore"):
            gate.export("Key", tmp_path / "three", **ASKED, transaction="tx-1")
        # An older home has none: it gets one.
        settings.package_key.unlink()
        settings.package_jwk.unlink()
        assert gate.export("Key", tmp_path / "four", **ASKED, transaction="tx-1").fingerprint != first
