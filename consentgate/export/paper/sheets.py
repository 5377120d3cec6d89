"""The four tables of a package. CSV files, workbook and data dictionary are all made from them.

Invariant: a column stands here once, with its meaning beside it, so that the dictionary cannot go stale.
"""

import hashlib
from typing import Final

from consentgate.export.paper.columns import (
    Table,
    claim,
    claims,
    column,
    kept,
    leaf_hash,
    ruled,
    several,
    stated,
)
from consentgate.export.paper.members import text
from consentgate.export.paper.views import Ruling
from consentgate.export.paper.words import WITHHELD, word
from consentgate.moment import to_text


def _citations_of(ruling: Ruling) -> str:
    return several(f"{each.pack}: {each.citation}" for why in ruling.reasons for each in why.clauses)


_WHICH: Final = (
    column("bates", "Bates number of the entry.", lambda s: s.entry.record.bates),
    column("entry", "Id of the entry in the ledger, a UUID.", lambda s: str(s.entry.record.entry)),
)
_WHEN: Final = (
    column("at_utc", "When it was recorded, UTC, to the millisecond.", lambda s: to_text(s.entry.record.at)),
    column("at_local", "The same time as clocks in the stated zone showed it.", lambda s: s.entry.local),
)

ENTRIES: Final = Table(
    name="entries",
    about="One row for each exported entry, in order of Bates numbers.",
    columns=(
        *_WHICH,
        column("kind", "Kind of the entry; the kinds are listed below.", lambda s: s.entry.record.kind),
        *_WHEN,
        column("what", "What happened, in a sentence.", lambda s: s.entry.told.title),
        column(
            "end", "Of an outcome or observation: how the request ended.", lambda s: s.entry.record.end or ""
        ),
        column(
            "answers",
            "Bates number of the entry that this one answers, or the entry's id where it is not in the package.",
            lambda s: (
                (s.entry.numbers.of(str(s.entry.record.re)) or str(s.entry.record.re))
                if s.entry.record.re
                else ""
            ),
        ),
        column("log", "Number of the log that covers it.", lambda s: str(s.entry.record.log)),
        column("position", "Its position in that log, from 0.", lambda s: str(s.entry.record.position)),
        column("parts", "Names of its sealed parts.", lambda s: " ".join(s.entry.record.parts)),
        column(
            "withheld",
            "Names of the parts whose key is not disclosed.",
            lambda s: " ".join(name for name, _ in s.entry.withheld),
        ),
        column(
            "leaf_hash",
            "SHA-256 of a zero byte and the entry's leaf, in hexadecimal: what the log's tree is built of.",
            lambda s: leaf_hash(s.entry.record),
        ),
    ),
)

DECISIONS: Final = Table(
    name="decisions",
    about="One row for each speaker whom a request would have compared, or one for a request about nobody.",
    columns=(
        *_WHICH,
        *_WHEN,
        ruled("part", "The part that holds the decision.", lambda r: r.part),
        ruled("speaker", "How the decision called the speaker.", lambda r: r.speaker),
        ruled(
            "references", "The speaker's references, as kind and value.", lambda r: "; ".join(r.references)
        ),
        ruled("decision", "allowed or denied, as far as this speaker goes.", lambda r: r.verdict),
        ruled("request", "allowed or denied: what became of the request as a whole.", lambda r: r.request),
        ruled("action", "What would have been done with the voice.", lambda r: r.action),
        ruled(
            "operation", "The vendor's service and operation.", lambda r: f"{r.service} {r.operation}".strip()
        ),
        ruled("region", "The client's region.", lambda r: r.region),
        ruled("purpose", "What for.", lambda r: r.purpose),
        ruled("call", "The call's name.", lambda r: r.call),
        ruled("leg", "Where on the call the speaker was.", lambda r: r.leg),
        ruled(
            "jurisdictions",
            "Codes of the jurisdictions whose law was asked.",
            lambda r: "; ".join(r.candidates),
        ),
        ruled("evidence", "What pointed to them, as code and kind.", lambda r: "; ".join(r.evidence)),
        ruled(
            "rules", "Packs that applied, each with the day from which it held.", lambda r: "; ".join(r.packs)
        ),
        ruled("reasons", "Codes of the reasons against it.", lambda r: "; ".join(w.code for w in r.reasons)),
        ruled("sentences", "The same reasons in words.", lambda r: several(w.sentence for w in r.reasons)),
        ruled(
            "citations",
            "The clauses behind the reasons, each with its jurisdiction.",
            _citations_of,
        ),
        ruled(
            "cures",
            "What would have made each reason go away.",
            lambda r: several(w.cure for w in r.reasons),
        ),
        ruled("notice_lacked", "Elements that the notice lacked.", lambda r: "; ".join(r.missing)),
        column(
            "consent",
            "Bates number of the consent that it rests on, or its entry's id where it is not in the package.",
            lambda s: (s.entry.numbers.of(s.ruling.grant) or s.ruling.grant) if s.ruling else "",
        ),
        ruled("through", "Entry by which that consent counts under another reference.", lambda r: r.through),
        ruled("consents_considered", "How many consents were looked at.", lambda r: str(r.considered)),
        ruled(
            "duties",
            "What followed, each with its time where it has one.",
            lambda r: several(f"{d.duty} {d.due}".strip() for d in r.duties),
        ),
        ruled(
            "assertions",
            "What the controller had asserted and the rules read.",
            lambda r: "; ".join(r.assertions),
        ),
        ruled("controller", "Id of the controller.", lambda r: r.controller),
        ruled("engine", "Version of consentgate that decided.", lambda r: r.engine),
        ruled("rule_set", "Digest of the whole set of rules, base64url.", lambda r: r.pack_set),
    ),
)

