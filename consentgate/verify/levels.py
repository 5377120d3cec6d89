"""The levels of a verification, each built on the one before.

::

    bytes -> lanes -> tree -> signature -> signer -> pairing -> links

What each covers: ``bytes`` that every row says what its bytes say; ``lanes`` that no connection's chain has
a gap; ``tree`` that the log has every entry once; ``signature`` that this tree was signed; ``signer`` that
the signer remembers the same; ``pairing`` that every request has its end; ``links`` that sealed parts can be
found and opened.

Invariants: no stored hash is trusted and nothing is repaired; without what a level needs it says *cannot
judge*; the level ``signer`` is there only when the signer's state was given.
"""

from consentgate.errors import Unavailable
from consentgate.tlog.notekey import NoteKey
from consentgate.verify.known import level_of
from consentgate.verify.lanes import check_lanes
from consentgate.verify.links import check_links
from consentgate.verify.pairing import check_pairing
from consentgate.verify.result import Finding, Level, Verification
from consentgate.verify.signed import check_signature, check_signer, remembered_size
from consentgate.verify.source import Evidence
from consentgate.verify.stored import check_stored
from consentgate.verify.tree import Tree, check_tree


def verify(evidence: Evidence) -> Verification:
    """Verify everything that can be.

    Args:
        evidence: the rows, the trusted key, and what else is to hand.

    Returns:
        Levels and findings.

    Raises:
        Malformed: the given vkey is none.
    """
    key = NoteKey.from_vkey(evidence.vkey) if evidence.vkey is not None else None
    entries, stored = check_stored(evidence.ledger)
    until = max((each.at for each in entries.values()), default=None)
    lanes = check_lanes(entries)
    tree, grown = check_tree(evidence.log, entries, remembered=remembered_size(evidence.signer_note))
    paired = check_pairing(entries, evidence.now)
    levels = [
        level_of("bytes", stored, until),
        level_of("lanes", lanes, until),
        level_of("tree", grown, tree.until(tree.size)),
    ]
    signed_levels, signed = _signed(evidence, key, tree)
    levels += signed_levels
    levels.append(level_of("pairing", paired, until))
    findings = [*stored, *lanes, *grown, *signed, *paired]
    try:
        linked = None if evidence.keys is None else check_links(evidence.ledger, evidence.keys, entries)
    except Unavailable:
        linked = None
    if linked is None:
        levels.append(Level(name="links", verdict="cannot_judge"))
    else:
        levels.append(level_of("links", linked, until))
        findings += linked
    return Verification(levels=tuple(levels), findings=tuple(findings))


def _signed(evidence: Evidence, key: NoteKey | None, tree: Tree) -> tuple[list[Level], list[Finding]]:
    if key is None:
        names = ["signature"] + (["signer"] if evidence.signer_note is not None else [])
        return [Level(name=each, verdict="cannot_judge") for each in names], []
    found, until = check_signature(evidence, key, tree)
    levels = [level_of("signature", found, until)]
    if evidence.signer_note is not None:
        last = max((each.size for each in evidence.log.checkpoints()), default=0)
        remembered = check_signer(evidence.signer_note, key, tree, last)
        levels.append(level_of("signer", remembered, until))
        found = [*found, *remembered]
    return levels, found
