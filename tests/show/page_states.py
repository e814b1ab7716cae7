"""States of the operator page drawn at random, and what the library computes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from allconv import functional as F
from allconv.errors import ArgumentError, ShapeError
from allconv.functional.correlate import transpose_window
from allconv.functional.pool import _window as pool_window
from allconv.functional.settings import pairs
from allconv.gradient import pullback
from allconv.operators.base import Spec
from allconv.show.page.shared import LIMITS, OPERATORS
from allconv.trace import trace
from allconv.window import PADDING_NAMES, Window, reach_of

Pairs = tuple[tuple[int, int], ...]
Vjp = Callable[..., tuple[Any, Callable[[Any], tuple[Any, ...]]]]


def defined_vjp(function: Callable[..., Any], *arrays: Any) -> tuple[Any, Callable[..., Any]]:
    """`ac.vjp` by the definitions of the operators, for which nothing has to be compiled."""
    graph = trace(function, *map(Spec.of, arrays)).graph
    back = pullback(graph, range(len(arrays)))
    return graph.run(*arrays)[0], lambda gy: back.run(*arrays, gy)


@dataclass(frozen=True)
class Drawn:
    """Settings of one state, one number (pair) an axis, as the library takes them."""

    op: str
    input: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    spread: tuple[int, ...]
    output_padding: tuple[int, ...]
    padding: str | Pairs
    ceil: bool
    count_padding: bool
    channels: tuple[int, int]
    groups: int
    bias: bool
    leave: str

    @property
    def dim(self) -> int:
        """How many axes."""
        return len(self.input)

    @property
    def is_pool(self) -> bool:
        """Whether there are no weights."""
        return self.op in ("max_pool", "avg_pool")

    @property
    def ends(self) -> Pairs:
        """The padding of a pooling, or of a layer whose input has its zeros between the cells."""
        spread = tuple(map(reach_of, self.input, self.spread))
        return pairs(self.padding, spread, self.kernel, self.stride, self.dilation)

    def output(self) -> tuple[int, ...]:
        """The sizes of y; refused as the library refuses them."""
        if self.op == "linear":
            return (1,) * self.dim
        if self.op == "conv_transpose":
            return transpose_window(
                self.input, self.kernel, self.stride, self.padding, self.output_padding,
                self.dilation, None,
            ).input  # fmt: skip
        if self.is_pool:
            sides = [low for low, _ in self.ends]
            return pool_window(
                self.input, self.kernel, self.stride, sides, self.dilation, self.ceil
            ).output
        return Window.forward(
            self.input, self.kernel, stride=self.stride, dilation=self.dilation,
            input_dilation=self.spread, padding=self.ends,
        ).output  # fmt: skip

    def shapes(self, output: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """The shapes of what the page is given: x, w, g, b."""
        inputs, outputs = self.channels
        first, second = (inputs, outputs) if self.op == "conv_transpose" else (outputs, inputs)
        shapes = {"x": (inputs, *self.input)}
        if not self.is_pool:
            places = output if self.op == "local" else ()
            shapes["w"] = (first, second // self.groups, *self.kernel, *places)
        shapes["g"] = (outputs, *output)
        return shapes | ({"b": (outputs,)} if self.bias else {})

    def called(self, x: Any, w: Any = None, b: Any = None) -> Any:
        """The layer by the library; x (C, *I) -> (O, *P)."""
        if self.op == "linear":
            flat = w.reshape((w.shape[0], prod(w.shape[1:])))
            y = F.linear(x.reshape((1, prod(x.shape))), flat, b)
            return y.reshape((w.shape[0], *(1,) * self.dim))
        y = self._called(x.reshape((1, *x.shape)), w, b, groups=self.groups)
        return y.reshape(y.shape[1:])

    def _called(self, x: Any, w: Any = None, b: Any = None, *, groups: int) -> Any:
        call = getattr(F, f"{NAMES[self.op]}{self.dim}d")
        s, d, p = self.stride, self.dilation, self.padding
        if self.is_pool:
            sides = tuple(low for low, _ in self.ends)
            if self.op == "max_pool":
                return call(x, self.kernel, s, sides, d, ceil_mode=self.ceil)
            counted = self.count_padding
            return call(x, self.kernel, s, sides, ceil_mode=self.ceil, count_include_pad=counted)
        if self.op == "conv_transpose":
            return call(x, w, b, s, p, self.output_padding, groups, d)
        if self.op == "local":
            return call(x, w, b, s, self.ends, d, groups)
        flip = self.op == "true_conv"
        return call(x, w, b, s, p, d, groups, input_dilation=self.spread, flip=flip)

    def computed(self, arrays: dict[str, Any], vjp: Vjp) -> dict[str, Any]:
        """y, gx, gw and gb by the library in float64."""
        given = {name: arrays[name] for name in ("x", "w", "b") if name in arrays}
        if self.op == "local":  # the library's has no zeros between cells, and a bias a cell
            given["x"] = spread_out(given["x"], self.spread)
            if self.bias:
                each = given["b"].reshape((-1, *(1,) * self.dim))
                given["b"] = np.broadcast_to(each, arrays["g"].shape).copy()
        y, pull = vjp(self.called, *given.values())
        found = dict(zip((f"g{name}" for name in given), pull(arrays["g"]), strict=True))
        if self.op == "local":
            found["gx"] = found["gx"][(..., *(slice(None, None, b) for b in self.spread))]
            if self.bias:
                found["gb"] = found["gb"].sum(axis=tuple(range(1, self.dim + 1)))
        return {"y": y, **found}


NAMES = {
    "conv": "conv",
    "true_conv": "conv",
    "conv_transpose": "conv_transpose",
    "local": "locally_connected",
    "max_pool": "max_pool",
    "avg_pool": "avg_pool",
}


def spread_out(x: Any, by: tuple[int, ...]) -> Any:
    """The array with by-1 zeros between its cells along the axes after the first."""
    out = np.zeros((x.shape[0], *map(reach_of, x.shape[1:], by)))
    out[(..., *(slice(None, None, b) for b in by))] = x
    return out


def drawn(number: int) -> Drawn:
    """The state of a number: every operator has its turn."""
    random = np.random.default_rng(number)
    op = OPERATORS[number % len(OPERATORS)]
    dim = int(random.integers(1, 3))
    size = LIMITS["line" if dim == 1 else "plane"]

    def each(low: int, high: int) -> tuple[int, ...]:
        return tuple(int(n) for n in random.integers(low, high + 1, dim))

    def maybe() -> bool:
        return bool(random.integers(0, 2))

    is_pool, is_linear = op in ("max_pool", "avg_pool"), op == "linear"
    input = each(1, size["input"] if dim == 1 else 6)
    inputs, outputs, groups = _channels(random, op)
    window = {
        "kernel": input if is_linear else each(1, size["kernel"] - dim),
        "stride": (1,) * dim if is_linear else each(1, 3),
        "dilation": (1,) * dim if is_linear or op == "avg_pool" else each(1, 3),
        "spread": each(1, 2) if op in ("conv", "true_conv", "local") else (1,) * dim,
        "output_padding": each(0, 1) if op == "conv_transpose" and maybe() else (0,) * dim,
    }
    kinds: list[Any] = [tuple((int(a), int(b)) for a, b in random.integers(-2, 4, (dim, 2)))] * 4
    kinds += [name for name in PADDING_NAMES if dim == 1 or name != "causal"]
    padding = kinds[random.integers(len(kinds))]
    if is_pool:
        padding = tuple((int(n), int(n)) for n in random.integers(0, 3, dim))
    if is_linear or (padding == ((0, 0),) * dim and not is_pool):
        padding = "valid"
    return Drawn(
        op, input, **window,
        padding=padding,
        ceil=is_pool and maybe(),
        count_padding=op != "avg_pool" or maybe(),
        channels=(inputs, outputs),
        groups=groups,
        bias=not is_pool and maybe(),
        leave=str(random.choice(["x", "y"] if is_pool else ["x", "w", "y"])),
    )  # fmt: skip


def _channels(random: np.random.Generator, op: str) -> tuple[int, int, int]:
    """Channels in and out, and groups: each channel on its own now and then."""
    if op == "linear":
        return int(random.integers(1, 4)), int(random.integers(1, LIMITS["outputs"] + 1)), 1
    if op in ("max_pool", "avg_pool"):
        same = int(random.integers(1, 4))
        return same, same, 1
    choices = [
        (1, 1, 1),
        (2, 3, 1),
        (3, 2, 1),
        (1, 4, 1),
        (2, 2, 2),
        (4, 4, 2),
        (2, 4, 2),
        (3, 3, 3),
    ]
    return choices[random.integers(len(choices))]


def values(state: Drawn, output: tuple[int, ...], number: int) -> dict[str, Any]:
    """Arrays of quarters: sums are exact, and of a maximum some are equal."""
    random = np.random.default_rng(number + 10**6)
    shapes = state.shapes(output)
    return {name: random.integers(-12, 13, shape) / 4 for name, shape in shapes.items()}


def states(numbers: range) -> tuple[list[tuple[Drawn, dict[str, Any]]], list[Drawn]]:
    """The states of some numbers that the library takes, with values; and those it refuses."""
    taken, refused = [], []
    for number in numbers:
        state = drawn(number)
        try:
            taken.append((state, values(state, state.output(), number)))
        except (ArgumentError, ShapeError):
            refused.append(state)
    return taken, refused