STATEMENTS: Final = Table(
    name="statements",
    about="One row for each statement that a person made, as its issuer signed it.",
    columns=(
        *_WHICH,
        *_WHEN,
        stated("state", "What was stated.", lambda s: s.state),
        stated(
            "references",
            "The person's references, the one that names them first.",
            lambda s: "; ".join(s.references),
        ),
        claim("When the person expressed it, as the issuer claims, UTC.", "event_time"),
        column(
            "event_time_local",
            "The same in the stated zone.",
            lambda s: (
                s.entry.zone.local_text(text(s.entry.said.claims, "event_time")) if s.entry.said else ""
            ),
        ),
        claim("How they expressed it.", "method"),
        claim("How strong the consent is.", "consent_form"),
        claim("The person's signature.", "signature_kind"),
        claims("purposes", "What for."),
        claims("operations", "What may be done."),
        claims("controllers", "For whom."),
        claims("jurisdictions", "Which law the issuer had in view."),
        claim("Until when it holds, UTC.", "valid_until"),
        claim("How many requests it covers.", "max_uses"),
        claim("An age that the person is known to have reached.", "age_over"),
        claim("The notice that was shown: its id.", "notice", "id"),
        claim("Its version.", "notice", "version"),
        claim("Its language.", "notice", "language"),
        stated(
            "notice_sha256",
            "SHA-256 of the notice's exact bytes, in hexadecimal; also the name of its file under data/artifacts.",
            lambda s: s.notice.hex() if s.notice else "",
        ),
        stated(
            "evidence",
            "Files that prove it and lie elsewhere: kind, media type, size and place, a line for each.",
            lambda s: "\n".join(each.about for each in s.evidence),
        ),
        stated(
            "evidence_sha256",
            "SHA-256 of each of these files, in hexadecimal, in the same order.",
            lambda s: "\n".join(each.sha256 for each in s.evidence),
        ),
        claim("Who signed it.", "iss"),
        claim("Its id at that issuer.", "jti"),
        stated("key", "Thumbprint of the signing key (RFC 7638).", lambda s: s.kid),
        stated(
            "token_sha256",
            "SHA-256 of the signed token, in hexadecimal.",
            lambda s: hashlib.sha256(s.token.encode("utf-8", "replace")).hexdigest() if s.token else "",
        ),
    ),
)

WITHHELD_PARTS: Final = Table(
    name="withheld",
    about="One row for each part of an exported entry whose key is not disclosed.",
    columns=(
        *_WHICH,
        column("kind", "Kind of the entry.", lambda s: s.entry.record.kind),
        *_WHEN,
        kept("part", "The part's name.", lambda name, _: name),
        kept(
            "how",
            "withheld: nothing is shown; redacted: some members are shown in records.jsonl.",
            lambda _, w: "withheld" if w.shown is None else "redacted",
        ),
        kept("reason", "Why; the reasons are listed below.", lambda _, w: w.reason),
        kept("meaning", "The reason in words.", lambda _, w: word(WITHHELD, w.reason)),
        kept("rule", "The rule that asked for it.", lambda _, w: w.rule),
    ),
)

TABLES: Final = (ENTRIES, DECISIONS, STATEMENTS, WITHHELD_PARTS)
