"""Figures of the lecture's page: what they compute, and which numbers have one."""

from __future__ import annotations

import re

import numpy as np
import pytest

import allconv as ac
from allconv.lecture import Example, Result
from allconv.lecture.figures import ELSEWHERE, FIGURES, Figure, figure_of
from allconv.lecture.page import lecture_page
from allconv.lecture.prose import PLAN, Live
from allconv.show.stage.model import model_of
from allconv.show.stage.names import written
from allconv.show.stage.state import State
from allconv.show.stage.svg import stage_svg
from allconv.show.stage.values import values_of

from .reading import Page

EXAMPLES = ac.lecture.examples()


PIECES = [piece for part in PLAN for piece in part.pieces]
DRAWN = [example for example in EXAMPLES if example.name in FIGURES]


@pytest.mark.parametrize("example", DRAWN, ids=lambda example: example.name)
def test_a_figure_computes_what_its_example_does(example: Example) -> None:
    """Every number of the array that is left out is one of the example's; where it shows the whole
    result, it is that array."""
    figure = figure_of(example)
    assert figure is not None
    found = left_out(figure)
    if example.name in ("translation", "sparse-matrix", "densified"):
        return  # the image moved, a matrix in letters, a larger image: see below
    ours = np.asarray(example.check().ours, float)
    if example.name == "conv2d-listing":
        ours = np.moveaxis(ours, -1, 0)  # channels last, as TensorFlow prints them
    if found.size == ours.size:
        np.testing.assert_allclose(found, ours.ravel(), rtol=1e-12)
    else:
        assert all(np.isclose(ours, each).any() for each in found)


def left_out(figure: Figure) -> np.ndarray:
    """The numbers of the array that a figure computes."""
    values = values_of(figure.state, model_of(figure.state))
    return np.array({"y": values.y, "x": values.gx, "w": values.gw}[figure.state.leave])


def test_figures_of_moved_and_larger_images_hold_the_result() -> None:
    """The translated image holds the 3 x 3 results; the larger one the first cell, at its end."""
    ours = np.asarray(ac.lecture.find("translation").check().ours, float)
    moved, larger = (figure_of(ac.lecture.find(name)) for name in ("translation", "densified"))
    assert moved is not None
    assert larger is not None
    np.testing.assert_allclose(left_out(moved).reshape(2, 4, 4)[:, 1:, 1:], ours)
    assert left_out(larger)[-1] == pytest.approx(ours[0, 0, 0])


def test_every_operator_on_numbers_is_live(results: tuple[Result, ...]) -> None:
    """Examples with arrays of numbers have a figure, or name the one that has theirs."""
    for example in (result.example for result in results if result.ours is not None):
        has_arrays = any(
            array.ndim and array.dtype.kind == "f" for array in example.inputs.values()
        )
        if has_arrays:
            assert example.name in FIGURES or ELSEWHERE[example.name] in FIGURES


def test_the_page_holds_the_figures_and_their_pictures(text: str) -> None:
    """Each address is understood as it was meant, and drawn with the library's numbers."""
    expected = [figure_of(example) for example in EXAMPLES if example.name in FIGURES]
    expected += [Figure(p.address, p.parts) for p in PIECES if isinstance(p, Live)]
    addresses = Page(text).having("data-address")
    assert sorted(addresses) == sorted(figure.address for figure in expected if figure)
    for address in addresses:
        state = State.of_address(address)
        assert State.of_address(state.address()) == state
        shown = re.findall(r">([^<>]+)</text>", stage_svg(state))
        for value in left_out(Figure(address)).tolist():
            assert written(value) in shown
        given = {"y": "xw", "x": "wg", "w": "xg"}[state.leave]
        given = given.replace("w", "") if state.op == "local" else given  # a place at a time
        for name, value in state.edits.items():
            assert name[0] not in given or written(value) in shown


def test_figures_name_parts_that_there_are() -> None:
    script = lecture_page([]).split("<script>")[-1]
    known = set(re.findall(r"^\s+(\w+): \w+Part,", script, re.MULTILINE))
    named = {part for p in PIECES if isinstance(p, Live) for part in p.parts.split()}
    for example in DRAWN:
        figure = figure_of(example)
        assert figure is not None
        named |= set(figure.parts.split())
    assert "shift" in named
    assert named <= known


@pytest.mark.parametrize(
    "value", [np.nan, np.inf, 1e308, -0.5, 123456.789], ids=lambda value: str(value)
)
def test_other_numbers_are_another_page(value: float, results: tuple[Result, ...]) -> None:
    """A changed input reaches figure and result; what the stage cannot show has no figure."""
    changed = [with_first(result.example, value) for result in results]
    with np.errstate(all="ignore"):
        quick = [each.check() for each in changed if each.name in FIGURES]
    page = Page(lecture_page(quick))
    assert (page.wrong, page.open) == ([], [])
    for address in page.having("data-address"):
        values_of(State.of_address(address), model_of(State.of_address(address)))


def with_first(example: Example, value: float) -> Example:
    """The example with another number in the first cell of its first array of numbers."""
    for name, array in example.inputs.items():
        if array.ndim and array.dtype.kind == "f":
            other = array.copy()
            other.flat[0] = value
            return example.changed(**{name: other})
    return example


@pytest.mark.parametrize("name", ["correlation", "image-2x4x4", "max-pooling", "conv2d-transpose"])
def test_a_changed_number_is_in_the_figure(name: str) -> None:
    figure = figure_of(with_first(ac.lecture.find(name), -0.5))
    assert figure is not None
    assert figure.state.edits["x0.0.0"] == -0.5


@pytest.mark.parametrize("length", [0, 1, 2, 17, 5000])
def test_sizes_beyond_the_stage_have_no_figure(length: int) -> None:
    """Too few cells for the kernel, or more than are drawn: the page stands without the figure."""
    example = ac.lecture.find("correlation").changed(x=np.ones(length))
    assert figure_of(example) is None
    page = Page(lecture_page([example.check()]))
    assert (page.wrong, page.open) == ([], [])


def test_all_figures_have_the_letters_of_the_slides(text: str) -> None:
    addresses = Page(text).having("data-address")
    assert {State.of_address(address).letters for address in addresses} == {"slides"}
