"""Records of the updates of optimizers."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from hypothesis import strategies as st

from allconv.operators.base import Array, Operator, Spec
from allconv.operators.update import AdamUpdate, ClipFactor, MovingAverage, SgdUpdate
from records.record import Record, draw_array, draw_dtype, draw_shape, refusal

SETTINGS = {
    "rate": [0.0, 0.5, 0.125],
    "momentum": [0.0, 0.5],
    "decay": [0.0, 0.25],
    "scale": [1.0, 0.5],
    "share": [0.0, 0.25, 1.0],
    "beta1": [0.875],
    "beta2": [0.75],
    "eps": [2.0**-20, 0.5],
    "correction1": [0.125, 0.5],
    "correction2": [0.25, 0.5],
}


def draw(
    data: st.DataObject, operator: type[Operator], setting: str = ""
) -> tuple[Operator, tuple[Array, ...]]:
    """A parameter of any shape; settings that are exact in binary."""
    shape, dtype = draw_shape(data), draw_dtype(data)
    arrays = []
    for name in operator.inputs:
        if name in SETTINGS:
            arrays.append(np.array(data.draw(st.sampled_from(SETTINGS[name])), dtype))
        else:
            arrays.append(draw_array(data, shape, dtype, 0 if name == "s" else -4))
    chosen = operator(**{setting: data.draw(st.booleans())}) if setting else operator()
    return chosen, tuple(arrays)


def draw_clip(data: st.DataObject) -> tuple[Operator, tuple[Array, ...]]:
    """Norms above and below the limit, and 0."""
    dtype = draw_dtype(data)
    square = np.array(data.draw(st.sampled_from([0.0, 0.25, 1.0, 16.0, 64.0])), dtype)
    return ClipFactor(), (square, np.array(data.draw(st.sampled_from([0.5, 1.0, 2.0])), dtype))


def brute_sgd(operator: SgdUpdate, p, g, v, rate, momentum, decay, scale):
    """One element at a time, as PyTorch's documentation writes it."""
    new_p, new_v = np.zeros(p.shape), np.zeros(p.shape)
    for cell in np.ndindex(p.shape):
        d = float(scale) * float(g[cell]) + float(decay) * float(p[cell])
        new_v[cell] = float(momentum) * float(v[cell]) + d
        step = d + float(momentum) * new_v[cell] if operator.nesterov else new_v[cell]
        new_p[cell] = float(p[cell]) - float(rate) * step
    return new_p, new_v


def brute_adam(operator: AdamUpdate, p, g, m, s, *settings):
    """One element at a time, in the form of the papers: m = beta1*m + (1-beta1)*g."""
    rate, beta1, beta2, eps, decay, correction1, correction2, scale = map(float, settings)
    out = [np.zeros(p.shape) for _ in range(3)]
    for cell in np.ndindex(p.shape):
        old, d = float(p[cell]), scale * float(g[cell])
        if operator.decoupled:
            old -= rate * decay * old
        else:
            d += decay * old
        out[1][cell] = beta1 * float(m[cell]) + (1 - beta1) * d
        out[2][cell] = beta2 * float(s[cell]) + (1 - beta2) * d**2
        root = math.sqrt(out[2][cell] / correction2) + eps
        out[0][cell] = old - rate * (out[1][cell] / correction1) / root
    return tuple(out)


def brute_average(operator: MovingAverage, old, new, share):
    """(1 - share) * old + share * new."""
    y = np.zeros(old.shape)
    for cell in np.ndindex(old.shape):
        y[cell] = (1 - float(share)) * float(old[cell]) + float(share) * float(new[cell])
    return (y,)


def brute_clip(operator: ClipFactor, square, limit):
    """min(1, limit / norm)."""
    norm = math.sqrt(float(square))
    return (np.array(min(1.0, float(limit) / norm) if norm else 1.0),)


P, ONE, SCALAR64 = (2, 3), (), Spec((), "float64")

RECORDS = (
    Record(
        SgdUpdate,
        partial(draw, operator=SgdUpdate, setting="nesterov"),
        brute_sgd,
        order=0,
        refusals=(
            refusal(r"g is \(3,\); \(2, 3\)", SgdUpdate, P, (3,), P, ONE, ONE, ONE, ONE),
            refusal(r"rate is \(1,\); \(\)", SgdUpdate, P, P, P, (1,), ONE, ONE, ONE),
            refusal("float64 meet", SgdUpdate, P, P, P, ONE, ONE, ONE, SCALAR64),
            refusal("SgdUpdate takes p, g, v, .*; got 3", SgdUpdate, P, P, P),
        ),
    ),
    Record(
        AdamUpdate,
        partial(draw, operator=AdamUpdate, setting="decoupled"),
        brute_adam,
        ulp=16.0,
        order=0,
        refusals=(
            refusal(r"s is \(2,\); \(2, 3\)", AdamUpdate, P, P, P, (2,), *[ONE] * 8),
            refusal(r"scale is \(2,\); \(\)", AdamUpdate, P, P, P, P, *[ONE] * 7, (2,)),
        ),
    ),
    Record(
        MovingAverage,
        partial(draw, operator=MovingAverage),
        brute_average,
        order=0,
        linear=(("old", "new"),),
        refusals=(
            refusal(r"new is \(3,\); \(2, 3\)", MovingAverage, P, (3,), ONE),
            refusal("not int64", MovingAverage, P, P, Spec((), "int64")),
        ),
    ),
    Record(
        ClipFactor,
        draw_clip,
        brute_clip,
        order=0,
        refusals=(refusal(r"square is \(2,\); \(\)", ClipFactor, (2,), ONE),),
    ),
)
