"""Our dataclass is the standard one to everybody who looks."""

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, asdict, field, fields, replace
from typing import Any

import pytest

from consentgate.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A value with every kind of field."""

    name: str
    secret: str = field(default="", repr=False)
    seen: list[int] = field(default_factory=list, compare=False)
    fixed: int = field(default=7, init=False)
    made: dict[str, int] = field(default_factory=dict, init=False, hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Town(Place):
    """A value that adds to another one, and checks itself."""

    size: int

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ValueError("no town is that small")


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """A value without fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Single:
    """A value that shows itself, and knows something later."""

    one: int
    later: int = field(init=False, repr=False, compare=False)

    def __repr__(self) -> str:
        return "one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loose:
    """A value that compares in its own way: left to the standard decorator."""

    one: int

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Loose)

    def __hash__(self) -> int:
        return 1


@dataclass
class Plain:
    """Another kind of dataclass."""

    one: int


def standard(cls: Any) -> Any:
    """The same class by the standard decorator."""
    body = {
        name: found
        for name, found in vars(cls).items()
        if name in {"__annotations__", "__doc__", "__module__", "__qualname__", "__post_init__"}
    }
    own = {name: each for name, each in cls.__dataclass_fields__.items() if name in cls.__annotations__}
    for name, each in own.items():
        if each.default is not dataclasses.MISSING or each.default_factory is not dataclasses.MISSING:
            body[name] = field(
                default=each.default,
                default_factory=each.default_factory,
                repr=each.repr,
                compare=each.compare,
                hash=each.hash,
                init=each.init,
            )
    return dataclasses.dataclass(frozen=True, slots=True, kw_only=True)(type(cls.__name__, (), body))


@pytest.mark.parametrize("make", [lambda: Place, lambda: standard(Place)])
def test_value_behaves_as_the_standard_one(make: Callable[[], Any]) -> None:
    cls = make()
    one, other = cls(name="a", secret="s", seen=[1]), cls(name="a", secret="s", seen=[2])
    assert one == other
    assert hash(one) == hash(other)
    assert one != cls(name="b", secret="s")
    assert one != "a"
    assert repr(one) == "Place(name='a', seen=[1], fixed=7, made={})"
    assert asdict(one) == {"name": "a", "secret": "s", "seen": [1], "fixed": 7, "made": {}}
    assert replace(one, name="c").name == "c"
    assert [each.name for each in fields(cls)] == ["name", "secret", "seen", "fixed", "made"]
    assert cls(name="a").seen is not cls(name="a").seen
    assert cls.__match_args__ == ()
    assert not hasattr(one, "__dict__")


def test_constructors_have_the_same_signature() -> None:
    ours, theirs = inspect.signature(Place), inspect.signature(standard(Place))
    assert list(ours.parameters) == list(theirs.parameters)
    assert {each.kind for each in ours.parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}
    assert Place.__init__.__annotations__ == standard(Place).__init__.__annotations__


def test_wrong_arguments_are_refused() -> None:
    for wrong in ({}, {"name": "a", "fixed": 1}, {"name": "a", "other": 1}):
        with pytest.raises(TypeError):
            Place(**wrong)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(TypeError):
        Place("a")  # type: ignore[call-arg]  # wrong on purpose


def test_value_cannot_be_changed() -> None:
    place = Place(name="a")
    with pytest.raises(FrozenInstanceError, match="'name'"):
        place.name = "b"  # type: ignore[misc]  # frozen
    with pytest.raises(FrozenInstanceError, match="'other'"):
        place.other = "b"  # type: ignore[attr-defined]  # no such field
    with pytest.raises(FrozenInstanceError, match="'name'"):
        del place.name
    assert place == Place(name="a")


@pytest.mark.parametrize("value", [Place(name="a", seen=[1]), Town(name="a", size=3), Nothing()])
def test_value_is_copied_and_pickled(value: object) -> None:
    for again in (copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
        assert again == value
        assert type(again) is type(value)


def test_value_of_a_value_takes_all_fields_and_checks_itself() -> None:
    town = Town(name="a", size=3)
    assert repr(town) == "Town(name='a', seen=[], fixed=7, made={}, size=3)"
    assert town != Town(name="a", size=4)
    assert town != Place(name="a")
    with pytest.raises(ValueError, match="small"):
        Town(name="a", size=-1)


def test_small_values() -> None:
    assert Nothing() == Nothing()
    assert hash(Nothing()) == hash(Nothing())
    assert repr(Nothing()) == "Nothing()"
    assert repr(Single(one=1)) == "one"
    assert Single(one=1) == Single(one=1)
    assert Single(one=1) != Single(one=2)
    assert not hasattr(Single(one=1), "later")


def test_value_that_holds_itself_can_be_shown() -> None:
    seen: list[Any] = []
    place = Place(name="a", seen=seen)
    seen.append(place)
    assert repr(place) == "Place(name='a', seen=[...], fixed=7, made={})"


def test_other_kinds_are_the_standard_decorators() -> None:
    assert Loose(one=1) == Loose(one=2)
    assert hash(Loose(one=2)) == 1
    plain = Plain(1)
    plain.one = 2
    assert plain == Plain(2)
