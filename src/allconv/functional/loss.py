"""Softmax and the loss of classification."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from allconv.errors import ArgumentError, ShapeError, UnsupportedError
from allconv.functional.call import apply, evaluate, fresh, public, take_float, take_labels
from allconv.functional.settings import axis_of
from allconv.intake.settings import choice, number, whole
from allconv.operators.loss import CrossEntropy, LogSoftmax, Softmax

__all__ = ["cross_entropy", "log_softmax", "softmax", "softmin"]


@public
def softmax(x: Any, /, dim: int = 1) -> Any:
    """exp(x) / sum of exp(x) along an axis. Any shape; float32 or float64.

    An array without axes is one class, whatever dim; one without cells along the axis has none.

    >>> import numpy as np
    >>> softmax(np.array([[0.0, 0.0]]))
    array([[0.5, 0.5]])
    """
    return _over_classes(Softmax, dim, take_float("x", x))


@public
def log_softmax(x: Any, /, dim: int = 1) -> Any:
    """x - log(sum of exp(x)) along an axis. Any shape; float32 or float64.

    As `softmax` with an array without axes, or without cells along the axis.
    """
    return _over_classes(LogSoftmax, dim, take_float("x", x))


@public
def softmin(x: Any, /, dim: int = 1) -> Any:
    """softmax of -x along an axis. Any shape; float32 or float64."""
    return _over_classes(Softmax, dim, -take_float("x", x))


def _over_classes(operator: type[Softmax] | type[LogSoftmax], dim: Any, x: Any) -> Any:
    """An operator over the axis of the classes, of arrays without axes and without classes too."""
    if not x.shape:
        one = x.reshape((1,))
        whole("dim", dim, least=-1, most=1)
        return apply(operator(0), one).reshape(())
    axis = axis_of("dim", dim, len(x.shape))
    return apply(operator(axis), x) if x.shape[axis] else fresh(x)


@public
def cross_entropy(
    x: Any,
    /,
    target: Any,
    weight: Any = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """The cross-entropy between softmax(x) and labels.

    Shapes: x (N, C, ...), target (N, ...) of integers from 0 to C - 1 -> (), or (N, ...) when
    reduction="none". The target distribution is 1 - label_smoothing at the label plus
    label_smoothing / C everywhere.

    >>> import numpy as np
    >>> float(cross_entropy(np.zeros((1, 4)), np.array([2])).round(4))
    1.3863
    """
    x, target = take_float("x", x), take_labels("target", target)
    if weight is not None:
        raise UnsupportedError("weight is not supported; multiply the losses of reduction='none'")
    reduction = choice("reduction", reduction, ("mean", "sum", "none"))
    smoothing = number(
        "label_smoothing", label_smoothing, "a number from 0 to below 1", lambda n: 0 <= n < 1
    )
    if len(x.shape) < 2:
        raise ShapeError(f"x is {x.shape}; (N, classes, ...) is expected")
    expected = (x.shape[0], *x.shape[2:])
    if target.shape != expected:
        raise ShapeError(f"target is {target.shape}; x is {x.shape}, so {expected} is expected")
    check_labels(target, x.shape[1])
    if reduction == "mean" and not prod(expected):
        raise ShapeError(f"x is {x.shape}: the mean over no samples; use reduction='sum'")
    return evaluate(_reduced, x, target, reduction=reduction, smoothing=smoothing)


def check_labels(target: Any, classes: int) -> None:
    """Refuse labels that are no class; those of a trace are not known yet."""
    if isinstance(target, np.ndarray) and target.size:
        least, most = int(target.min()), int(target.max())
        if least < 0 or most >= classes:
            raise ArgumentError(
                f"target runs from {least} to {most}; x has {classes} classes, counted from 0"
            )


def _reduced(x: Any, target: Any, *, reduction: str, smoothing: float) -> Any:
    losses = apply(CrossEntropy(smoothing), x, target)
    if reduction == "mean":
        return losses.mean()
    return losses.sum() if reduction == "sum" else losses
