"""More activations as layers."""

from __future__ import annotations

from typing import Any

from allconv import functional
from allconv.intake.settings import number, whole
from allconv.nn.layer import Layer
from allconv.nn.module import Module
from allconv.nn.parameter import constant

__all__ = [
    "CELU",
    "GLU",
    "SELU",
    "Hardshrink",
    "Hardsigmoid",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "PReLU",
    "RReLU",
    "Softmin",
    "Softshrink",
    "Softsign",
    "Tanhshrink",
    "Threshold",
]


class CELU(Layer):
    """x where x > 0, else alpha * (exp(x / alpha) - 1); see `functional.celu`."""

    _function = staticmethod(functional.celu)


class GLU(Layer):
    """a * sigmoid(b), the halves of x along an axis; see `functional.glu`."""

    _function = staticmethod(functional.glu)


class Hardshrink(Layer):
    """x where abs(x) > lambd, else 0; see `functional.hardshrink`."""

    _function = staticmethod(functional.hardshrink)


class Hardsigmoid(Layer):
    """min(max(x / 6 + 1 / 2, 0), 1); see `functional.hardsigmoid`."""

    _function = staticmethod(functional.hardsigmoid)


class LogSigmoid(Layer):
    """log(sigmoid(x)); see `functional.logsigmoid`."""

    _function = staticmethod(functional.logsigmoid)


class LogSoftmax(Layer):
    """x - log(sum of exp(x)) along an axis; see `functional.log_softmax`."""

    _function = staticmethod(functional.log_softmax)


class Mish(Layer):
    """x * tanh(softplus(x)); see `functional.mish`."""

    _function = staticmethod(functional.mish)


class PReLU(Module):
    """x where x > 0, else weight * x; see `functional.prelu`.

    weight (num_parameters,): one for all, or one a channel.
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25) -> None:
        self.num_parameters = whole("num_parameters", num_parameters, least=1)
        self.init = number("init", init)
        self.weight = constant((self.num_parameters,), self.init)

    def forward(self, x: Any) -> Any:
        """See `functional.prelu`."""
        return functional.prelu(x, self.weight)


class RReLU(Module):
    """x where x > 0, else x * (lower + upper) / 2, in inference; see `functional.rrelu`."""

    def __init__(self, lower: float = 1 / 8, upper: float = 1 / 3) -> None:
        self.lower, self.upper = lower, upper

    def forward(self, x: Any) -> Any:
        """See `functional.rrelu`."""
        return functional.rrelu(x, self.lower, self.upper, training=self.training)


class SELU(Layer):
    """gamma * elu(x, alpha); see `functional.selu`."""

    _function = staticmethod(functional.selu)


class Softmin(Layer):
    """softmax of -x along an axis; see `functional.softmin`."""

    _function = staticmethod(functional.softmin)


class Softshrink(Layer):
    """x drawn towards 0 by lambd; see `functional.softshrink`."""

    _function = staticmethod(functional.softshrink)


class Softsign(Layer):
    """x / (1 + abs(x)); see `functional.softsign`."""

    _function = staticmethod(functional.softsign)


class Tanhshrink(Layer):
    """x - tanh(x); see `functional.tanhshrink`."""

    _function = staticmethod(functional.tanhshrink)


class Threshold(Layer):
    """x where x > threshold, else value; see `functional.threshold`."""

    _function = staticmethod(functional.threshold)
