"""Level ``pairing``: answers name what they answer, and each intent has one final outcome.

Invariants: an answer names an entry of its tenant by id *and* leaf hash, of a kind that it may answer; an
intent without a final outcome is incomplete once its request may no longer leave, never silently done.
"""

from collections.abc import Iterator
from datetime import datetime

from consentgate import moment
from consentgate.entries.kinds import KINDS
from consentgate.entries.leaf import Answer
from consentgate.verify.known import Entries, Known, altered, extra, missing
from consentgate.verify.result import Finding


def check_pairing(entries: Entries, now: datetime) -> list[Finding]:
    """Check every answer, and every intent for its outcome.

    Args:
        entries: what is known of each entry.
        now: the time of verification.

    Returns:
        The findings.
    """
    findings: list[Finding] = []
    ended: set[tuple[str, bytes]] = set()
    for each in entries.values():
        if each.re is None:
            continue
        findings += _answer(each, each.re, entries)
        if each.kind == "outcome":
            name = (each.tenant, each.re.id.bytes)
            if name in ended:
                findings.append(extra(each.name, f"a second final outcome of entry {each.re.id}"))
            ended.add(name)
    for name, intent in entries.items():
        if intent.send_by is not None and intent.send_by < now and name not in ended:
            findings.append(
                Finding(
                    kind="open",
                    where=intent.name,
                    expected=f"a final outcome after {moment.to_text(intent.send_by)}",
                    found="none",
                    cure="Let the gate reconcile, or record the outcome that the vendor shows.",
                )
            )
    return findings


def _answer(each: Known, re: Answer, entries: Entries) -> Iterator[Finding]:
    answered = entries.get((each.tenant, re.id.bytes))
    if answered is None:
        yield missing(f"{each.name}, re", f"entry {re.id}")
    elif answered.hash != re.h:
        yield altered(f"{each.name}, re", f"{re.h.hex()}, the hash it answered", answered.hash.hex())
    elif answered.kind not in KINDS[each.kind].answers:
        yield altered(
            f"{each.name}, re",
            " or ".join(sorted(KINDS[each.kind].answers)),
            f"an entry of kind {answered.kind}",
        )
