"""Records of more activations, which are functions alone, and where their pieces meet."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from allconv import functional as F
from allconv.functional.activations import SELU_ALPHA as A
from allconv.functional.activations import SELU_GAMMA as G
from allconv.operators.base import Array
from records.pointwise import Row, row
from records.record import IMAGES, Function, Record

RECORDS: tuple[Record, ...] = ()
FUNCTIONS = (
    Function("celu", torch="x alpha=1.0"),
    Function("glu", torch="x dim=-1"),
    Function("hardshrink", torch="x lambd=0.5"),
    Function("hardsigmoid", torch="x"),
    Function("logsigmoid", torch="x"),
    Function("mish", torch="x"),
    Function("prelu", torch="x weight", given=lambda n: (IMAGES[1], np.ones(2))),
    Function("rrelu", torch="x lower=0.125 upper=0.3333333333333333 training=False"),
    Function("selu", torch="x"),
    Function("softshrink", torch="x lambd=0.5"),
    Function("softsign", torch="x"),
    Function("tanhshrink", torch="x"),
    Function("threshold", torch="x threshold value", given=lambda n: (IMAGES[1], 0.5, 0.25)),
)


def mish_slopes(x: Array) -> tuple[Array, Array]:
    """Of x * t, t = tanh(log(1 + e^x))."""
    t, s = np.tanh(np.logaddexp(0, x)), expit(x)
    first = (1 - t * t) * s
    second = (1 - t * t) * s * (1 - s) - 2 * t * first * s
    return t + x * first, 2 * first + x * second


def softsign_slopes(x: Array) -> tuple[Array, Array]:
    """Of x / (1 + |x|); the second has a step at 0."""
    return 1 / (1 + abs(x)) ** 2, -2 * np.sign(x) / (1 + abs(x)) ** 3


def tanhshrink_slopes(x: Array) -> tuple[Array, Array]:
    """Of x - tanh(x)."""
    t = np.tanh(x)
    return t * t, 2 * t * (1 - t * t)


def sloped(slope: float) -> object:
    """Of x above 0, and of slope * x."""
    return row(lambda x: np.where(x > 0, 1, slope))


JOINTS: dict[str, Row] = {
    "celu 2": (
        lambda x: F.celu(x, 2.0), (0,),
        row(lambda x: np.where(x > 0, 1, np.exp(x / 2)),
            lambda x: np.where(x > 0, 0, np.exp(x / 2) / 2)), 1,
    ),
    "glu": (
        lambda x: F.glu(F.concatenate([x, np.zeros(x.shape, str(x.dtype))], 0), 0), (0,),
        row(lambda x: np.full(x.shape, 0.5)), 2,
    ),
    "hardshrink": (F.hardshrink, (-0.5, 0.5), row(lambda x: 1.0 * (abs(x) > 0.5)), 0),
    "hardsigmoid": (F.hardsigmoid, (-4, 4), row(lambda x: (abs(x) < 3) / 6), 0),
    "logsigmoid": (
        F.logsigmoid, (0,), row(lambda x: expit(-x), lambda x: -expit(x) * expit(-x)), 2,
    ),
    "mish": (F.mish, (0,), mish_slopes, 2),
    "prelu": (lambda x: F.prelu(x, np.array([0.25], str(x.dtype))), (0,), sloped(0.25), 0),
    "rrelu": (F.rrelu, (0,), sloped(11 / 48), 0),
    "selu": (F.selu, (0,), row(lambda x: np.where(x > 0, G, G * A * np.exp(x)),
                               lambda x: np.where(x > 0, 0, G * A * np.exp(x))), 0),
    "softshrink": (F.softshrink, (-0.5, 0.5), row(lambda x: 1.0 * (abs(x) > 0.5)), 0),
    "softsign": (F.softsign, (0,), softsign_slopes, 1),
    "tanhshrink": (F.tanhshrink, (0,), tanhshrink_slopes, 2),
    "threshold": (lambda x: F.threshold(x, 0.5, 2.0), (0.5,), row(lambda x: 1.0 * (x > 0.5)), 0),
}  # fmt: skip
