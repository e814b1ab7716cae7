"""Dropout, drawn by key."""

from __future__ import annotations

from typing import Any

import numpy as np

from allconv.errors import ArgumentError
from allconv.functional.call import apply, fresh, public, take_float
from allconv.intake.arrays import take_array
from allconv.intake.settings import flag, number, short_repr, whole
from allconv.operators.dropout import Dropout
from allconv.random import check_seed
from allconv.value import Value

__all__ = ["dropout"]


@public
def dropout(
    x: Any, /, p: float = 0.5, *, training: bool = True, seed: Any = None, layer: int = 0
) -> Any:
    """In training, x / (1 - p) where kept, else 0; in inference, x. Srivastava et al. 2014.

    Any shape. An element is dropped with probability p, which may be 0 but not 1. The draw depends
    on (seed, layer, element) alone; `seed` is an integer, or int64 (2,): seed and step.
    """
    x = take_float("x", x)
    share = check_probability(p)
    number_of_layer = whole("layer", layer, least=0, most=2**32 - 1)
    if not flag("training", training) or share == 0:
        return fresh(x)
    return apply(Dropout(share, number_of_layer), x, key_of(seed))


def check_probability(p: Any) -> float:
    """The probability as a float; refused unless 0 <= p < 1."""
    return number("p", p, "a probability from 0 to below 1", lambda n: 0 <= n < 1)


def key_of(seed: Any) -> Any:
    """The key of a draw, int64 (2,): seed and step 0 from an integer; a key as it is."""
    if seed is None:
        raise ArgumentError("dropout draws numbers: pass seed=0, or another whole number")
    if isinstance(seed, Value):
        return seed
    if isinstance(seed, np.ndarray) and seed.ndim:
        key = take_array("seed", seed)
        if key.shape != (2,) or key.dtype != np.int64 or key.min() < 0:
            raise ArgumentError(
                f"seed is {short_repr(seed)}; a whole number, or int64 (2,) of at least 0, "
                "is expected"
            )
        return key
    seed = whole("seed", seed, most=2**64) if isinstance(seed, np.ndarray) else seed
    if check_seed(seed) >= 2**63:
        raise ArgumentError(f"seed is {seed}; it must be below 2**63")
    return np.array([seed, 0], np.int64)
