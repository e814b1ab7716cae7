"""Solved sizes against counting: every size, padding and placement is tried."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from allconv import count_layers, nn
from allconv import functional as F
from allconv.analysis.counts import count_lecture_layers
from allconv.errors import ArgumentError, ShapeError
from allconv.sizes import (
    ceil_mode_adds,
    input_sizes,
    output_padding,
    output_size,
    paddings,
    solve_sizes,
)
from allconv.window import PADDING_NAMES, named_padding

often = settings(max_examples=7 * settings().max_examples)
kernels, strides, dilations = st.integers(1, 4), st.integers(1, 4), st.integers(1, 3)
ends = st.tuples(st.integers(-2, 4), st.integers(-2, 4))


def placements(size: int, kernel: int, stride: int, dilation: int) -> int:
    """How many placements of the kernel fit an axis of this size, padding included."""
    places = range(0, max(size, 0), stride)
    return sum(start + dilation * (kernel - 1) < size for start in places)


def counted(size: int, kernel: int, stride: int, padding: object, dilation: int) -> int:
    """The same for an input and its padding, by a pair or a name; 0 where a name has none."""
    if isinstance(padding, str):
        try:
            padding = named_padding(padding, size, kernel, stride=stride, dilation=dilation)
        except ArgumentError:
            return 0
    return placements(size + sum(padding), kernel, stride, dilation)


@given(st.integers(1, 12), kernels, strides, ends, dilations)
@often
def test_outputs(size: int, kernel: int, stride: int, pair: tuple[int, int], d: int) -> None:
    """The output counts the placements that fit."""
    wanted = counted(size, kernel, stride, pair, d)
    if wanted:
        assert output_size(size, kernel, stride=stride, padding=[pair], dilation=d) == wanted
    else:
        with pytest.raises(ShapeError, match="does not fit"):
            output_size(size, kernel, stride=stride, padding=[pair], dilation=d)


@given(st.integers(1, 8), kernels, strides, ends | st.sampled_from(PADDING_NAMES), dilations)
@often
def test_inputs(output: int, kernel: int, stride: int, padding: object, d: int) -> None:
    """Exactly the inputs that give the output, by any padding."""
    assume(padding != "half" or d * (kernel - 1) % 2 == 0)
    wanted = [n for n in range(1, 80) if counted(n, kernel, stride, padding, d) == output]
    given_padding = padding if isinstance(padding, str) else [padding]
    found = input_sizes(output, kernel, stride=stride, padding=given_padding, dilation=d)
    assert list(found) == wanted


@given(st.integers(1, 9), st.integers(1, 6), kernels, strides, dilations)
@often
def test_paddings(size: int, output: int, kernel: int, stride: int, d: int) -> None:
    """Exactly the paddings by which an input gives an output."""
    found = paddings(size, output, kernel, stride=stride, dilation=d)
    most = 40
    wanted = {
        (low, high)
        for low in range(most)
        for high in range(most - low)
        if placements(size + low + high, kernel, stride, d) == output
    }
    assert {pair for pair in found if sum(pair) < most} == wanted
    assert list(found) == sorted(found, key=lambda pair: (sum(pair), pair[0]))


@given(st.integers(1, 9), kernels, strides, st.tuples(*[st.integers(0, 3)] * 2), dilations)
@often
def test_output_padding(size: int, kernel: int, stride: int, pair: tuple[int, int], d: int) -> None:
    """It counts the cells at the end that no placement touches; nn's layers agree."""
    total = size + sum(pair)
    assume(placements(total, kernel, stride, d))
    touched = {
        start + d * tap
        for start in range(0, total, stride)
        if start + d * (kernel - 1) < total
        for tap in range(kernel)
    }
    found = output_padding(size, kernel, stride=stride, padding=[pair], dilation=d)
    assert found == total - 1 - max(touched)


@pytest.mark.parametrize("size", range(5, 12))
def test_output_padding_restores(size: int) -> None:
    """With it a transposed convolution gives the size back."""
    y = F.conv1d(np.ones((1, 1, size)), np.ones((1, 1, 3)), stride=3, padding=1)
    extra = output_padding(size, 3, stride=3, padding=1)
    back = F.conv_transpose1d(y, np.ones((1, 1, 3)), stride=3, padding=1, output_padding=extra)
    assert back.shape == (1, 1, size)


