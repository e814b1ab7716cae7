"""Charts: round ticks, gaps, names apart, and SVG that is well formed whatever the numbers are."""

from __future__ import annotations

import math
from itertools import pairwise
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from allconv.picture.chart import (
    LABEL,
    MOST_POINTS,
    Chart,
    Series,
    apart,
    in_words,
    pictured,
    tick_texts,
    ticks,
)
from allconv.train.history import History, Record

SVG = "{http://www.w3.org/2000/svg}"
NUMBERS = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True))
FINITE = st.floats(-1e99, 1e99)


def tree(picture: str) -> ElementTree.Element:
    """A picture as XML."""
    return ElementTree.fromstring(picture)  # noqa: S314 (it is our own)


def found(picture: str, name: str) -> list[ElementTree.Element]:
    """Its elements of a name."""
    return list(tree(picture).iter(SVG + name))


@given(FINITE, FINITE)
def test_ticks_reach_over_the_numbers_in_even_steps(one: float, other: float) -> None:
    """A few of them, in order, from at most the least to at least the greatest number."""
    low, high = sorted((one, other))
    at = ticks(low, high)
    slack = 1e-5 * max(abs(low), abs(high))
    assert 2 <= len(at) <= 9
    assert at == sorted(set(at))
    assert at[0] <= low + slack
    assert at[-1] >= high - slack


@given(st.integers(-400, 400), st.integers(1, 400), st.integers(-6, 6))
def test_ticks_are_round(low: int, size: int, power: int) -> None:
    """Each is a multiple of 1, 2 or 5 times a power of ten, and said with its own digits alone."""
    at = ticks(low * 10.0**power, (low + size) * 10.0**power)
    texts = tick_texts(at)
    assert len(set(texts)) == len(at)
    step = at[1] - at[0]
    digits = f"{step:.3e}"[:5]
    assert digits in {"1.000", "2.000", "5.000"}
    for value, text in zip(at, texts, strict=True):
        assert math.isclose(float(text.replace(",", "")), value, rel_tol=1e-3, abs_tol=step / 1e6)


@given(st.lists(st.lists(NUMBERS, max_size=12), max_size=5), st.booleans())
def test_any_numbers_are_a_picture(lines: list[list[float | None]], is_share: bool) -> None:
    """Well formed, with coordinates that are numbers on the paper."""
    chart = Chart("t", tuple(map(Series, "abcde", lines)), is_share=is_share, base=0.0)
    picture = chart.svg()
    for each in tree(picture).iter():
        for name in {"x", "y", "x1", "x2", "y1", "y2", "cx", "cy"} & each.attrib.keys():
            assert math.isfinite(float(each.attrib[name]))
    for line in found(picture, "polyline"):
        for point in line.attrib["points"].split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= chart.width
            assert 0 <= y <= chart.height


def test_missing_numbers_are_gaps() -> None:
    """A stretch on each side of them, and a dot where a number stands alone."""
    values = [1.0, 2.0, None, 3.0, math.nan, math.inf, 4.0, 5.0]
    picture = Chart("t", (Series("a", values),)).svg()
    stretches = [line.attrib["points"].split() for line in found(picture, "polyline")]
    assert [len(stretch) for stretch in stretches] == [2, 1, 2]
    assert len(found(picture, "circle")) == 5


def test_the_chosen_place_is_marked() -> None:
    """A line across, at the place, with its words; none where it lies outside."""
    line = Series("a", [1.0, 2.0, 3.0])
    picture = Chart("t", (line,), marked=2, mark="epoch 2 is kept").svg()
    (across,) = [e for e in found(picture, "line") if e.attrib.get("class") == "mark"]
    middle = found(picture, "polyline")[0].attrib["points"].split()[1].split(",")[0]
    assert math.isclose(float(across.attrib["x1"]), float(middle), abs_tol=0.1)
    assert "epoch 2 is kept" in "".join(tree(picture).itertext())
    assert 'class="mark"' not in Chart("t", (line,), marked=4, mark="no").svg()


@given(st.lists(st.floats(0, 300), max_size=12))
def test_names_at_the_ends_of_lines_do_not_meet(places: list[float]) -> None:
    """They keep their order and lie apart; the last stays on the paper."""
    moved = apart(sorted(places), LABEL, 300)
    assert all(b - a >= LABEL - 1e-9 for a, b in pairwise(moved))
    assert all(y <= 300 for y in moved)


def test_every_line_has_another_look() -> None:
    """Of a dozen lines no two have colour and dashes in common."""
    looks = [(line.colour, line.dashes) for line in (Series("a", [], n) for n in range(12))]
    assert len(set(looks)) == 12


def test_a_long_training_is_thinned_out_and_keeps_its_extremes() -> None:
    """The picture stays small; the one bad epoch of a hundred thousand is seen."""
    values: list[float | None] = [1.0] * 100_000
    values[54_321] = 9.0
    picture = Chart("t", (Series("a", values),), base=0.0).svg()
    points = [p for line in found(picture, "polyline") for p in line.attrib["points"].split()]
    assert len(points) <= MOST_POINTS
    heights = {float(point.split(",")[1]) for point in points}
    assert len(heights) == 2


def test_names_are_text() -> None:
    """Markup in names of lines, titles and marks is escaped, in the label too."""
    name = '</text><script>"&\x00'
    chart = Chart(name, (Series(name, [1.0, 2.0]),), across=name, marked=1, mark=name)
    picture = pictured([chart])
    assert found(picture, "script") == []
    assert "<script>" in tree(picture).attrib["aria-label"]


def test_a_chart_says_what_it_shows() -> None:
    """For those who do not see it: where each line begins and ends."""
    chart = Chart("Accuracy", (Series("training", [None, 0.5, 0.75, None]),), is_share=True)
    assert in_words(chart) == "Accuracy: training from 50.0 % to 75.0 %"
    assert in_words(Chart("Loss", ())) == "Loss: no numbers"


def record(epoch: int, validation: float | None) -> Record:
    """An epoch."""
    return Record(epoch, 1 / epoch, 0.5, validation, validation, 0.01, 1.0, 1.0, 1.0)


def test_a_history_is_drawn() -> None:
    """Loss and accuracy of both parts and the rate; the kept epoch where a part chose it."""
    history = History(tuple(record(n, 0.1 * n) for n in (1, 2, 3)), 2, stopped=False)
    picture = history.plot()
    assert isinstance(picture, str)
    assert picture._repr_svg_() == history._repr_svg_() == history._repr_html_() == picture
    assert len(found(picture, "polyline")) == 5
    assert picture.count("epoch 2 is kept") == 2


def test_a_history_without_validation_or_epochs_is_drawn() -> None:
    """Three lines and no mark; without any epoch, three empty charts."""
    picture = History(tuple(record(n, None) for n in (1, 2)), 2, stopped=False).plot("dark")
    assert len(found(picture, "polyline")) == 3
    assert "is kept" not in picture
    assert "Loss: no numbers" in tree(History((), 0, stopped=False).plot()).attrib["aria-label"]
