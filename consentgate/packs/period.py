"""Legal periods: ISO 8601 calendar periods, among them ``P0D``, which means at once.

Invariants: months are counted in UTC before days; a day that the month lacks becomes its last day, so a year
from 29 February ends on 28 February.

>>> from datetime import UTC
>>> Period.parse("P1M").after(datetime(2026, 1, 31, tzinfo=UTC)).date().isoformat()
'2026-02-28'
"""

import re
from calendar import monthrange
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from consentgate.errors import InvalidInput
from consentgate.values import dataclass

_FORM: Final = re.compile(r"P(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,5})D)?", re.ASCII)
_END_OF_TIME: Final = datetime(9999, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A length of calendar time, possibly none.

    Attributes:
        months: years count twelve.
        days: weeks count seven.
        text: as it was written.
    """

    months: int
    days: int
    text: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the ISO 8601 form.

        Args:
            text: for example ``P3Y``, ``P24M``, ``P45D`` or ``P0D``.

        Returns:
            The period.

        Raises:
            InvalidInput: any other form.
        """
        match = _FORM.fullmatch(text)
        if match is None or text == "P":
            raise InvalidInput("A period has a form such as P3Y, P24M, P45D or P0D.")
        years, months, weeks, days = (int(part or 0) for part in match.groups())
        return cls(months=12 * years + months, days=7 * weeks + days, text=text)

    def after(self, at: datetime) -> datetime:
        """Add the period to a time.

        Args:
            at: an aware time in UTC.

        Returns:
            The end of the period; never later than the year 9999.
        """
        moved = at
        if self.months:
            year, month = divmod(at.year * 12 + at.month - 1 + self.months, 12)
            if year > 9998:  # a decision is total: a date beyond the calendar is simply never reached
                return _END_OF_TIME
            day = at.day if at.day < 29 else min(at.day, monthrange(year, month + 1)[1])
            moved = at.replace(year=year, month=month + 1, day=day)
        try:
            return moved + timedelta(days=self.days) if self.days else moved
        except OverflowError:
            return _END_OF_TIME
