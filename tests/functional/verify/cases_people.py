"""What is found where artifacts, or keys and references of people, were tampered with."""

from typing import Final

from tests.functional.verify.tampering import (
    A_CALL,
    NAMED_LATER,
    NOTICE,
    OF_OUTCOME,
    OF_STATEMENT,
    OTHER_NOTICE,
    OTHER_PACK,
    PACK,
    SOMEBODY,
    STATEMENT,
    TEXT,
    WITHDRAWAL,
    Cases,
    flip,
    sql,
    swap,
    twice,
    typed,
)

PEOPLE: Final[Cases] = {
    # artifact
    "artifact flip": (sql(flip("artifact", "content", f"digest = {PACK}")), ["altered: artifact pack last"]),
    "artifact flip kind": (
        sql(f"UPDATE artifact SET kind = 'notice' WHERE digest = {PACK}"),
        ["altered: artifact pack last, columns kind and media_type"],
    ),
    "artifact flip media type": (
        sql(f"UPDATE artifact SET media_type = 'text/html' WHERE digest = {TEXT}"),
        ["altered: artifact text of voiceprint-1, columns kind and media_type"],
    ),
    "artifact delete pack": (
        sql(f"DELETE FROM artifact WHERE digest = {PACK}"),
        ["missing: artifact packs, pack last"],
    ),
    "artifact delete notice": (
        sql(f"DELETE FROM artifact WHERE digest = {TEXT}"),
        ["missing: notice voiceprint-1 2026-02 (en), text"],
    ),
    "artifact delete registry": (
        sql("DELETE FROM artifact WHERE kind = 'registry'"),
        [
            "missing: entry 2, registry",
            "unsigned: entry 3-4, statement",
            "unsigned: entry 312, statement",
            "unsigned: entry 314, statement",
            "unsigned: entry 446, statement",
            "unsigned: entry 448, statement",
            "unsigned: entry 580, statement",
            "unsigned: entry 582, statement",
            "unsigned: entry 714, statement",
            "unsigned: entry 716, statement",
            "unsigned: entry 848, statement",
        ],
    ),
    "artifact insert": (
        sql("INSERT INTO artifact VALUES ('default', x'" + "11" * 32 + "', 'pack', 'text/plain', x'00')"),
        ["altered: artifact new", "extra: artifact new"],
    ),
    "artifact swap": (
        swap("artifact", "content", f"digest = {PACK}", f"digest = {OTHER_PACK}"),
        ["altered: artifact pack first", "altered: artifact pack last"],
    ),
    "artifact duplicate": (
        twice("artifact", f"digest = {PACK}"),
        ["extra: artifact, row (digest pack last)"],
    ),
    "artifact types": (
        typed("artifact", "content", "'text'", f"digest = {PACK}"),
        ["malformed: artifact, row (digest pack last), column content", "missing: artifact packs, pack last"],
    ),
    # notice
    "notice flip": (
        sql(f"UPDATE notice SET version = 'x' WHERE id = {NOTICE}"),
        ["altered: notice voiceprint-1 x (en), column version"],
    ),
    "notice flip digest": (
        sql(flip("notice", "digest", f"id = {NOTICE}")),
        [
            "altered: notice voiceprint-1 2026-02 (en), column digest",
            "missing: notice voiceprint-1 2026-02 (en), text",
        ],
    ),
    "notice flip manifest": (
        sql(flip("notice", "manifest", f"id = {NOTICE}")),
        [
            "missing: notice of manifest manifest of voiceprint-1",
            "missing: notice voiceprint-1 2026-02 (en), manifest",
        ],
    ),
    "notice delete": (
        sql(f"DELETE FROM notice WHERE id = {NOTICE}"),
        ["missing: notice of manifest manifest of voiceprint-1"],
    ),
    "notice insert": (
        sql(
            "INSERT INTO notice SELECT tenant, id, '2', language, digest, manifest FROM notice"
            f" WHERE id = {NOTICE}"
        ),
        ["altered: notice voiceprint-1 2 (en), column version"],
    ),
    "notice swap": (
        swap("notice", "digest", f"id = {NOTICE}", f"id = {OTHER_NOTICE}"),
        ["altered: notice voiceprint-1-2 2026-02 (en), column digest"],
    ),
    "notice swap text and manifest": (
        sql(f"UPDATE notice SET digest = manifest, manifest = digest WHERE id = {NOTICE}"),
        ["altered: notice voiceprint-1 2026-02 (en), manifest"],
    ),
    "notice duplicate": (
        twice("notice", f"id = {NOTICE}"),
        ["extra: notice, row (id voiceprint-1, version 2026-02, language en)"],
    ),
    "notice types": (
        typed("notice", "digest", "7", f"id = {NOTICE}"),
        [
            "malformed: notice, row (id voiceprint-1, version 2026-02, language en), column digest",
            "missing: notice of manifest manifest of voiceprint-1",
        ],
    ),
    # data_key
    "data_key flip": (
        sql(flip("data_key", "wrapped", f"subject = {OF_STATEMENT}")),
        [
            "altered: data_key of subject person 3",
            "link_missing: links of sealed parts: entry 3, part statement.0, entry 310, part call.0",
        ],
    ),
    "data_key delete": (
        sql(f"DELETE FROM data_key WHERE subject = {OF_STATEMENT}"),
        ["link_missing: links of sealed parts: entry 3, part statement.0, entry 310, part call.0"],
    ),
    "data_key insert": (
        sql(
            "INSERT INTO data_key SELECT tenant, randomblob(16), wrapping_key, wrapped FROM data_key LIMIT 1"
        ),
        ["missing: reference of subject new"],
    ),
    "data_key swap": (
        swap(
            "data_key",
            "wrapped",
            f"subject = {OF_STATEMENT}",
            f"subject = {OF_OUTCOME}",
        ),
        [
            (
                "link_missing: links of sealed parts: entry 3, part statement.0, entry 4, part statement.0,"
                " entry 306, part call.0, entry 308, part decision.0, entry 308, part exchange.0, ..."
            )
        ],
    ),
    "data_key duplicate": (
        twice("data_key", f"subject = {OF_STATEMENT}"),
        ["extra: data_key, row (subject person 3)"],
    ),
    "data_key types": (
        typed("data_key", "wrapped", "'text'", f"subject = {OF_STATEMENT}"),
        [
            "altered: data_key of subject person 3",
            "link_missing: links of sealed parts: entry 3, part statement.0, entry 310, part call.0",
        ],
    ),
    # subject_ref
    "subject_ref flip person": (
        sql(flip("subject_ref", "hmac", f"subject = {OF_STATEMENT}")),
        ["missing: entry 3, reference 1", "missing: entry 310, part call.0, reference 1"],
    ),
    "subject_ref flip call": (
        sql(flip("subject_ref", "hmac", f"subject = {A_CALL}")),
        ["link_missing: entry 306, part call.0, call"],
    ),
    "subject_ref flip epoch": (
        sql(f"UPDATE subject_ref SET key_epoch = 99 WHERE subject = {OF_STATEMENT}"),
        [
            "altered: reference of subject person 3, column key_epoch",
            "missing: entry 3, reference 1",
            "missing: entry 310, part call.0, reference 1",
        ],
    ),
    "subject_ref flip suppression": (
        sql(f"UPDATE subject_ref SET suppression = TRUE WHERE subject = {OF_STATEMENT}"),
        ["altered: reference of subject person 3, column suppression"],
    ),
    "subject_ref insert": (
        sql("INSERT INTO subject_ref VALUES ('default', 99, randomblob(32), randomblob(16), TRUE)"),
        ["altered: reference of subject new, column key_epoch"],
    ),
    "subject_ref delete": (
        sql(f"DELETE FROM subject_ref WHERE subject = {OF_STATEMENT}"),
        [
            "missing: entry 3, reference 1",
            "missing: entry 310, part call.0, reference 1",
            "missing: reference of subject person 3",
        ],
    ),
    "subject_ref delete call": (
        sql(f"DELETE FROM subject_ref WHERE subject = {A_CALL}"),
        ["link_missing: entry 306, part call.0, call", "missing: reference of subject call 306"],
    ),
    "subject_ref swap": (
        swap(
            "subject_ref",
            "subject",
            f"subject = {OF_STATEMENT}",
            f"subject = {OF_OUTCOME}",
        ),
        [
            "altered: entry 3-4, reference 1",
            "altered: entry 306, part call.0, reference 1",
            "altered: entry 310-311, part call.0, reference 1",
            "link_missing: entry 312, reference 2",
        ],
    ),
    "subject_ref duplicate": (
        twice("subject_ref", f"subject = {OF_STATEMENT}"),
        ["extra: subject_ref, row (subject person 3)"],
    ),
    "subject_ref types": (
        typed("subject_ref", "hmac", "'text'", f"subject = {OF_STATEMENT}"),
        [
            "malformed: subject_ref, row (subject person 3), column hmac",
            "missing: entry 3, reference 1",
            "missing: entry 310, part call.0, reference 1",
            "missing: reference of subject person 3",
        ],
    ),
    # entry_subject
    "entry_subject flip": (
        sql(f"UPDATE entry_subject SET kind = 'call' WHERE entry = {STATEMENT}"),
        ["altered: link of entry 3, column kind"],
    ),
    "entry_subject delete": (
        sql(f"DELETE FROM entry_subject WHERE entry = {STATEMENT}"),
        ["link_missing: links of sealed parts: entry 3, part statement.0"],
    ),
    "entry_subject delete later-named": (
        sql(f"DELETE FROM entry_subject WHERE entry = {WITHDRAWAL} AND subject = {NAMED_LATER}"),
        ["link_missing: entry 848, reference 2"],
    ),
    "entry_subject delete call": (
        sql(f"DELETE FROM entry_subject WHERE subject = {A_CALL}"),
        ["link_missing: entry 306, part call.0, call"],
    ),
    "entry_subject insert": (
        sql("INSERT INTO entry_subject VALUES ('default', randomblob(16), randomblob(16), 'call')"),
        ["extra: link of entry new"],
    ),
    "entry_subject insert to nobody": (
        sql(f"INSERT INTO entry_subject VALUES ('default', {STATEMENT}, randomblob(16), 'statement')"),
        ["missing: reference of subject new"],
    ),
    "entry_subject insert of the registry": (
        sql(
            f"INSERT INTO entry_subject SELECT 'default', id, {SOMEBODY}, kind"
            " FROM entry WHERE kind = 'registry'"
        ),
        ["extra: link of entry 2"],
    ),
    "entry_subject swap": (
        swap(
            "entry_subject", "subject", f"entry = {STATEMENT}", f"kind = 'outcome' AND subject = {OF_OUTCOME}"
        ),
        ["link_missing: links of sealed parts: entry 3, part statement.0, entry 309, part exchange.0"],
    ),
    "entry_subject duplicate": (twice("entry_subject", f"entry = {STATEMENT}"), ["extra: link of entry 3"]),
    "entry_subject types": (
        typed("entry_subject", "subject", "'text'", f"entry = {STATEMENT}"),
        [
            "link_missing: links of sealed parts: entry 3, part statement.0",
            "malformed: entry_subject, row (entry 3), column subject",
        ],
    ),
}
