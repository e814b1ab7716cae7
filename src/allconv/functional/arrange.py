"""Functions that only move values."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from allconv.errors import ArgumentError
from allconv.functional.border import MODES, bordered, check_border
from allconv.functional.call import apply, evaluate, fresh, public, take_float, take_floats
from allconv.functional.settings import axis_of
from allconv.intake.settings import choice, is_sequence, number, short_repr, whole
from allconv.operators.arrange import Concatenate, Pad, Reshape

__all__ = ["concatenate", "flatten", "pad"]


@public
def pad(x: Any, /, pad: Sequence[int], mode: str = "constant", value: float | None = 0.0) -> Any:
    """A border around an array. Any shape.

    `pad` is (low, high) of the last axis, then of the last but one, and so on, as in PyTorch;
    negative numbers crop. `mode` says what the border holds: "constant" (`value`), "reflect" (the
    image mirrored at its edge), "replicate" (its edge) or "circular" (its other side). A `value` of
    None is 0.

    >>> import numpy as np
    >>> pad(np.ones((1, 2)), (1, 0, 0, 1))
    array([[0., 1., 1.],
           [0., 0., 0.]])
    >>> pad(np.array([1.0, 2, 3]), (2, 1), "reflect")
    array([3., 2., 1., 2., 3., 2.])
    """
    x = take_float("x", x)
    mode = choice("mode", mode, ("constant", *MODES))
    if not is_sequence(pad) or len(pad) % 2 or len(pad) > 2 * len(x.shape):
        raise ArgumentError(
            f"pad is {short_repr(pad)}; (low, high) of the last axis, the last but one, ... "
            "is expected"
        )
    # -0 is 0, as they are equal; NaN and infinities are as good as others.
    held = 0.0 if value is None else number("value", value, fits=lambda n: True) + 0.0
    ends = [whole("pad", each) for each in pad]
    given = [(ends[n], ends[n + 1]) for n in range(0, len(ends), 2)]
    rest = [(0, 0)] * (len(x.shape) - len(given))
    pairs = (*rest, *reversed(given))
    if mode == "constant":
        return apply(Pad(pairs, held), x)
    if held != 0.0:
        raise ArgumentError(
            f'value is {short_repr(value)}; it goes with mode="constant", not {mode!r}'
        )
    check_border(x.shape, pairs, mode)
    return evaluate(bordered, x, ends=pairs, mode=mode) if any(ends) else fresh(x)


@public
def flatten(x: Any, /, start_dim: int = 0, end_dim: int = -1) -> Any:
    """The axes from start_dim to end_dim as one, in row-major order. Any shape.

    >>> import numpy as np
    >>> flatten(np.ones((2, 3, 4)), 1).shape
    (2, 12)
    """
    x = take_float("x", x)
    rank = len(x.shape)
    start, end = axis_of("start_dim", start_dim, rank), axis_of("end_dim", end_dim, rank)
    if start > end:
        raise ArgumentError(f"start_dim {start_dim} is after end_dim {end_dim} of {x.shape}")
    if start == end:
        return fresh(x)
    shape = (*x.shape[:start], prod(x.shape[start : end + 1]), *x.shape[end + 1 :])
    return apply(Reshape(shape), x)


@public
def concatenate(arrays: Sequence[Any], /, axis: int = 0) -> Any:
    """Arrays one after the other along an axis; the other sizes are equal."""
    if not is_sequence(arrays) or not len(arrays):
        raise ArgumentError("arrays is empty or not a sequence; at least one array is expected")
    taken = take_floats(**{f"arrays[{n}]": each for n, each in enumerate(arrays)})
    rank = len(taken[0].shape)
    return apply(Concatenate(axis_of("axis", axis, rank), len(taken)), *taken)
