"""Calendar periods in the ISO 8601 form, years, months, weeks and days only.

Invariants: a period is longer than nothing; months are counted in UTC, and a day that the month lacks becomes
its last day, so a year from 29 February ends on 28 February.

>>> from datetime import UTC
>>> Period.parse("P3Y").after(datetime(2024, 2, 29, tzinfo=UTC)).date().isoformat()
'2027-02-28'
"""

import re
from calendar import monthrange
from datetime import datetime, timedelta
from typing import Final, Self

from consentgate import moment
from consentgate.errors import InvalidInput
from consentgate.values import dataclass

_FORM: Final = re.compile(r"P(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,5})D)?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A length of calendar time.

    Attributes:
        months: years count twelve.
        days: weeks count seven.
    """

    months: int
    days: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the ISO 8601 form.

        Args:
            text: for example ``P3Y``, ``P18M``, ``P90D``.

        Returns:
            The period.

        Raises:
            InvalidInput: another form, or a period of nothing.
        """
        match = _FORM.fullmatch(text)
        years, months, weeks, days = (int(part or 0) for part in match.groups()) if match else (0, 0, 0, 0)
        if not years + months + weeks + days:
            raise InvalidInput("A period has a form such as P3Y, P18M, P2W or P90D.")
        return cls(months=12 * years + months, days=7 * weeks + days)

    def after(self, at: datetime) -> datetime:
        """Add the period to a time: the months first, then the days.

        Args:
            at: an aware time.

        Returns:
            The end of the period, in UTC.

        Raises:
            InvalidInput: the time has no zone, or the end lies after the year 9999.
        """
        at = moment.floor(at)
        year, month = divmod(at.year * 12 + at.month - 1 + self.months, 12)
        try:
            day = min(at.day, monthrange(year, month + 1)[1])
            return at.replace(year=year, month=month + 1, day=day) + timedelta(days=self.days)
        except (ValueError, OverflowError) as error:
            raise InvalidInput("The period ends after the year 9999.") from error
