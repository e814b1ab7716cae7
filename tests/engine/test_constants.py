"""Constants of a graph: what they alone decide is computed once, of the numbers that they hold."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import pytest

from allconv import compile as compile_
from allconv import functional as F
from allconv import nn
from allconv.engine import prepared
from allconv.engine.program import Program
from allconv.engine.weights import Weights
from allconv.intake.arrays import frozen, is_frozen
from allconv.operators.base import Spec
from allconv.trace import trace

DRAW = np.random.default_rng(31)
X = DRAW.standard_normal((1, 20, 9, 9)).astype(np.float32)
W = DRAW.standard_normal((24, 20, 3, 3)).astype(np.float32)
B = DRAW.standard_normal(24).astype(np.float32)


def held(how: str) -> np.ndarray[Any, Any]:
    """The weights in the same numbers, lying in another way."""
    ways = {
        "rows": lambda: W.copy(),
        "channels last": lambda: np.moveaxis(np.moveaxis(W, 1, -1).copy(), -1, 1),
        "turned": lambda: W.T.copy().T,
        "repeated": lambda: np.broadcast_to(W[:, :1, :1, :1].copy(), W.shape),
    }
    return frozen(ways[how]())


@pytest.mark.parametrize("how", ["rows", "channels last", "turned", "repeated"])
@pytest.mark.parametrize("exact", [True, False])
def test_weights_that_a_function_holds_are_packed_once(how: str, exact: bool) -> None:
    """No step of a run packs them, and the result is that of weights which come with the call."""
    w = held(how)
    kept = Program(trace(lambda x: F.conv2d(x, w, B), Spec(X.shape)).graph, exact=exact)
    given = Program(trace(F.conv2d, Spec(X.shape), Spec(W.shape), Spec(B.shape)).graph, exact=exact)
    (result,) = kept(X)
    np.testing.assert_array_equal(result, given(X, w, B)[0])
    packing = {"pack weights", "transform weights"}
    assert packing & {step.what for step in kept.prepare().planner.setup}
    assert packing & {step.what for step in given.steps()}
    assert not packing & {step.what for step in kept.steps()}


class Masked(nn.Module):
    """A network that holds an array of its own, which is no parameter."""

    def __init__(self, mask: np.ndarray[Any, Any]) -> None:
        self.conv = nn.Conv2d(20, 4, 3)
        self.mask = mask

    def forward(self, x: Any) -> Any:
        return self.conv(x) * self.mask


def test_what_a_caller_may_write_into_is_read_at_every_call() -> None:
    """An array that a network holds, and that is changed in place, changes the next result."""
    mask = np.ones((7, 7), np.float32)
    net = Masked(mask)
    plain = net(X)
    mask[...] = 3
    np.testing.assert_array_equal(net(X), plain * 3)
    view = mask[:]
    view.flags.writeable = False
    other = Masked(view)  # read-only, but not for whoever has `mask`
    tripled = other(X)
    mask[...] = 1
    np.testing.assert_allclose(other(X) * 3, tripled, 1e-6)


def test_frozen_is_what_nobody_can_write_into() -> None:
    """What `frozen` gives, and what lies in bytes; not what is merely read-only."""
    array = np.arange(6.0).reshape(2, 3)
    kept = array.copy()
    for each in (array, np.broadcast_to(array[:1], (2, 3)), array[::-1, ::2], np.array(3)):
        made = frozen(each)
        assert is_frozen(made[..., None])
        assert frozen(made) is made
        np.testing.assert_array_equal(made, each)
        assert (made.dtype, made.strides) == (each.dtype, each.strides)
        for view in (made, made[...], made.view(), made.T):
            with pytest.raises(ValueError, match="WRITEABLE"):
                view.flags.writeable = True
    np.testing.assert_array_equal(array, kept)
    array.flags.writeable = False
    assert not is_frozen(array)
    assert is_frozen(np.frombuffer(b"12345678"))
    assert not is_frozen(np.frombuffer(bytearray(8)))


def test_what_is_read_only_for_a_while_may_change() -> None:
    """A compiled function holds a copy; a network reads its arrays at every call, all of them."""
    held = np.full((4, 4), 2, np.float32)
    held.flags.writeable = False

    class Net(nn.Module):
        def forward(self, x: Any) -> Any:
            return x * held[:1], F.linear(x, held)

    x = np.ones((1, 4), np.float32)
    net = Net()
    compiled = compile_(net.forward, x.shape)
    for call in (compiled, net):
        assert [float(result.flat[0]) for result in call(x)] == [2, 8]
    held.flags.writeable = True
    held[...] = 7
    assert [float(result.flat[0]) for result in compiled(x)] == [2, 8]
    assert [float(result.flat[0]) for result in net(x)] == [7, 28]


def test_constants_beside_weights_are_told_apart() -> None:
    """Programs that share weights, and fold other constants into them, have results of their own.

    Constants of the same bytes under another shape, or repeated along another axis, are others.
    """
    weights = Weights.of([frozen(W.copy())])
    row = np.arange(1, 25, dtype=np.float32).reshape(1, 24, 1, 1)
    ones = [row, row[:, ::-1], np.broadcast_to(row[:, :1], row.shape), np.float32(3) + 0 * row]
    found = []
    for scale in (frozen(each) for each in map(np.array, ones)):
        graph = trace(
            lambda x, w, scale=scale: F.conv2d(x, w) * scale, Spec(X.shape), Spec(W.shape)
        ).graph
        program = Program(graph, static=(1,))
        found.append(program(X, weights=weights)[0])
        np.testing.assert_allclose(found[-1], graph.run(X, W)[0], 1e-4, 1e-3)
    for a, b in ((0, 1), (0, 2), (0, 3), (2, 3)):
        assert not np.array_equal(found[a], found[b])


def test_what_constants_alone_decide_goes_with_the_plan() -> None:
    """Arrays of the size of an image, made of constants, are not kept beside the weights, where
    every size of image would add one; the plan counts them."""

    def function(x: Any, w: Any) -> Any:
        y = F.conv2d(x, w)
        return y * (y**0 * 3.0)  # the power of 0 reads no y: it is ones in its shape

    weights = Weights.of([frozen(W.copy())])
    counts = []
    for size in (9, 10, 11):
        x = np.ones((2, 20, size, size), np.float32)
        graph = trace(function, Spec(x.shape), Spec(W.shape)).graph
        program = Program(graph, static=(1,), exact=True)
        before = program.prepare().bytes
        (result,) = program(x, weights=weights)
        np.testing.assert_allclose(result, 3 * F.conv2d(x, W), 1e-4, 1e-3)
        assert [step.what for step in program.steps()].count("BroadcastTo") == 0
        assert program.prepare().bytes >= before + result.nbytes
        counts.append(len(weights.prepared))
    assert counts == [counts[0]] * 3


@pytest.mark.parametrize("part", [1, 40_000, prepared.PART])
def test_what_is_prepared_in_parts_is_the_same(monkeypatch: Any, part: int) -> None:
    """However few steps are run together, and freed, before the next."""
    monkeypatch.setattr(prepared, "PART", part)
    net = nn.Sequential(
        nn.Conv2d(20, 24, 3), nn.BatchNorm2d(24), nn.ReLU(), nn.Conv2d(24, 8, 1), nn.BatchNorm2d(8)
    ).initialize(3)
    compiled = compile_(net, X.shape)
    monkeypatch.undo()
    np.testing.assert_array_equal(compiled(X), compile_(net, X.shape)(X))
    steps = compiled.program.prepare().planner.setup
    spans = list(prepared._spans(steps, part))
    assert [first for first, _ in spans] == [0, *(end for _, end in spans[:-1])]
    assert spans[-1][1] == len(steps)
    assert (len(spans) > 1) == (part < prepared.PART)


def test_chains_of_constants_take_no_time() -> None:
    """Constants that are added to themselves a hundred times are looked at once each."""

    def function(x: Any) -> Any:
        scale = x[0, 0, 0, :1] ** 0
        for _ in range(100):
            scale = (scale + scale) * 0.5
        return F.conv2d(x, W) * scale

    np.testing.assert_allclose(compile_(function, X.shape)(X), F.conv2d(X, W), 1e-4, 1e-3)


def test_a_copy_of_a_program_knows_its_constants() -> None:
    """Its constants stay bound once, though arrays that are copied can be written into."""
    program = Program(trace(lambda x: F.conv2d(x, W * 1.0) * 2.0, Spec(X.shape)).graph)
    again = deepcopy(program)
    assert list(again.fixed) == list(program.fixed)
    assert again.fixed
    np.testing.assert_array_equal(again(X)[0], program(X)[0])
