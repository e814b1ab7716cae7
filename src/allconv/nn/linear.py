"""The linear layer."""

from __future__ import annotations

from typing import Any

from allconv import functional
from allconv.errors import ShapeError
from allconv.functional.call import take_float
from allconv.intake.settings import flag, whole
from allconv.nn.module import Module
from allconv.nn.parameter import HeNormal, constant

__all__ = ["Linear"]


class Linear(Module):
    """A linear layer: x (..., in_features) -> (..., out_features); see `functional.linear`.

    weight (out_features, in_features), bias (out_features,).
    Weights begin by He et al. 2015, biases with 0.
    """

    def __init__(self, in_features: int, out_features: int, *, bias: bool = True) -> None:
        inputs = self.in_features = whole("in_features", in_features, least=1)
        outputs = self.out_features = whole("out_features", out_features, least=1)
        self.parameter("weight", (outputs, inputs), HeNormal(inputs))
        self.bias = constant((outputs,), 0.0) if flag("bias", bias) else None

    def forward(self, x: Any) -> Any:
        """See `functional.linear`."""
        x = take_float("x", x)
        if not x.shape or x.shape[-1] != self.in_features:
            if not x.shape:
                raise ShapeError(f"in_features is {self.in_features}, x has no axes")
            arrives = f"({', '.join(map(str, ('N', *x.shape[1:])))})"
            remedy = f"use nn.Linear({x.shape[-1]}, {self.out_features})"
            if len(x.shape) > 2:
                remedy = "put nn.Flatten() before it"
            raise ShapeError(
                f"in_features is {self.in_features}, the layers before give {arrives}; {remedy}"
            )
        return functional.linear(x, self.weight, self.bias)
