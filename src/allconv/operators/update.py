"""One step of an optimizer for one parameter. Settings that change while training are operands.

Shapes: p, g and the moments alike; every setting is a float array of shape ().
`scale` multiplies the gradient (1, or the factor of gradient clipping).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allconv.errors import ShapeError
from allconv.operators.base import Array, Operator, Spec, narrow, wide


@dataclass(frozen=True)
class _Update(Operator):
    """What the updates share. `states` counts the operands of the parameter's own shape."""

    states: ClassVar[int] = 0

    def check(self, *x: Spec) -> None:
        super().check(*x)
        self.check_floats(*x)
        for number, (name, each) in enumerate(zip(self.inputs, x, strict=True)):
            expected = x[0].shape if number < self.states else ()
            if each.shape != expected:
                raise ShapeError(f"{name} is {each.shape}; {expected} is expected")


@dataclass(frozen=True)
class SgdUpdate(_Update):
    """d = scale*g + decay*p; v' = momentum*v + d; p' = p - rate*(d + momentum*v' or v').

    Sutskever et al. 2013, in PyTorch's form; the first with Nesterov's momentum.
    """

    inputs: ClassVar[tuple[str, ...]] = ("p", "g", "v", "rate", "momentum", "decay", "scale")
    states: ClassVar[int] = 3
    nesterov: bool = False

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return x[0], x[0]

    def define(self, *x: Array) -> tuple[Array, ...]:
        p, g, v, rate, momentum, decay, scale = map(wide, x)
        d = scale * g + decay * p
        v = momentum * v + d
        step = d + momentum * v if self.nesterov else v
        return narrow(p - rate * step, x[0]), narrow(v, x[0])

    def cost(self, *x: Spec) -> int:
        return 4 * x[0].size


@dataclass(frozen=True)
class AdamUpdate(_Update):
    """Adam (Kingma and Ba 2015) and, when `decoupled`, AdamW (Loshchilov and Hutter 2019).

    d = scale*g (+ decay*p); m' = m + (1-beta1)*(d - m); s' = s + (1-beta2)*(d*d - s);
    p' = p (* (1 - rate*decay)) - rate * (m'/correction1) / (sqrt(s'/correction2) + eps)
    with correction1 = 1 - beta1**t and correction2 = 1 - beta2**t.
    """

    inputs: ClassVar[tuple[str, ...]] = (
        "p", "g", "m", "s", "rate", "beta1", "beta2", "eps", "decay",
        "correction1", "correction2", "scale",
    )  # fmt: skip
    states: ClassVar[int] = 4
    decoupled: bool = False

    def shape(self, *x: Spec) -> tuple[Spec, ...]:
        return x[0], x[0], x[0]

    def define(self, *x: Array) -> tuple[Array, ...]:
        p, g, m, s, rate, beta1, beta2, eps, decay, first, second, scale = map(wide, x)
        d = scale * g
        if self.decoupled:
            p = p - rate * decay * p
        else:
            d = d + decay * p
        m = m + (1 - beta1) * (d - m)
        s = s + (1 - beta2) * (d * d - s)
        p = p - rate * (m / first) / (np.sqrt(s / second) + eps)
        return narrow(p, x[0]), narrow(m, x[0]), narrow(s, x[0])

    def cost(self, *x: Spec) -> int:
        return 10 * x[0].size


@dataclass(frozen=True)
class MovingAverage(_Update):
    """old' = old + share * (new - old): running statistics."""

    inputs: ClassVar[tuple[str, ...]] = ("old", "new", "share")
    states: ClassVar[int] = 2

    def define(self, *x: Array) -> tuple[Array, ...]:
        old, new, share = map(wide, x)
        return (narrow(old + share * (new - old), x[0]),)

    def cost(self, *x: Spec) -> int:
        return x[0].size


@dataclass(frozen=True)
class ClipFactor(_Update):
    """min(1, limit / norm), from the squared norm of all gradients: the factor that limits them."""

    inputs: ClassVar[tuple[str, ...]] = ("square", "limit")

    def define(self, *x: Array) -> tuple[Array, ...]:
        square, limit = map(wide, x)
        norm = np.sqrt(square)
        return (narrow(np.where(norm > limit, limit / np.where(norm > 0, norm, 1.0), 1.0), x[0]),)