@given(st.integers(1, 12), kernels, st.integers(1, 5), st.integers(0, 2), dilations)
@often
def test_ceil_mode(size: int, kernel: int, stride: int, padding: int, d: int) -> None:
    """One more placement where cells are left over that it can begin on."""
    assume(2 * padding <= kernel)
    whole, reach = size + 2 * padding, d * (kernel - 1) + 1
    assume(reach <= whole)
    fitting = [start for start in range(0, whole, stride) if start + reach <= whole]
    after = fitting[-1] + stride
    left_over = fitting[-1] + reach < whole and after < size + padding
    found = ceil_mode_adds(size, kernel, stride=stride, padding=padding, dilation=d)
    assert found == int(left_over)


def test_all_of_an_axis() -> None:
    """The lecture's half padding: 4 gives 4, with stride 2 it gives 2."""
    whole = solve_sizes(4, 3, padding="half")
    assert (whole.axis.output, whole.inputs, whole.output_padding) == (4, (4,), 0)
    assert (1, 1) in whole.keeping
    text = str(solve_sizes(4, 3, stride=2, padding="half", dilation=1))
    assert text.splitlines()[0] == "4 -> 2   (kernel 3, stride 2, padding 1, 1)"
    assert "dilation 2" in str(solve_sizes(7, 3, dilation=2))
    assert "paddings that keep 4: (0, 0)\n" in str(solve_sizes(4, 1))
    large = solve_sizes(5000, 3, stride=100)
    assert "inputs that give 50: 4903 to 5002" in str(large)
    assert large.keeping_count == sum(total + 1 for total in range(494_903, 495_003))
    for size in (4, 5, 9):
        assert solve_sizes(size, 3, stride=2).keeping_count == len(
            paddings(size, size, 3, stride=2)
        )


def test_refusals() -> None:
    """Sizes and settings below 1, and kernels that do not fit."""
    with pytest.raises(ArgumentError, match="output is 0; it must be at least 1"):
        input_sizes(0, 3)
    with pytest.raises(ArgumentError, match="stride is 0"):
        paddings(4, 4, 3, stride=0)
    with pytest.raises(ShapeError, match="does not fit"):
        output_padding(2, 3)
    with pytest.raises(ArgumentError, match="groups is 2, which does not divide in_channels 3"):
        count_layers(3, 2, (4, 4), 3, groups=2)


COUNTED = [(1, 2, (7,), 3, 2, 1, 1), (4, 6, (5, 6), (3, 2), 1, 2, 2), (2, 2, (3, 4, 3), 2, 1, 1, 1)]


@pytest.mark.parametrize("case", COUNTED, ids=str)
def test_counts(case: tuple) -> None:
    """Parameters of the real layers; a multiply-add for every product that they form."""
    c, o, size, kernel, stride, dilation, groups = case
    axes = len(size)
    same = {"stride": stride, "dilation": dilation, "groups": groups}
    full, local, shared = count_layers(c, o, size, kernel, **same)
    conv = getattr(nn, f"Conv{axes}d")(c, o, kernel, **same)
    wide = getattr(nn, f"LocallyConnected{axes}d")(c, o, kernel, size, **same)
    cells = int(np.prod(wide.bias.shape))
    for found, layer in ((shared, conv), (local, wide)):
        assert found.weights == layer.weight.size
        assert found.biases == layer.bias.size
        assert found.parameters == found.weights + found.biases
        assert found.multiply_adds == cells * conv.weight[0].size
    inputs = c * int(np.prod(size))
    assert (full.weights, full.biases, full.multiply_adds) == (
        inputs * cells,
        cells,
        inputs * cells,
    )


def test_the_lecture() -> None:
    """200 x 200 pixels, 40,000 hidden units."""
    counts = count_lecture_layers()
    assert [(c.weights, c.biases) for c in counts] == [
        (1_600_000_000, 40_000), (4_000_000, 40_000), (100, 1), (10_000, 100),
    ]  # fmt: skip
    assert counts[0].multiply_adds == 1_600_000_000
    assert str(counts[2]).startswith("convolution, one 10x10 filter: 100 weights, 1 bias, 4,000,")


@pytest.mark.parametrize("wrong", [3.5, None, "3", (3, 3), True, 0])
def test_what_is_no_size(wrong: Any) -> None:
    """Each number of a window is a whole one of at least 1."""
    for name, call in {
        "input": lambda: output_size(wrong, 3),
        "stride": lambda: output_size(5, 3, stride=wrong),
        "dilation": lambda: solve_sizes(5, 3, dilation=wrong),
        "output": lambda: input_sizes(wrong, 3),
        "kernel": lambda: paddings(4, 4, wrong),
        "input ": lambda: ceil_mode_adds(wrong, 2),
    }.items():
        with pytest.raises(ArgumentError, match=f"^{name.strip()} is "):
            call()
    with pytest.raises(ArgumentError, match="input_size is 5; one size an axis"):
        count_layers(1, 1, 5, 1)
