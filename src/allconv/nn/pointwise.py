"""Activations as layers."""

from __future__ import annotations

from allconv import functional
from allconv.nn.layer import Layer

__all__ = [
    "ELU",
    "GELU",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
]


class ReLU(Layer):
    """max(x, 0); see `functional.relu`."""

    _function = staticmethod(functional.relu)


class ReLU6(Layer):
    """min(max(x, 0), 6); see `functional.relu6`."""

    _function = staticmethod(functional.relu6)


class SiLU(Layer):
    """x * sigmoid(x); see `functional.silu`."""

    _function = staticmethod(functional.silu)


class Sigmoid(Layer):
    """1 / (1 + exp(-x)); see `functional.sigmoid`."""

    _function = staticmethod(functional.sigmoid)


class Tanh(Layer):
    """The hyperbolic tangent; see `functional.tanh`."""

    _function = staticmethod(functional.tanh)


class Hardswish(Layer):
    """x * min(max(x + 3, 0), 6) / 6; see `functional.hardswish`."""

    _function = staticmethod(functional.hardswish)


class LeakyReLU(Layer):
    """x where x > 0, else negative_slope * x; see `functional.leaky_relu`."""

    _function = staticmethod(functional.leaky_relu)


class ELU(Layer):
    """x where x > 0, else alpha * (exp(x) - 1); see `functional.elu`."""

    _function = staticmethod(functional.elu)


class GELU(Layer):
    """x * Phi(x); see `functional.gelu`."""

    _function = staticmethod(functional.gelu)


class Softplus(Layer):
    """log(1 + exp(beta*x)) / beta; see `functional.softplus`."""

    _function = staticmethod(functional.softplus)


class Hardtanh(Layer):
    """x between min_val and max_val; see `functional.hardtanh`."""

    _function = staticmethod(functional.hardtanh)


class Softmax(Layer):
    """exp(x) / sum of exp(x) along an axis; see `functional.softmax`."""

    _function = staticmethod(functional.softmax)
