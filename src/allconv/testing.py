"""Checks for operators and functions of one's own: gradients, and transposes.

Everything is computed by the definitions of the operators, in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allconv.errors import ArgumentError
from allconv.gradient import gradient
from allconv.graph import Graph
from allconv.intake.settings import number, shape_of, whole
from allconv.operators.base import FLOATS, Operator, Spec
from allconv.random import check_seed
from allconv.trace import Builder, recording, trace

Array = NDArray[Any]

STEP = float(np.cbrt(np.finfo(np.float64).eps))
"""How far central differences look: rounding (eps/STEP) and curvature (STEP^2) weigh alike."""


def check_gradients(
    f: Callable[..., Any],
    *arrays: Any,
    order: int = 2,
    directions: int = 2,
    tolerance: float = 1e-6,
    seed: int = 0,
) -> None:
    """Compare the gradients of a function with central differences along random directions.

    f           an operator, a module, or any function of the arrays that can be traced; what it
                returns is multiplied by random numbers and summed
    arrays      float arrays, taken as float64, at which f is smooth (no ties, no kinks); others,
                labels say, are held fixed
    order       how often to differentiate: 2 checks the gradient of the gradient, too
    tolerance   relative to the terms of which the derivative is the sum

    AssertionError says by which argument, at which order and by how much they differ.

    >>> from allconv import functional as F
    >>> check_gradients(F.conv1d, np.ones((1, 1, 4)), np.ones((1, 1, 2)))
    >>> kink = np.array([1.0, 0.0])
    >>> check_gradients(F.relu, kink)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    AssertionError: the first derivative by argument 0 (x) is wrong: ...
    """
    taken = [_wide(np.asarray(array)) for array in arrays]
    by = [n for n, array in enumerate(taken) if array.dtype.name in FLOATS]
    if not by:
        raise ArgumentError("no argument holds floats; only those have gradients")
    order, directions = whole("order", order, least=1), whole("directions", directions, least=1)
    tolerance = number("tolerance", tolerance, "a number of at least 0", lambda t: t >= 0)
    seed = check_seed(seed)
    traced = trace(f, *map(Spec.of, taken))
    names = _names(f, len(taken))
    rng = np.random.default_rng(seed)
    scalar = _summed(traced.graph, rng)
    for n in range(1, order + 1):
        slopes = gradient(scalar, by)
        gradients = slopes.run(*taken)
        for place, slope in zip(by, gradients, strict=True):
            what = f"the {_ORDINALS.get(n, f'{n}th')} derivative by argument {place}"
            _check_shape(what, slope, taken[place])
            for _ in range(directions):
                direction = rng.normal(size=taken[place].shape)
                _check_slope(
                    f"{what} ({names[place]})", scalar, taken, place, slope, direction, tolerance
                )
        scalar = _summed(slopes, rng)


_ORDINALS = {1: "first", 2: "second", 3: "third"}


def _wide(array: Array) -> Array:
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def _names(f: Callable[..., Any], count: int) -> list[str]:
    if isinstance(f, Operator):
        return [name.rstrip("?") for name in f.inputs[:count]]
    try:
        parameters = signature(f).parameters.values()
        names = [p.name for p in parameters if p.kind != p.VAR_POSITIONAL][:count]
    except (TypeError, ValueError):  # some builtins have no signature
        names = []
    return [*names, *(f"argument {n}" for n in range(len(names), count))]


def _summed(graph: Graph, rng: np.random.Generator) -> Graph:
    """The sum of all float results, each cell times a random number."""
    builder = Builder()
    operands = [builder.input(value.spec, value.name) for value in graph.inputs]
    with recording(builder):
        here = builder.inline(graph, operands)
        total: Any = builder.scalar(0.0, "float64")
        for value in graph.outputs:
            if value.spec.is_float:
                weights = rng.uniform(0.5, 1.5, value.shape) * rng.choice([-1, 1], value.shape)
                total = total + (here[value] * weights).sum()
    return builder.graph([total])


def _check_shape(what: str, slope: Array, array: Array) -> None:
    if slope.shape != array.shape:
        raise AssertionError(f"{what} has the shape {slope.shape}; the argument has {array.shape}")


def _check_slope(
    what: str,
    scalar: Graph,
    arrays: Sequence[Array],
    place: int,
    slope: Array,
    direction: Array,
    tolerance: float,
) -> None:
    """<slope, direction> against (f(x + h*direction) - f(x - h*direction)) / 2h."""
    step = STEP * max(1.0, float(np.abs(arrays[place]).max(initial=0.0)))

    def moved(by: float) -> float:
        changed = list(arrays)
        changed[place] = arrays[place] + by * direction
        return float(scalar.run(*changed)[0])

    ahead, behind = moved(step), moved(-step)
    measured = (ahead - behind) / (2 * step)
    terms = slope * direction
    claimed, size = float(terms.sum()), float(np.abs(terms).sum())
    rounding = (abs(ahead) + abs(behind)) * 1e-16 / step
    allowed = tolerance * max(size, abs(measured), 1e-3) + 10 * rounding
    if not abs(claimed - measured) <= allowed:  # NaN is a difference, too
        raise AssertionError(
            f"{what} is wrong: along a random direction it says {claimed:.9g}, differences say "
            f"{measured:.9g}; {abs(claimed - measured):.2g} apart, {allowed:.2g} is allowed"
        )


def check_adjoint(
    transform: Callable[[Array], Any],
    transpose: Callable[[Array], Any],
    x_shape: Sequence[int],
    y_shape: Sequence[int],
    *,
    draws: int = 3,
    tolerance: float = 1e-12,
    seed: int = 0,
) -> None:
    """Compare <A x, y> with <x, A' y> on random x and y of small whole numbers, in float64.

    transform, transpose    functions of one array, (x_shape) -> (y_shape) and back; A is linear
                            and adds nothing

    AssertionError says which shape is wrong, or how far the two products are apart.

    >>> from allconv import convolve, correlate
    >>> w = [1, 2, 3]
    >>> check_adjoint(
    ...     lambda x: correlate(x, w), lambda y: convolve(y, w, padding="full"), (5,), (3,))
    """
    draws, seed = whole("draws", draws, least=1), check_seed(seed)
    tolerance = number("tolerance", tolerance, "a number of at least 0", lambda t: t >= 0)
    x_shape, y_shape = shape_of("x_shape", x_shape), shape_of("y_shape", y_shape)
    rng = np.random.default_rng(seed)
    for _ in range(draws):
        x = rng.integers(-8, 9, x_shape).astype(np.float64)
        y = rng.integers(-8, 9, y_shape).astype(np.float64)
        ahead, back = np.asarray(transform(x)), np.asarray(transpose(y))
        for name, given, shape in (("transform", ahead, y.shape), ("transpose", back, x.shape)):
            if given.shape != shape:
                raise AssertionError(f"{name} gives the shape {given.shape}; {shape} is expected")
        left, right = ahead * y, x * back
        allowed = tolerance * float(np.abs(left).sum() + np.abs(right).sum())
        apart = abs(float(left.sum()) - float(right.sum()))
        if not apart <= allowed:  # NaN is a difference, too
            raise AssertionError(
                f"transpose is not the transpose of transform: <A x, y> = {left.sum():.9g}, "
                f"<x, A' y> = {right.sum():.9g}, {apart:.2g} apart"
            )
