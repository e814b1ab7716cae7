"""Calls of JAX: `jax.lax` on NumPy arrays, in the layout of Flax (channels last)."""

from __future__ import annotations

from math import prod

from allconv.conventions.layouts import LAYOUTS, letters
from allconv.conventions.problem import Problem
from allconv.conventions.writing import around, names_of, plus, spelled, unless
from allconv.errors import UnsupportedError

LAYOUT = LAYOUTS["jax"]
IMAGE = LAYOUT.image


def _dimensions(problem: Problem) -> tuple[str, str, str]:
    """The letters of JAX; those of a kernel read as of a convolution, also of a transposed one."""
    image = letters(IMAGE, problem.axes)
    return image, letters(LAYOUT.convolution, problem.axes), image


def _convolution(problem: Problem) -> list[str]:
    kernel, bias = names_of(problem, LAYOUT)
    spread = tuple(axis.input_dilation for axis in problem.window.axes)
    settings = spelled(
        window_strides=problem.stride,
        padding=problem.exact_ends,
        lhs_dilation=unless(spread, 1),
        rhs_dilation=unless(problem.dilation, 1),
        dimension_numbers=_dimensions(problem),
        feature_group_count=problem.groups if problem.groups > 1 else None,
    )
    call = f"lax.conv_general_dilated(x, {kernel}{settings})"
    return [f"y = {call}{plus(bias, IMAGE, problem.axes)}"]


def _transposed(problem: Problem) -> list[str]:
    kernel, bias = names_of(problem, LAYOUT)
    ends = []
    for axis in problem.window.axes:
        reach = axis.reach - 1
        spread = axis.stride * (axis.output - 1)
        ends.append((reach - axis.padding, axis.input - 1 - spread + axis.padding))
    settings = spelled(
        strides=problem.stride,
        padding=tuple(ends),
        rhs_dilation=unless(problem.dilation, 1),
        dimension_numbers=_dimensions(problem),
        transpose_kernel=True,
    )
    call = f"lax.conv_transpose({{}}{settings})"
    if problem.groups == 1:
        return [f"y = {call.format(f'x, {kernel}')}{plus(bias, IMAGE, problem.axes)}"]
    parts = f"zip(jnp.split(x, {problem.groups}, -1), jnp.split({kernel}, {problem.groups}, -1))"
    lines = [f"parts = [{call.format('a, b')} for a, b in {parts}]"]
    return [*lines, f"y = jnp.concatenate(parts, -1){plus(bias, IMAGE, problem.axes)}"]


def _local(problem: Problem) -> list[str]:
    if problem.groups > 1:
        raise UnsupportedError("JAX's locally connected layers have no groups")
    kernel, bias = names_of(problem, LAYOUT)
    settings = spelled(
        window_strides=problem.stride,
        padding=problem.exact_ends,
        filter_shape=problem.window.kernel,
        rhs_dilation=unless(problem.dilation, 1),
        dimension_numbers=_dimensions(problem),
    )
    call = f"lax.conv_general_dilated_local(x, {kernel}{settings})"
    return [f"y = {call}{plus(bias, IMAGE, problem.axes)}"]


def _linear(problem: Problem) -> list[str]:
    kernel, bias = names_of(problem, LAYOUT)
    return (
        [f"y = lax.dot(x, {kernel}){plus(bias, IMAGE, 0)}"]
        if len(problem.input) == 2
        else [f"y = jnp.tensordot(x, {kernel}, 1){plus(bias, IMAGE, 0)}"]
    )


def _pooling(problem: Problem) -> list[str]:
    settings = spelled(
        window_dimensions=around(IMAGE, problem.window.kernel, 1),
        window_strides=around(IMAGE, problem.stride, 1),
        padding=around(IMAGE, problem.exact_ends, (0, 0)),
        window_dilation=None
        if set(problem.dilation) == {1}
        else around(IMAGE, problem.dilation, 1),
    )
    if problem.kind == "max pooling":
        return [f"y = lax.reduce_window(x, -jnp.inf, lax.max{settings})"]
    total = f"lax.reduce_window({{}}, 0.0, lax.add{settings})"
    count = str(prod(problem.window.kernel))
    if not problem.count_padding:
        count = total.format("jnp.ones_like(x)")
    return [f"y = {total.format('x')} / {count}"]


def _norm(problem: Problem) -> list[str]:
    scaled = " * scale + bias" if problem.has_weight else ""
    return [f"y = (x - mean) * lax.rsqrt(var + {problem.eps!r}){scaled}"]


WRITERS = {
    "convolution": _convolution,
    "transposed": _transposed,
    "locally connected": _local,
    "linear": _linear,
    "max pooling": _pooling,
    "average pooling": _pooling,
    "batch normalisation": _norm,
}
