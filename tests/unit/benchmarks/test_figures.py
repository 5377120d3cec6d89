"""A figure says what was measured, and a miss is called a miss."""

import xml.etree.ElementTree as ET

import pytest

from benchmarks.figures import Figure, added, faster, markdown, plain, ratio, takes
from benchmarks.plot import svg

OURS, THEIRS = [0.003, 0.004, 0.002], [0.002, 0.002, 0.002]


@pytest.mark.parametrize(("target", "verdict"), [(1.5, "met"), (1.49, "missed"), (None, "")])
def test_ratio_is_the_median_of_the_rounds_own(target: float | None, verdict: str) -> None:
    figure = ratio("a call", OURS, THEIRS, target)
    assert (figure.value, figure.verdict, figure.met) == (1.5, verdict, verdict != "missed")
    assert figure.cells()[:4] == ("a call", "3.00 ms", "2.00 ms", "1.50x")


def test_seconds_that_were_added_are_the_median_of_pairs() -> None:
    figure = added("an import", [0.5, 0.2, 0.9], [0.4, 0.19, 0.1], 0.04)
    assert figure.value == pytest.approx(0.1)
    assert figure.cells()[1:] == ("500 ms", "190 ms", "+100 ms", "at most +40 ms", "missed")


@pytest.mark.parametrize(
    ("target", "verdict", "used"), [(0.5, "met", 0.75), (0.8, "missed", 1.2), (None, "", 0)]
)
def test_faster_is_met_from_its_target_up(target: float | None, verdict: str, used: float) -> None:
    figure = faster("a decision", OURS, THEIRS, target)
    assert (figure.verdict, figure.met) == (verdict, verdict != "missed")
    assert figure.value == pytest.approx(2 / 3)
    assert figure.used == pytest.approx(used)
    promise = f"at least {target}x faster" if target else ""
    assert figure.cells() == ("a decision", "3000.0 µs", "2000.0 µs", "0.7x faster", promise, verdict)


@pytest.mark.parametrize(("target", "verdict"), [(0.003, "met"), (0.0029, "missed")])
def test_what_something_takes_is_its_median_whatever_the_baseline_does(target: float, verdict: str) -> None:
    figure = takes("packs", OURS, THEIRS, target)
    assert (figure.value, figure.theirs, figure.verdict) == (0.003, 0.002, verdict)
    assert figure.cells()[3:5] == ("3.0 ms", f"at most {target * 1e3:.1f} ms")


def test_a_bar_is_longer_the_nearer_its_promise_is_to_being_broken() -> None:
    figures = [faster("quick", OURS, THEIRS, 0.5), faster("slow", OURS, THEIRS, 0.8)]
    bars = list(ET.fromstring(svg(figures)).iter("{http://www.w3.org/2000/svg}rect"))
    assert float(str(bars[1].get("width"))) < float(str(bars[3].get("width")))


def test_tables_hold_every_figure_in_order() -> None:
    figures = [ratio(name, OURS, THEIRS, 1.6) for name in ("one", "two")]
    lines = markdown(figures).splitlines()
    assert [line.split("|")[1].strip() for line in lines] == ["", "---", "one", "two"]
    assert {line.count("|") for line in lines} == {7}
    assert [line.split()[0] for line in plain(figures).splitlines()[1:]] == ["one", "two"]


def test_picture_shows_each_promise_and_says_it_in_words() -> None:
    figures = [
        ratio("met & well", OURS, THEIRS, 1.6),
        ratio("missed", OURS, THEIRS, 0.1),
        ratio("not promised", OURS, THEIRS, None),
    ]
    picture = ET.fromstring(svg(figures))
    bars = list(picture.iter("{http://www.w3.org/2000/svg}rect"))
    assert [each.get("class") for each in bars] == ["room", "met", "room", "missed"]
    assert float(str(bars[3].get("width"))) == float(str(bars[2].get("width")))
    title = picture.findtext("{http://www.w3.org/2000/svg}title") or ""
    assert "met & well: 1.50x, target at most 1.60x, met" in title
    assert "not promised" not in title


def test_negative_addition_draws_nothing() -> None:
    figure = Figure(name="faster", ours=0.1, theirs=0.2, value=-0.1, kind="added", target=0.04)
    bars = list(ET.fromstring(svg([figure])).iter("{http://www.w3.org/2000/svg}rect"))
    assert bars[1].get("width") == "0.0"
