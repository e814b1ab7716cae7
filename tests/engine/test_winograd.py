"""Winograd's algorithm against the definition, and its promises on bits."""

from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

from allconv.engine import lowerings
from allconv.engine import threads as team
from allconv.engine.array_layout import ready
from allconv.engine.choose import WINOGRAD, choose
from allconv.engine.epilogue import Epilogue, Tail
from allconv.engine.expression import Expression
from allconv.engine.kernels import winograd_steps
from allconv.engine.kernels.winograd import Winograd, WinogradInput, WinogradWeights
from allconv.engine.kernels.winograd_steps import add_winograd, by_group
from allconv.engine.kernels.winograd_transform import (
    POINTS,
    TAPS,
    data_matrix,
    result_matrix,
    weight_matrix,
)
from allconv.engine.place import layout_strides
from allconv.engine.program import Program
from allconv.engine.target import host
from allconv.engine.verify import check_plan, check_run
from allconv.operators.base import Spec
from allconv.operators.correlate import Correlate, CorrelateTranspose
from allconv.operators.pointwise import Add, Multiply
from allconv.trace import Builder
from allconv.window import Window
from tiers import shares

from .comparing import channels_last, graph_of, planted, poison
from .forcing import force_winograd
from .test_guard_pages import guarded

BOUND = {"float32": 6e-6, "float64": 2e-14}  # of max |x| times the largest sum of |w|
FILTERS = ("normal", "one tap", "sparse", "signs", "heavy")
SHARE = 40  # cases of one test
SHARES = 8
FAULTS = [
    (Winograd, "channels"), (Winograd, "y_size0"), (Winograd, "outputs"), (Winograd, "tiles"),
    (Winograd, "padding0"),
    (WinogradInput, "size1"), (WinogradInput, "padding1"), (WinogradInput, "tiles"),
    (WinogradWeights, "outputs"), (WinogradWeights, "channels"), (WinogradWeights, "w_group"),
]  # fmt: skip


def filters(draw, kind, shape):
    """Weights of a kind."""
    w = draw.standard_normal(shape)
    match kind:
        case "one tap":
            flat = np.zeros((shape[0], shape[1] * 9))
            chosen = draw.integers(0, flat.shape[1], shape[0])
            flat[np.arange(shape[0]), chosen] = draw.random(shape[0]) + 0.5
            return flat.reshape(shape)
        case "sparse":
            return w * (draw.random(shape) < 0.05)
        case "signs":
            return np.sign(w)
        case "heavy":
            return draw.standard_t(1.5, shape)
        case _:
            return w


