"""The custody sheet, ``data/custody/custody.txt``: how the records came here, and lines for who has them next.

Invariants: states only what the export itself knows; what people have to add is left blank.
"""

from typing import Final

from consentgate.export.paper import facts
from consentgate.export.paper.plain import document, ruled, wrapped
from consentgate.export.paper.zones import Zone, utc
from consentgate.export.sink import Folder, Scope, Totals

PATH: Final = "data/custody/custody.txt"
HEAD: Final = ["Handed over by", "Received by", "How, on what medium", "Date", "Signature"]


def write(folder: Folder, scope: Scope, totals: Totals, zone: Zone) -> None:
    """Write the sheet.

    Args:
        folder: the package.
        scope: what is told about the export.
        totals: what there was.
        zone: the zone of local times.
    """
    steps = [
        (
            f"Recorded. Each entry was written into the ledger of {scope.controller_name} at the time that it "
            "tells, before a request left or when a statement, a call or an answer came in. An entry is never "
            "changed: a later one answers it."
        ),
        *(
            f"Covered. Log {log.number} ({log.origin}) covers {log.positions} of the entries. Its signed "
            f"checkpoint tells a tree of {log.size} entries with the root {log.root.hex()}."
            for log in scope.logs
        ),
        (
            f"Exported. On {facts.both(scope, zone)} consentgate {scope.version} appended the export's own entry "
            f"{scope.export} to the ledger, with matter, purpose and recipient, and only then made this package "
            f"from the ledger: {totals.exported} entries, {facts.span(scope)}."
        ),
        (
            "Checked. Before the package got its name, the program verified it: every hash, signature and proof "
            "in it."
        ),
        (
            f"Signed. The package key with the fingerprint {scope.fingerprint} signed the list of all files, "
            "manifest.json."
        ),
    ]
    lines = ["CUSTODY SHEET", "", *ruled(facts.heading(scope, zone)), ""]
    lines += [f"Bates range       {facts.span(scope)}", "", "HOW THE RECORDS CAME HERE", ""]
    for number, step in enumerate(steps, 1):
        lines += [*wrapped(f"{number}. {step}", indent=3), ""]
    lines += ["WHO HAD IT NEXT", "", "Whoever hands the package on, or takes it, fills in one of these.", ""]
    for number in range(1, 5):
        lines += [f"{number}.", *(f"   {label + ':':<24}{'_' * 46}" for label in HEAD), ""]
    lines.append(f"Times: UTC, and local time of {zone.name}. This sheet was made {utc(scope.at)}.")
    folder.put(PATH, document(lines), role="custody", media_type="text/plain; charset=utf-8")
