"""Lines of Python that several frameworks need: padding, cropping, zeros between taps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from allconv.conventions.layouts import Layout
from allconv.conventions.problem import Problem
from allconv.window import Window

Ends = Sequence[tuple[int, int]]


def spelled(**settings: Any) -> str:
    """Keyword arguments, each after a comma; those that are None are left out.

    >>> spelled(strides=(2, 2), padding=None)
    ', strides=(2, 2)'
    """
    given = {name: value for name, value in settings.items() if value is not None}
    return "".join(f", {name}={value!r}" for name, value in given.items())


def unless(value: tuple[int, ...], default: int) -> tuple[int, ...] | None:
    """None for what every framework takes by itself."""
    return None if set(value) == {default} else value


def around(layout: str, inner: Sequence[Any], outer: Any) -> tuple[Any, ...]:
    """One value an axis of an image: `inner` for those that slide, `outer` for the others.

    >>> around("N*C", (3, 2), 1)
    (1, 3, 2, 1)
    """
    before, after = layout.split("*")
    return (*(outer,) * len(before), *inner, *(outer,) * len(after))


def sliced(layout: str, parts: Sequence[str]) -> str:
    """The index of cells along the sliding axes.

    >>> sliced("NC*", ("::2", "1:"))
    '[:, :, ::2, 1:]'
    """
    before = layout.split("*")[0]
    return f"[{', '.join([':'] * len(before) + list(parts))}]"


def pad(name: str, ends: Ends, layout: str, *, call: str = "np.pad", fill: str = "") -> list[str]:
    """Lines that pad an array, and crop it where a padding is negative."""
    lines = []
    if any(end > 0 for pair in ends for end in pair):
        widths = around(layout, [(max(low, 0), max(high, 0)) for low, high in ends], (0, 0))
        lines.append(f"{name} = {call}({name}, {widths}{fill})")
    if any(end < 0 for pair in ends for end in pair):
        parts = [f"{-low if low < 0 else ''}:{high if high < 0 else ''}" for low, high in ends]
        lines.append(f"{name} = {name}{sliced(layout, parts)}")
    return lines


def strided(layout: str, stride: Sequence[int]) -> str:
    """The index that keeps every `stride`-th cell, or nothing."""
    if set(stride) == {1}:
        return ""
    return sliced(layout, [f"::{s}" for s in stride])


def spread_taps(name: str, window: Window, layout: str) -> list[str]:
    """Lines that put the zeros of a dilation between the taps of a kernel."""
    dilation = [axis.dilation for axis in window.axes]
    if set(dilation) == {1}:
        return []
    reach = ", ".join(str(axis.reach) for axis in window.axes)
    before, after = (len(side) for side in layout.split("*"))
    ends = (
        f"*{name}.shape[:{before}], " * bool(before),
        f", *{name}.shape[-{after}:]" * bool(after),
    )
    lines = [f"spread = np.zeros(({ends[0]}{reach}{ends[1] or ','}), {name}.dtype)"]
    lines.append(f"spread{sliced(layout, [f'::{d}' for d in dilation])} = {name}")
    return [*lines, f"{name} = spread"]


def full_size(problem: Problem) -> tuple[int, ...]:
    """The cells that a transposed convolution without padding writes: s*(P-1) + d*(K-1) + 1."""
    return tuple(axis.covered for axis in problem.window.axes)


def cut_full(problem: Problem, layout: str, *, call: str = "np.pad") -> list[str]:
    """Lines that cut the outputs out of a transposed convolution without padding."""
    rows = list(zip(problem.window.axes, full_size(problem), strict=True))
    parts = [f"{max(a.padding, 0)}:{min(a.padding + a.input, full)}" for a, full in rows]
    ends = [(max(-a.padding, 0), max(a.padding + a.input - full, 0)) for a, full in rows]
    return [f"y = y{sliced(layout, parts)}", *pad("y", ends, layout, call=call)]


def names_of(problem: Problem, layout: Layout) -> tuple[str, str]:
    """The names of the weights and the bias; the bias is "" where there is none."""
    return layout.names["weight"], layout.names["bias"] if problem.has_bias else ""


def plus(bias: str, layout: str, axes: int) -> str:
    """The addition of a bias of each channel, or nothing."""
    if not bias:
        return ""
    return (
        f" + {bias}{'[:, ' + ', '.join(['None'] * axes) + ']' if layout == 'NC*' and axes else ''}"
    )
