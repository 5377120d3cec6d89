"""All the paper of a package, as one sink: every entry is taken apart once, and every writer given the same.

Invariants: what cannot be made for want of an extra is left out, and the README says so with what to install; the
person whom the records are about gets a document in plain words in place of the report.
"""

from typing import Any

from consentgate.export.paper import (
    certificate,
    custody,
    dictionary,
    loadfile,
    readme,
    report,
    tables,
    tools,
    typesetting,
    workbook,
    yourdata,
)
from consentgate.export.paper.charts import Counts
from consentgate.export.paper.entry import Writer, entry_of
from consentgate.export.paper.known import Numbers
from consentgate.export.paper.words import SUBJECT
from consentgate.export.paper.zones import Zone
from consentgate.export.record import Record
from consentgate.export.sink import Folder, Scope, Totals


class Paper:
    """Writes what people read."""

    def __init__(self, folder: Folder, scope: Scope) -> None:
        """Open every file.

        Args:
            folder: the package.
            scope: what is told about the export; its options are those of `tools.options`.

        Raises:
            InvalidInput: a tool that the export was made with is missing, or here in another release.
            Misconfigured: the time zone is not known.
        """
        tools.check(scope.options)
        self._folder, self._scope = folder, scope
        self._zone, self._numbers, self._counts = Zone(scope.time_zone), Numbers(), Counts()
        self._left_out: list[str] = []
        self._pdf = tools.PDF in scope.options
        dialect = scope.options.get(tools.DIALECT, loadfile.DIALECTS[0])
        self._writers: list[Writer] = [tables.CsvTables(folder), loadfile.LoadFile(folder, scope, dialect)]
        if tools.WORKBOOK not in scope.options:
            self._left_out.append(workbook.MISSING)
        if scope.role == SUBJECT:
            self._writers.append(yourdata.YourData(folder, scope, self._zone))
        elif self._pdf:
            self._writers.append(report.Report(folder, scope, self._zone, self._counts))
        if not self._pdf:
            self._left_out.append(
                typesetting.UNWANTED if tools.REPORT in scope.options else typesetting.MISSING
            )

    def take(self, record: Record) -> None:
        """Give an entry to every writer.

        Args:
            record: the entry.
        """
        entry = entry_of(record, self._zone, self._numbers)
        self._counts.take(entry)
        for writer in self._writers:
            writer.take(entry)

    def finish(self, totals: Totals) -> None:
        """Finish every file, and write those that need the totals.

        Args:
            totals: what there was.

        Raises:
            Misconfigured: the installed typst is another than the templates are written for.
        """
        for writer in self._writers:
            writer.finish(totals)
        folder, scope, zone = self._folder, self._scope, self._zone
        if tools.WORKBOOK in scope.options:
            workbook.write(folder, scope)
        dictionary.write(folder)
        if scope.role != SUBJECT:
            custody.write(folder, scope, totals, zone)
            made = certificate.parts(scope, totals, self._counts, zone)
            certificate.write(folder, made)
            if self._pdf:
                sections = certificate.data(made)
                data = report.form(scope, zone, certificate.TITLE, sections, banner=certificate.BANNER)
                self._put(certificate.PDF, data)
        readme.write(folder, scope, totals, zone, self._left_out)

    def _put(self, path: str, data: dict[str, Any]) -> None:
        made = typesetting.surely(report.TEMPLATE, data, self._scope.at)
        self._folder.put(path, made, role="certificate", media_type=report.MEDIA)