def draw_case(number, dtype="float32"):
    """A correlation or, every third time, a transpose; its operands, m, whether ReLU follows."""
    draw = np.random.default_rng([number, 5])
    size = tuple(int(n) for n in draw.integers(1, 21, 2))
    padding = []
    for n in size:
        low, high = (int(p) for p in draw.integers(0, 4, 2))
        padding.append((low, max(high, 3 - n - low)))
    window = Window.forward(size, (3, 3), padding=tuple(padding))
    groups = int(draw.choice([1, 1, 1, 2, 3]))
    c, o = (int(n) for n in draw.integers(1, 71, 2))
    c, o = max(1, c // groups), max(1, o // groups)
    x = draw.standard_normal((int(draw.integers(1, 4)), groups * c, *size)).astype(dtype)
    if draw.random() < 0.3:
        x = np.sign(x)
    w = filters(draw, draw.choice(FILTERS), (groups * o, c, 3, 3)).astype(dtype)
    kind, operands = Correlate, [x, w]
    if number % 3 == 0:
        y = draw.standard_normal((x.shape[0], groups * o, *window.output)).astype(dtype)
        kind, operands = CorrelateTranspose, [w, y]
    if draw.random() < 0.5:
        channels = groups * (o if kind is Correlate else c)
        operands.append(draw.standard_normal(channels).astype(dtype))
    return kind(window, groups), operands, int(draw.choice([2, 4])), bool(draw.random() < 0.5)


def check_close(got, wanted, operator, operands):
    """Within the bound, for which a transpose is the correlation of y with its weights."""
    image, w = operands[:2]
    if isinstance(operator, CorrelateTranspose):
        w, image = operands[:2]
        w = np.moveaxis(w.reshape(operator.groups, -1, *w.shape[1:]), 2, 1)
        w = w.reshape(-1, *w.shape[2:])
    largest = np.abs(image).max() * np.abs(w).sum((1, 2, 3)).max()
    assert np.abs(got - wanted).max() <= BOUND[got.dtype.name] * largest


def same_bits(got, wanted):
    """The same numbers, bit by bit."""
    np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("m", POINTS)
def test_the_matrices_are_those_of_a_correlation(m):
    """A^T (G w . B^T x) is the correlation of x and w, in exact fractions."""
    a, g, b = (np.array(f(m), object) for f in (result_matrix, weight_matrix, data_matrix))
    n = m + TAPS - 1
    for cell in range(n):
        for tap in range(TAPS):
            x, w = ([Fraction(int(i == one)) for i in range(size)]
                    for one, size in ((cell, n), (tap, TAPS)))  # fmt: skip
            got = a @ ((g @ np.array(w, object)) * (b @ np.array(x, object)))
            assert list(got) == [int(i + tap == cell) for i in range(m)]


@pytest.mark.parametrize("share", shares(SHARES))
def test_it_equals_the_definition(monkeypatch, share):
    """Drawn geometries, filters, layouts and orders of the chunks: within the bound, and the same
    bits for every layout and order."""
    for number in range(share * SHARE, (share + 1) * SHARE):
        operator, operands, m, relu = draw_case(number)
        force_winograd(monkeypatch, m)
        graph = graph_of(operator, operands, relu=relu)
        (wanted,) = graph.run(*operands)
        program = Program(graph, threads=1)
        (got,) = program(*operands)
        check_close(got, wanted, operator, operands)
        (last,) = program(*map(channels_last, operands))
        same_bits(last, got)
        for seed in range(2):
            program.reorder(seed)
            same_bits(program(*operands)[0], got)


@pytest.mark.parametrize("m", POINTS)
@pytest.mark.parametrize("padding", [((-1, -2), (0, -3)), ((5, -4), (-4, 6)), ((20, 3), (-3, 9))])
def test_windows_that_crop_or_reach_far_out(monkeypatch, m, padding):
    """Negative padding leaves cells out; tiles may lie outside of the image altogether."""
    force_winograd(monkeypatch, m)
    draw = np.random.default_rng(8)
    x, w = (draw.standard_normal(shape).astype(np.float32) for shape in
            ((2, 20, 15, 13), (18, 20, 3, 3)))  # fmt: skip
    window = Window.forward((15, 13), (3, 3), padding=padding)
    y = draw.standard_normal((2, 18, *window.output)).astype(np.float32)
    for operator, operands in (
        (Correlate(window), (x, w)),
        (CorrelateTranspose(window), (w, y)),
    ):
        graph = graph_of(operator, operands)
        (wanted,) = graph.run(*operands)
        for given in (operands, map(channels_last, operands)):
            check_close(Program(graph)(*given)[0], wanted, operator, operands)


@pytest.mark.parametrize("m", POINTS)
def test_wide_floats(monkeypatch, m):
    """float64 runs on the same code."""
    for number in range(12):
        operator, operands, _, relu = draw_case(number, "float64")
        force_winograd(monkeypatch, m)
        graph = graph_of(operator, operands, relu=relu)
        check_close(Program(graph)(*operands)[0], graph.run(*operands)[0], operator, operands)


@pytest.mark.parametrize("m", POINTS)
def test_parts_have_the_bits_of_the_whole(monkeypatch, m):
    """A part of an image whose tiles are whole ones of the image, and one image of many.

    The cells of a tile that is cut have other bits: zeros lie where the image went on, and what
    cancels out is rounded.
    """
    force_winograd(monkeypatch, m)
    draw = np.random.default_rng(2)
    x = draw.standard_normal((3, 20, 27, 34)).astype(np.float32)
    w = draw.standard_normal((24, 20, 3, 3)).astype(np.float32)

    def run(part):
        window = Window.forward(part.shape[2:], (3, 3))
        return Program(graph_of(Correlate(window), (part, w)))(channels_last(part), w)[0]

    whole = run(x)
    same_bits(run(x[1:2]), whole[1:2])
    for i, j, rows, columns in ((0, 0, 10, 14), (8, 4, 10, 6), (16, 24, 11, 10), (4, 20, 6, 6)):
        part = run(x[:, :, i : i + rows, j : j + columns])
        same_bits(part, whole[:, :, i : i + rows - 2, j : j + columns - 2])


@pytest.mark.parametrize("m", POINTS)
@pytest.mark.parametrize("kind", [(5, 21, 9), (64, 35, 14), (256, 200, 7)])
def test_an_epilogue(monkeypatch, m, kind):
    """(y * c + r) * s: a number for each image and channel, an array like y, a single number."""
    c, o, size = kind
    draw = np.random.default_rng(6)
    window = Window.forward((size, size), (3, 3), padding=((1, 1), (1, 1)))
    x, w, _, scale, r, s = operands = [
        channels_last(draw.standard_normal(shape).astype(np.float32))
        for shape in ((2, c, size, size), (o, c, 3, 3), (o,), (2, o), (2, o, size, size), (1,))
    ]
    lines = ((Multiply(), (0, 1)), (Add(), (4, 2)), (Multiply(), (5, 3)))
    epilogue = Epilogue(Expression(4, lines, (6,)), "cys")

    def lower(planner, node):
        places = [planner.places[value] for value in planner.graph.inputs]
        tail = Tail(epilogue, tuple(places[3:]), (places[3].strides[0], 0, 0))
        y = planner.result(node.outputs[0])
        weights = by_group(places[1], 1)
        add_winograd(planner, places[0], weights, y, places[2], tail, window, m)
        return True

    monkeypatch.setitem(lowerings.LOWERINGS.of, Correlate, lower)
    builder = Builder()
    values = [builder.input(Spec.of(each)) for each in operands]
    graph = builder.graph([builder.apply(Correlate(window), *values[:3])])
    (got,) = Program(graph, exact=True)(*operands)
    (y,) = graph.run(*operands)
    wanted = (y * scale[:, :, None, None] + r) * s
    largest = np.abs(x).max() * np.abs(w).sum((1, 2, 3)).max() * np.abs(scale).max() * abs(s[0])
    assert np.abs(got - wanted).max() <= BOUND["float32"] * largest + 1e-6


@pytest.mark.parametrize("m", POINTS)
@pytest.mark.parametrize(("c", "o", "apart"), [(256, 200, 1), (256, 200, 0), (20, 24, 1)])
@pytest.mark.parametrize("kind", [Correlate, CorrelateTranspose])
def test_steps_touch_what_they_name(monkeypatch, m, kind, c, o, apart):
    """Plans are sound, and kernels change nothing but what their steps name."""
    force_winograd(monkeypatch, m)
    monkeypatch.setattr(winograd_steps, "APART", apart * winograd_steps.APART)
    draw = np.random.default_rng(4)
    window = Window.forward((11, 9), (3, 3), padding=((1, 1), (0, 2)))
    x = draw.standard_normal((2, c, 11, 9)).astype(np.float32)
    w = draw.standard_normal((o, c, 3, 3)).astype(np.float32)
    y = draw.standard_normal((2, o, *window.output)).astype(np.float32)
    operands = (x, w) if kind is Correlate else (w, y)
    graph = graph_of(kind(window), operands)
    for layout in ("rows", "last"):
        layouts = ["rows" if each is w else layout for each in operands]
        prepared = Program(graph, static=(int(kind is Correlate),)).prepare(tuple(layouts))
        planner = prepared.planner
        assert [step.what for step in planner.setup] == ["transform weights"]
        check_plan(planner, prepared.arena)
        (got,) = check_run(planner, operands)
        check_close(got, graph.run(*operands)[0], kind(window), operands)


@pytest.mark.parametrize(("kernel", "slot"), [*FAULTS, (Winograd, "y_channel")])
def test_a_planted_fault_is_caught(monkeypatch, kernel, slot):
    """The comparison fails when a count, a padding or the place of a channel is one less."""
    force_winograd(monkeypatch, 4)
    draw = np.random.default_rng(1)
    c, o = (256, 160) if kernel is WinogradInput else (4, 6)
    groups = 2 if slot == "w_group" else 1
    window = Window.forward((9, 9), (3, 3), padding=((1, 1), (1, 1)))
    x = draw.integers(1, 5, (2, c, 9, 9)).astype(np.float32)
    w = draw.integers(1, 5, (o, c // groups, 3, 3)).astype(np.float32)
    operator = Correlate(window, groups)
    graph = graph_of(operator, (x, w))
    layout = "rows" if slot == "y_channel" else "last"
    x = x if layout == "rows" else channels_last(x)

    def check():
        program = Program(graph, threads=1)
        (first,) = program(x, w)
        poison(program.prepare((layout, "rows")))
        (got,) = program(x, w, out=[np.full_like(first, np.nan)])
        assert any(isinstance(step.kernel, kernel) for step in program.steps())
        check_close(got, graph.run(x, w)[0], operator, (x, w))

    check()
    planted(monkeypatch, kernel, slot, -1)
    with pytest.raises(AssertionError):
        check()


def test_which_is_chosen():
    """By channels and the tiles of an image alone."""

    def chosen(batch, channels, size, outputs, exact=False, **settings):
        window = Window.forward((size, size), (3, 3), padding=((1, 1), (1, 1)), **settings)
        x, w = (
            np.empty((batch, channels, size, size), "f"),
            np.empty((outputs, channels, 3, 3), "f"),
        )
        (choice,) = choose(graph_of(Correlate(window), (x, w)), host(), exact).values()
        return WINOGRAD.get(choice.algorithm, 0)

    assert chosen(1, 64, 56, 64) == chosen(8, 64, 56, 64) == 4
    assert chosen(1, 512, 7, 512) == chosen(4, 512, 7, 512) == 2
    assert chosen(1, 3, 224, 64) == chosen(1, 64, 3, 64) == 0
    assert chosen(1, 64, 56, 64, stride=(2, 2)) == chosen(1, 64, 56, 64, dilation=(1, 2)) == 0
    assert chosen(1, 64, 56, 64, exact=True) == 0


def check_guarded(numbers):
    """Programs whose arrays, memory between steps and scratch are NaN lie against pages that fault;
    the last number printed is that of a fault."""
    for number in numbers:
        print(number, flush=True)
        operator, operands, m, relu = draw_case(number)
        graph = graph_of(operator, operands, relu=relu)
        with pytest.MonkeyPatch.context() as patch:
            force_winograd(patch, m)
            program = Program(graph, threads=1)
            for end in (False, True):
                layout = "last" if number % 3 else "rows"
                kinds = (layout, "rows", "rows")[: len(operands)]
                arrays = [
                    guarded(Spec.of(x), layout_strides(Spec.of(x), kind), end=end, content=x)
                    for x, kind in zip(operands, kinds, strict=True)
                ]
                prepared = program.prepare(tuple(ready(array).layout for array in arrays))
                poison(prepared)
                team._caller.scratch.block(0).memory[...] = 255
                places = prepared.planner.outputs
                out = [guarded(place.spec, place.strides, end=end) for place in places]
                program(*arrays, out=out)
                check_close(out[0], graph.run(*operands)[0], operator, operands)


@pytest.mark.skipif(os.name == "nt", reason="needs mprotect: run it on Linux")
@pytest.mark.parametrize("share", shares(SHARES // 2))
def test_no_kernel_leaves_its_arrays(request, share):
    """Programs on arrays between faulting pages end, and give what their definitions give."""
    numbers = range(1000 + share * SHARE, 1000 + (share + 1) * SHARE)
    code = (
        f"import sys; sys.path.insert(0, {str(request.path.parents[1])!r})\n"
        f"from engine.test_winograd import check_guarded; check_guarded({numbers!r})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "".join(f"{n}\n" for n in numbers)), done.stderr
