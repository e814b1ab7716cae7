"""Activations as layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from allconv import functional
from allconv.nn.module import Module


class _Activation(Module):
    """A function of each element, without settings."""

    function: ClassVar[Callable[..., Any]]

    def forward(self, x: Any) -> Any:
        """See the function of the same name."""
        return type(self).function(x)


class ReLU(_Activation):
    """max(x, 0); see `functional.relu`."""

    function = staticmethod(functional.relu)


class ReLU6(_Activation):
    """min(max(x, 0), 6); see `functional.relu6`."""

    function = staticmethod(functional.relu6)


class SiLU(_Activation):
    """x * sigmoid(x); see `functional.silu`."""

    function = staticmethod(functional.silu)


class Sigmoid(_Activation):
    """1 / (1 + exp(-x)); see `functional.sigmoid`."""

    function = staticmethod(functional.sigmoid)


class Tanh(_Activation):
    """The hyperbolic tangent; see `functional.tanh`."""

    function = staticmethod(functional.tanh)


class Hardswish(_Activation):
    """x * min(max(x + 3, 0), 6) / 6; see `functional.hardswish`."""

    function = staticmethod(functional.hardswish)


class LeakyReLU(Module):
    """x where x > 0, else negative_slope * x; see `functional.leaky_relu`."""

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope

    def forward(self, x: Any) -> Any:
        """See `functional.leaky_relu`."""
        return functional.leaky_relu(x, self.negative_slope)


class ELU(Module):
    """x where x > 0, else alpha * (exp(x) - 1); see `functional.elu`."""

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, x: Any) -> Any:
        """See `functional.elu`."""
        return functional.elu(x, self.alpha)


class GELU(Module):
    """x * Phi(x); see `functional.gelu`."""

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = approximate

    def forward(self, x: Any) -> Any:
        """See `functional.gelu`."""
        return functional.gelu(x, self.approximate)


class Softplus(Module):
    """log(1 + exp(beta*x)) / beta; see `functional.softplus`."""

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        self.beta, self.threshold = beta, threshold

    def forward(self, x: Any) -> Any:
        """See `functional.softplus`."""
        return functional.softplus(x, self.beta, self.threshold)


class Hardtanh(Module):
    """x between min_val and max_val; see `functional.hardtanh`."""

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0) -> None:
        self.min_val, self.max_val = min_val, max_val

    def forward(self, x: Any) -> Any:
        """See `functional.hardtanh`."""
        return functional.hardtanh(x, self.min_val, self.max_val)


class Softmax(Module):
    """exp(x) / sum of exp(x) along an axis; see `functional.softmax`."""

    def __init__(self, dim: int = 1) -> None:
        self.dim = dim

    def forward(self, x: Any) -> Any:
        """See `functional.softmax`."""
        return functional.softmax(x, self.dim)
