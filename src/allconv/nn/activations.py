"""Activations as layers."""

from __future__ import annotations

from typing import Any

from allconv import functional
from allconv.intake.settings import number, whole
from allconv.nn.layer import Layer, derived
from allconv.nn.module import Module
from allconv.nn.parameter import constant

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "SELU",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "PReLU",
    "RReLU",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "Threshold",
]


class _Activation(Layer): ...


CELU = derived("CELU", _Activation, functional.celu)
ELU = derived("ELU", _Activation, functional.elu)
GELU = derived("GELU", _Activation, functional.gelu)
GLU = derived("GLU", _Activation, functional.glu)
Hardshrink = derived("Hardshrink", _Activation, functional.hardshrink)
Hardsigmoid = derived("Hardsigmoid", _Activation, functional.hardsigmoid)
Hardswish = derived("Hardswish", _Activation, functional.hardswish)
Hardtanh = derived("Hardtanh", _Activation, functional.hardtanh)
LeakyReLU = derived("LeakyReLU", _Activation, functional.leaky_relu)
LogSigmoid = derived("LogSigmoid", _Activation, functional.logsigmoid)
LogSoftmax = derived("LogSoftmax", _Activation, functional.log_softmax)
Mish = derived("Mish", _Activation, functional.mish)
ReLU = derived("ReLU", _Activation, functional.relu)
ReLU6 = derived("ReLU6", _Activation, functional.relu6)
SELU = derived("SELU", _Activation, functional.selu)
Sigmoid = derived("Sigmoid", _Activation, functional.sigmoid)
SiLU = derived("SiLU", _Activation, functional.silu)
Softmax = derived("Softmax", _Activation, functional.softmax)
Softmin = derived("Softmin", _Activation, functional.softmin)
Softplus = derived("Softplus", _Activation, functional.softplus)
Softshrink = derived("Softshrink", _Activation, functional.softshrink)
Softsign = derived("Softsign", _Activation, functional.softsign)
Tanh = derived("Tanh", _Activation, functional.tanh)
Tanhshrink = derived("Tanhshrink", _Activation, functional.tanhshrink)
Threshold = derived("Threshold", _Activation, functional.threshold)


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
