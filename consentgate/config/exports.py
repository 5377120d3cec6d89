"""Handing evidence out: the door of `ConsentGate` to `consentgate.config.exporting`."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypedDict, Unpack

from consentgate.config.results import Results
from consentgate.consent.reference import Reference

if TYPE_CHECKING:
    from consentgate.export.making import Package

Several: TypeAlias = str | Sequence[str]
Step: TypeAlias = Callable[[float], None]
Person: TypeAlias = Reference | tuple[str, str]


class Options(TypedDict, total=False):
    """What an export may be told besides matter, purpose and recipient: kinds narrow, several of one kind widen.

    Attributes:
        subject: references of the people that it is about.
        task: the vendor's ids of tasks.
        call: names of calls as the ledger has them.
        transaction: transactions of the vendor, each a call.
        since: only what was written at this time or later.
        until: only what was written before this time.
        jurisdiction: only decisions in which one of these codes was asked about.
        decision: decisions by the id of their entry; ``allowed`` or ``denied`` are all of these.
        query: terms ``name=value,value`` that all must hold: kind, end, action, purpose, reason.
        requested_by: who asked for it.
        role: whose eyes it is for: ``counsel`` (the default), ``regulator``, ``opposing`` or ``subject``.
        time_zone: IANA name of the zone whose local times stand beside UTC, ``UTC`` by default.
        prefix: of the Bates numbers, ``CG`` by default.
        privileged: entries whose parts are withheld as privileged.
        dialect: of the load file: ``concordance-utf8``, by default, or ``concordance-cp1252``.
        report: whether PDF files are made, where the extra ``pdf`` is installed; True by default.
        timestamp: whether it gets timestamps, where the settings name an authority; True by default.
        progress: told how far it is, from 0 to 1.
        encrypt_to: public keys of age, ``age1...``, that the package is encrypted to, with the extra ``age``; or
        clear: True for a folder that anybody can read. One of the two has to be given.
    """

    subject: Person | Sequence[Person]
    task: Several
    call: Several
    transaction: Several
    since: datetime
    until: datetime
    jurisdiction: Several
    decision: Several
    query: str
    requested_by: str
    role: str
    time_zone: str
    prefix: str
    privileged: Several
    dialect: str
    report: bool
    timestamp: bool
    progress: Step
    encrypt_to: Several
    clear: bool


class Exports(Results):
    """The part of `ConsentGate` that hands evidence out."""

    def export(
        self, matter: str, out: str | Path, *, purpose: str, recipient: str, **options: Unpack[Options]
    ) -> "Package":
        """Put what is known about a matter into one package that can be verified without us; the export is on record.

        It is encrypted to its readers' keys (``encrypt_to``), or a folder in ``clear``. What a selected
        decision read, and what answers a selected entry, comes with it.

        Args:
            matter: what it is for, in one line.
            out: the folder that the package is put into; made if it is not there.
            purpose: why it is made: a subpoena, a request for access.
            recipient: for whom.
            **options: which entries, for whose eyes, in which form: `Options`.

        Returns:
            Where it is, its numbers, and the fingerprint for the cover letter.

        Raises:
            InvalidInput: a value cannot be used, or nothing fits; or it is not said whether it is encrypted.
            LogRefused: what is stored is not what was signed. No package is left.
            Misconfigured: the settings name a timestamping authority that cannot be used.
            Unavailable: no checkpoint covers it yet, or the database, the folder or the timestamping authority is out
                of reach.
        """
        # Whoever decides about calls does not load what writes packages.
        from consentgate.config.delivering import seal_of
        from consentgate.config.exporting import asked_for, export_asked

        asked = asked_for(self._parts, matter, purpose=purpose, recipient=recipient, options=options)
        seal = seal_of(options.get("encrypt_to", ()), clear=options.get("clear", False))
        step, timestamp = options.get("progress", lambda _: None), options.get("timestamp", True)
        return export_asked(self._parts, asked, Path(out), step, timestamp=timestamp, seal=seal)
