"""A part of an axis is the same relation between fewer cells, held against every meeting."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest

from allconv.errors import ArgumentError
from allconv.window import Axis, Span, least_input, shared_ends


def axes() -> Iterator[Axis]:
    """Every small axis, whatever its sizes have to do with each other."""
    for numbers in product(
        (1, 2, 5), (1, 3), (1, 4), (1, 2, 3), (1, 2, 3), (1, 2, 3), (-2, 0, 1, 4)
    ):
        yield Axis(*numbers)


def spans(size: int) -> Iterator[Span]:
    """Every part of so many cells."""
    return ((i, j) for i in range(size) for j in range(i + 1, size + 1))


def pairs(a: Axis) -> set[tuple[int, int, int]]:
    """The (input, tap, output) that meet, from the relation itself."""
    every = product(range(a.input), range(a.kernel), range(a.output))
    return {
        (j, k, i)
        for j, k, i in every
        if a.input_dilation * j + a.padding == a.stride * i + a.dilation * k
    }


def shifted(found: set[tuple[int, int, int]], j: int, i: int) -> set[tuple[int, int, int]]:
    """The same cells, counted from others on."""
    return {(a + j, k, b + i) for a, k, b in found}


def test_the_inputs_of_some_outputs() -> None:
    """All that some outputs meet lies in the span, and the axis between both has those meetings."""
    for axis in axes():
        all_pairs = pairs(axis)
        for outputs in spans(axis.output):
            begin, end = inputs = axis.inputs_met(outputs)
            here = {each for each in all_pairs if outputs[0] <= each[2] < outputs[1]}
            assert all(begin <= j < end for j, _, _ in here)
            if begin < end:
                part = pairs(axis.between(inputs, outputs))
                assert shifted(part, begin, outputs[0]) == here
            else:
                assert not here


def test_the_outputs_of_some_inputs() -> None:
    """The same of the transpose."""
    for axis in axes():
        all_pairs = pairs(axis)
        for inputs in spans(axis.input):
            begin, end = outputs = axis.outputs_met(inputs)
            here = {each for each in all_pairs if inputs[0] <= each[0] < inputs[1]}
            assert all(begin <= i < end for _, _, i in here)
            if begin < end:
                part = pairs(axis.between(inputs, outputs))
                assert shifted(part, inputs[0], begin) == here
            else:
                assert not here


def test_more_cells_at_the_ends() -> None:
    """On a longer input the old cells are met as before."""
    for axis in axes():
        moved = axis.moved(2, 3)
        assert moved.input == axis.input + 5
        old = {each for each in pairs(moved) if 2 <= each[0] < axis.input + 2}
        assert shifted(old, -2, 0) == pairs(axis)


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_what_is_covered(stride: int) -> None:
    """Reach, spread and what all outputs cover, counted out."""
    for size, kernel, dilation, spread in product((3, 7), (1, 2, 3), (1, 2), (1, 2)):
        if dilation * (kernel - 1) >= spread * (size - 1) + 1:
            continue
        axis = Axis.forward(
            size, kernel, stride=stride, dilation=dilation, input_dilation=spread, padding=(1, 1)
        )
        places = {stride * i + dilation * k for i in range(axis.output) for k in range(kernel)}
        assert axis.covered == max(places) + 1
        assert axis.reach == len(range(0, dilation * kernel, 1)) - dilation + 1
        assert axis.spread == max(spread * j for j in range(size)) + 1
        assert axis.high == axis.covered - axis.spread - 1
        assert list(axis.starts) == [stride * i - 1 for i in range(axis.output)]


def test_the_transpose() -> None:
    """Its result is the smallest input from which a correlation makes so many outputs, found by
    trying all, with the cells added; where those are too many to go unmet there is another."""
    numbers = product((1, 2, 5), (1, 3), (1, 2, 3), (1, 2), (-2, 0, 1, 4), (-1, 0, 3), (0, 1, 2))
    for output, kernel, stride, dilation, low, high, extra in numbers:
        steps = {"stride": stride, "dilation": dilation, "padding": (low, high)}
        inputs = [
            i
            for i in range(1, 40)
            if i + low + high > dilation * (kernel - 1)
            and Axis.forward(i, kernel, **steps).output == output
        ]
        least = least_input(output, kernel, stride, dilation, (low, high))
        assert inputs == list(range(max(least, 1), least + stride))
        if least + extra < 1:
            with pytest.raises(ArgumentError, match="input must be at least 1"):
                Axis.transposed(output, kernel, **steps, output_padding=extra)
            continue
        axis = Axis.transposed(output, kernel, **steps, output_padding=extra)
        assert axis == Axis(least + extra, kernel, output, stride, dilation, 1, low)
        assert (axis.input in inputs) == (extra < stride)
        assert high - axis.high == extra


def test_zeros_shared_between_both_ends() -> None:
    """The odd one is at the end or at the start; fewer than none are none."""
    totals = range(-3, 4)
    assert [shared_ends(n, "same") for n in totals] == [(0, 0)] * 4 + [(0, 1), (1, 1), (1, 2)]
    assert all(shared_ends(n, "same_lower") == shared_ends(n, "same")[::-1] for n in totals)
