"""One object of a scenario, read member by member: what is wrong is said with its path and its cure.

Invariants: only `InvalidInput` leaves this module; members that nobody asks for are ignored; null and absent are
the same.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from consentgate import moment
from consentgate.errors import InvalidInput, Malformed


class Part:
    """An object and the path to it."""

    def __init__(self, members: object, path: str) -> None:
        """Take an object.

        Args:
            members: what was parsed.
            path: where it stands, for messages; empty for the whole scenario.

        Raises:
            InvalidInput: it is no object.
        """
        if not isinstance(members, Mapping):
            raise InvalidInput(f"{path or 'the scenario'} is not an object.")
        self._members: Mapping[Any, Any] = members
        self._path = path

    def __contains__(self, name: str) -> bool:
        return self._members.get(name) is not None

    def part(self, name: str) -> "Part":
        """Read an object.

        Args:
            name: the member.

        Returns:
            The object; an empty one where it is absent.

        Raises:
            InvalidInput: it is something else.
        """
        value = self._members.get(name)
        return Part({} if value is None else value, self.at(name))

    def part_or_none(self, name: str) -> "Part | None":
        """Read an object that may be absent.

        Args:
            name: the member.

        Returns:
            The object, or None.

        Raises:
            InvalidInput: it is something else.
        """
        return self.part(name) if name in self else None

    def items(self, name: str) -> list[object]:
        """Read a list.

        Args:
            name: the member.

        Returns:
            Its items; empty where it is absent.

        Raises:
            InvalidInput: it is something else.
        """
        value = self._members.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise InvalidInput(f"{self.at(name)} is not a list.")
        return value

    def parts(self, name: str) -> list["Part"]:
        """Read a list of objects.

        Args:
            name: the member.

        Returns:
            The objects.

        Raises:
            InvalidInput: it is something else.
        """
        return [Part(item, f"{self.at(name)}[{i}]") for i, item in enumerate(self.items(name))]

    def texts(self, name: str) -> tuple[str, ...]:
        """Read a list of texts.

        Args:
            name: the member.

        Returns:
            The texts; empty where it is absent.

        Raises:
            InvalidInput: it is something else.
        """
        return tuple(self._text(item, name) for item in self.items(name))

    def text(self, name: str) -> str:
        """Read a text.

        Args:
            name: the member.

        Returns:
            The text, never empty.

        Raises:
            InvalidInput: it is absent, empty or something else.
        """
        return self._text(self._members.get(name), name)

    def text_or_none(self, name: str) -> str | None:
        """Read a text that may be absent.

        Args:
            name: the member.

        Returns:
            The text, or None.

        Raises:
            InvalidInput: it is empty or something else.
        """
        return self._text(self._members[name], name) if name in self else None

    def word(self, name: str, words: tuple[str, ...], default: str | None = None) -> Any:
        """Read a word of a closed list.

        Args:
            name: the member.
            words: the list.
            default: what stands for an absent one.

        Returns:
            The word.

        Raises:
            InvalidInput: it is none of the list.
        """
        value = self._members.get(name)
        value = default if value is None else value
        # A list or an object has no place in a comparison with texts, and may not be hashable either.
        if not isinstance(value, str) or value not in words:
            raise InvalidInput(f"{self.at(name)} is none of {', '.join(words)}.")
        return value

    def truth(self, name: str) -> bool:
        """Read true or false.

        Args:
            name: the member.

        Returns:
            Whether it is true; false where it is absent.

        Raises:
            InvalidInput: it is something else.
        """
        return self.truth_or_none(name) is True

    def truth_or_none(self, name: str) -> bool | None:
        """Read true or false, where absent is neither.

        Args:
            name: the member.

        Returns:
            Which of the two, or None.

        Raises:
            InvalidInput: it is something else.
        """
        value = self._members.get(name)
        if value is not None and not isinstance(value, bool):
            raise InvalidInput(f"{self.at(name)} is not true or false.")
        return value

    def count(self, name: str) -> int | None:
        """Read a whole number from 0 on.

        Args:
            name: the member.

        Returns:
            The number, or None where it is absent.

        Raises:
            InvalidInput: it is something else.
        """
        value = self._members.get(name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
            raise InvalidInput(f"{self.at(name)} is no whole number from 0 on.")
        return value

    def time(self, name: str) -> datetime:
        """Read a time.

        Args:
            name: the member.

        Returns:
            The time in UTC.

        Raises:
            InvalidInput: it is absent or no time.
        """
        value = self.time_or_none(name)
        if value is None:
            raise InvalidInput(f"{self.at(name)} is missing; write a time such as 2026-11-22T12:00:00Z.")
        return value

    def time_or_none(self, name: str) -> datetime | None:
        """Read a time that may be absent.

        Args:
            name: the member.

        Returns:
            The time in UTC, or None. A day is its first instant.

        Raises:
            InvalidInput: it is no time.
        """
        value = self._members.get(name)
        if value is None:
            return None
        try:
            return _time(value)
        except (Malformed, InvalidInput) as error:
            raise InvalidInput(f"{self.at(name)} is no time such as 2026-11-22T12:00:00Z.") from error

    def times(self) -> tuple[tuple[str, datetime], ...]:
        """Read an object of times.

        Returns:
            Names and times, sorted, without what is null.

        Raises:
            InvalidInput: one is no time.
        """
        found = ((str(name), self.time_or_none(name)) for name in self._members)
        return tuple(sorted((name, at) for name, at in found if at is not None))

    def at(self, name: str) -> str:
        """Say where a member stands.

        Args:
            name: the member.

        Returns:
            Its dotted path.
        """
        return f"{self._path}.{name}" if self._path else name

    def _text(self, value: object, name: str) -> str:
        if isinstance(value, bool):
            raise InvalidInput(
                f'{self.at(name)} is not a text; YAML reads NO as false: write "NO" in quotes.'
            )
        if not isinstance(value, str) or not value:
            raise InvalidInput(f"{self.at(name)} is not a text.")
        return value


def _time(value: object) -> datetime:
    # YAML reads an unquoted time as one, and drops the zone of a UTC time; a day alone is its first instant.
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, datetime):
        return moment.floor(value if value.tzinfo else value.replace(tzinfo=UTC))
    if not isinstance(value, str):
        raise InvalidInput("A time is a text.")
    return moment.from_any(f"{value}T00:00:00Z" if len(value) == len("2026-11-22") else value)
