"""What a package holds: every line of it follows from the ledger, and it verifies."""

import json
import re
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import jwt

from consentgate.canonical import unb64
from consentgate.export.making import Package
from consentgate.storage import entries
from consentgate.tlog.merkle import leaf_hash
from consentgate.verify.package.levels import verify_package
from tests.functional.docs.pages import text_of
from tests.functional.export.place import lines, manifest, records
from tests.packages import Exporter


def test_good_packages_verify(package: Path, narrow_package: Path) -> None:
    assert verify_package(package).findings == {}
    assert verify_package(narrow_package).findings == {}


def test_everything_is_there_and_in_the_order_of_the_log(exporter: Exporter, package: Path) -> None:
    found = lines(package, "data/records/entries.jsonl")
    parts = exporter.world.gate._parts
    with parts.database.read() as connection:
        for each in found:
            (row,) = [entries.by_id(connection, parts.book.tenant, _id(each))]
            assert row is not None
            assert unb64(each["leaf"]) == row.leaf
            assert [part["jwe"] for part in each["parts"]] == (row.parts.split("\n") if row.parts else [])
    # The exports themselves came later than the checkpoint.
    assert [each["position"] for each in found] == list(range(len(found)))
    assert [each["bates"] for each in found] == [f"CG{n:08d}" for n in range(1, len(found) + 1)]


def test_counts_reconcile(package: Path) -> None:
    counts, found = manifest(package)["counts"], lines(package, "data/records/entries.jsonl")
    parts = [part for each in found for part in each["parts"]]
    withheld = lines(package, "data/withheld/withheld.jsonl")
    assert counts["selected"] == counts["exported"] + counts["withheld_entries"]
    assert (counts["exported"], counts["parts"]) == (len(found), len(parts))
    assert counts["parts_open"] == sum("key" in part for part in parts)
    assert counts["parts_withheld"] == len(withheld) == sum("withheld" in part for part in parts)
    assert {each["reason"] for each in withheld} == {"destroyed", "matches"}


def test_no_data_key_and_no_key_of_a_withheld_part_is_disclosed(exporter: Exporter, package: Path) -> None:
    text = b"".join(path.read_bytes() for path in package.rglob("*") if path.is_file())
    parts = exporter.world.gate._parts
    with exporter.world.raw() as raw:
        found = raw.execute("SELECT wrapping_key, wrapped FROM data_key").fetchall()
    keys = [parts.book.vault._custody.unwrap(wrapping, wrapped) for wrapping, wrapped in found]
    assert keys
    for key in keys:
        assert key not in text
        assert key.hex().encode() not in text
    for each in lines(package, "data/records/entries.jsonl"):
        assert all(("key" in part) != ("withheld" in part) for part in each["parts"])


def test_statements_are_as_they_were_signed(package: Path) -> None:
    jwks = json.loads((package / "data/keys/issuers.jwks.json").read_text())
    keys = {each["kid"]: jwt.PyJWK(each, algorithm="EdDSA") for each in jwks["keys"]}
    found = sorted((package / "data/statements").iterdir())
    assert found
    for path in found:
        token = path.read_text()
        claims = jwt.decode(
            token,
            keys[jwt.get_unverified_header(token)["kid"]],
            algorithms=["EdDSA"],
            options={"verify_iat": False},
        )
        assert claims["state"] in ("ConsentGiven", "ConsentRefused", "ConsentWithdrawn")


def test_manifest_is_signed_and_lists_every_file(package: Path, made: Package) -> None:
    said = manifest(package)
    (token,) = [(package / "manifest.jws").read_text()]
    key = jwt.PyJWK(json.loads((package / "package.jwk").read_text()), algorithm="EdDSA")
    header = jwt.get_unverified_header(token)
    assert header == {"alg": "EdDSA", "kid": made.fingerprint, "typ": "consentgate-package+jwt"}
    assert (
        jwt.api_jws.PyJWS().decode(token, key, algorithms=["EdDSA"])
        == (package / "manifest.json").read_bytes()
    )
    derived = {"manifest.json", "manifest.jws", "manifest-sha256.txt", "tagmanifest-sha256.txt", "SHA256SUMS"}
    there = {str(path.relative_to(package)) for path in package.rglob("*") if path.is_file()}
    assert {each["path"] for each in said["files"]} == there - derived
    for each in said["files"]:
        data = (package / each["path"]).read_bytes()
        assert (each["sha256"], each["size"]) == (sha256(data).hexdigest(), len(data))


def test_notices_lie_under_readable_names(package: Path) -> None:
    text = (package / "data/notices/everything_2026-02_en.txt").read_text()
    assert "Þú mátt segja nei." in text
    assert (package / "data/artifacts" / sha256(text.encode()).hexdigest()).read_text() == text


def test_other_side_sees_no_reference_and_no_match(narrow_package: Path) -> None:
    readable = (narrow_package / "data/records/records.jsonl").read_text()
    assert '"value":"1001"' not in readable
    assert "subject_refs" not in readable
    assert "vp-of-somebody-else" not in readable
    assert not (narrow_package / "data/statements").exists()
    redacted = [
        part for each in records(narrow_package) for part in each["parts"].values() if "redacted" in part
    ]
    assert {each["redacted"] for each in redacted} == {"references"}
    assert [each["value"] for each in manifest(narrow_package)["scope"]] == ["customer"]


def test_export_is_on_record_with_purpose_and_recipient(exporter: Exporter, made: Package) -> None:
    bodies = {str(row.id): parts["body.0"] for row, parts in exporter.world.opened("export")}
    said: dict[str, Any] = bodies[made.export]
    assert (said["purpose"], said["recipient"], said["requested_by"]) == (
        "Subpoena 26-1142",
        "Roe & Partners",
        "Superior Court",
    )
    assert said["fingerprint"] == made.fingerprint
    assert (said["first"], said["last"]) == (1, len(records(made.folder)))


def test_page_on_parts_names_every_member_of_an_exports_body(
    exporter: Exporter, narrow_package: Path
) -> None:
    table = text_of("docs/formats/part.md").partition("### `body` of an export")[2].partition("###")[0]
    rows = [row.split("|")[1:3] for row in table.splitlines() if row.startswith("| `")]
    named = {name: when.strip() for names, when in rows for name in re.findall(r"`(\w+)`", names)}
    written = [parts["body.0"] for _, parts in exporter.world.opened("export")]
    always = {name for name, when in named.items() if when == "always"} | {"v"}
    assert len(written) > 1
    for members in written:
        assert always <= members.keys() <= {*named, "v"}


def test_cover_letter_lies_beside_and_names_key_and_manifest(made: Package) -> None:
    assert made.letter is not None
    letter = made.letter.read_text()
    assert made.letter.parent == made.folder.parent
    assert made.fingerprint in letter
    assert sha256((made.folder / "manifest.json").read_bytes()).hexdigest() in letter
    assert verify_package(made.folder, fingerprint=made.fingerprint).conclusion == "confirmed"


def test_leaf_hashes_lead_to_the_checkpoint(package: Path) -> None:
    # All entries are in this one, so its proof holds none but those after them.
    found = lines(package, "data/records/entries.jsonl")
    (log,) = manifest(package)["logs"]
    assert log["size"] == log["positions"] == len(found)
    assert (package / "data/log/0/nodes.bin").read_bytes() == b""
    assert len({leaf_hash(unb64(each["leaf"])) for each in found}) == len(found)


def _id(record: dict[str, Any]) -> UUID:
    return UUID(record["entry"])
