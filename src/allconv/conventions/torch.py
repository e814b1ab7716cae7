"""Calls of PyTorch: `torch.nn.functional` on NumPy arrays."""

from __future__ import annotations

from allconv.conventions.layouts import LAYOUTS
from allconv.conventions.problem import Problem
from allconv.conventions.writing import (
    cut_full,
    full_size,
    names_of,
    plus,
    spelled,
    unless,
)
from allconv.errors import UnsupportedError

LAYOUT = LAYOUTS["torch"]


def _taken(*names: str) -> str:
    given = [name for name in names if name]
    if len(given) == 1:
        return f"{given[0]} = torch.as_tensor({given[0]})"
    every = ", ".join(given)
    return f"{every} = (torch.as_tensor(each) for each in ({every}))"


def _padded(
    problem: Problem, fill: str = "", *, half: bool = False
) -> tuple[list[str], tuple[int, ...] | None]:
    """Lines that pad what a number an axis (at most half the kernel) cannot say, or the numbers."""
    numbers = problem.symmetric()
    fits = numbers is not None and all(
        2 * p <= k or not half for p, k in zip(numbers, problem.window.kernel, strict=True)
    )
    if numbers is not None and fits:
        return [], unless(numbers, 0)
    ends = tuple(end for pair in reversed(problem.ends) for end in pair)
    return [f"x = F.pad(x, {ends}{fill})"], None


def _convolution(problem: Problem) -> list[str]:
    weight, bias = names_of(problem, LAYOUT)
    lines, padding = _padded(problem)
    settings = spelled(
        stride=unless(problem.stride, 1),
        padding=padding,
        dilation=unless(problem.dilation, 1),
        groups=problem.groups if problem.groups > 1 else None,
    )
    operands = ", ".join(filter(None, ("x", weight, bias)))
    return [_taken("x", weight, bias), *lines, f"y = F.conv{problem.axes}d({operands}{settings})"]


def _transposed(problem: Problem) -> list[str]:
    weight, bias = names_of(problem, LAYOUT)
    name = f"F.conv_transpose{problem.axes}d"
    settings = {
        "stride": unless(problem.stride, 1),
        "groups": problem.groups if problem.groups > 1 else None,
        "dilation": unless(problem.dilation, 1),
    }
    rows = list(zip(problem.window.axes, full_size(problem), strict=True))
    low = tuple(axis.padding for axis, _ in rows)
    extra = tuple(axis.input - (full - 2 * axis.padding) for axis, full in rows)
    most = [max(axis.stride, axis.dilation) for axis, _ in rows]
    if min(low) >= 0 and all(0 <= e < m for e, m in zip(extra, most, strict=True)):
        ends = {"padding": unless(low, 0), "output_padding": unless(extra, 0)}
        operands = ", ".join(filter(None, ("x", weight, bias)))
        return [_taken("x", weight, bias), f"y = {name}({operands}{spelled(**settings, **ends)})"]
    return [
        _taken("x", weight, bias),
        f"y = {name}(x, {weight}{spelled(**settings)})",
        *_cut(problem),
        *([f"y = y{plus(bias, LAYOUT.image, problem.axes)}"] if bias else []),
    ]


def _cut(problem: Problem) -> list[str]:
    """`cut_full`, whose padding torch spells last axis first."""
    first, *_ = cut_full(problem, LAYOUT.image)
    ends: list[int] = []
    for axis, full in zip(reversed(problem.window.axes), reversed(full_size(problem)), strict=True):
        ends += [max(-axis.padding, 0), max(axis.padding + axis.input - full, 0)]
    return [first, f"y = F.pad(y, {tuple(ends)})"] if any(ends) else [first]


def _linear(problem: Problem) -> list[str]:
    weight, bias = names_of(problem, LAYOUT)
    operands = ", ".join(filter(None, ("x", weight, bias)))
    return [_taken("x", weight, bias), f"y = F.linear({operands})"]


def _pooling(problem: Problem) -> list[str]:
    largest = problem.kind == "max pooling"
    lines, padding = _padded(problem, ', value=float("-inf")' if largest else "", half=True)
    if lines and not problem.count_padding:
        raise UnsupportedError("torch leaves out only padding that is alike on both sides")
    settings = spelled(
        stride=problem.stride,
        padding=padding,
        dilation=unless(problem.dilation, 1) if largest else None,
        count_include_pad=False if not problem.count_padding else None,
    )
    name = f"F.{'max' if largest else 'avg'}_pool{problem.axes}d"
    return [_taken("x"), *lines, f"y = {name}(x, {problem.window.kernel}{settings})"]


def _norm(problem: Problem) -> list[str]:
    weights = ["weight", "bias"] if problem.has_weight else []
    every = ["x", "running_mean", "running_var", *weights]
    return [_taken(*every), f"y = F.batch_norm({', '.join(every)}{spelled(eps=problem.eps)})"]


WRITERS = {
    "convolution": _convolution,
    "transposed": _transposed,
    "linear": _linear,
    "max pooling": _pooling,
    "average pooling": _pooling,
    "batch normalisation": _norm,
}
