"""Records of softmax and its cross-entropy."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from hypothesis import strategies as st

from allconv.operators.base import Array, Operator, Spec
from allconv.operators.loss import CrossEntropy, CrossEntropyGradient, LogSoftmax, Softmax
from records.record import Function, Record, draw_array, draw_dtype, onnx_results, refusal


def draw_logits(data: st.DataObject, dtype: str) -> Array:
    """(N, C, *S) with moderate values; large ones now and then."""
    sizes = st.lists(st.sampled_from([1, 2, 3]), max_size=2)
    shape = (data.draw(st.sampled_from([1, 2, 3, 0])), data.draw(st.integers(1, 4)))
    scale = data.draw(st.sampled_from([0.5, 0.5, 64.0]))
    return draw_array(data, (*shape, *data.draw(sizes)), dtype) * np.array(scale, dtype)


def draw_softmax(
    data: st.DataObject, operator: type[Operator]
) -> tuple[Operator, tuple[Array, ...]]:
    """Any axis that is not empty."""
    x = draw_logits(data, draw_dtype(data))
    axes = [axis for axis, n in enumerate(x.shape) if n]
    return operator(data.draw(st.sampled_from(axes))), (x,)


def draw_entropy(
    data: st.DataObject, operator: type[Operator]
) -> tuple[Operator, tuple[Array, ...]]:
    """Labels of every class, with and without smoothing."""
    dtype = draw_dtype(data)
    x = draw_logits(data, dtype)
    where = (x.shape[0], *x.shape[2:])
    labels = draw_array(data, where, "int64", 0, x.shape[1] - 1)
    chosen = operator(data.draw(st.sampled_from([0.0, 0.1])))
    if operator is CrossEntropy:
        return chosen, (x, labels)
    return chosen, (x, labels, draw_array(data, where, dtype))


def log_softmax(values: list[float]) -> list[float]:
    """x - log(sum(exp(x))) of a few numbers, shifted by the largest."""
    top = max(values)
    total = math.log(math.fsum(math.exp(v - top) for v in values))
    return [v - top - total for v in values]


def brute_softmax(operator: Softmax | LogSoftmax, x: Array):
    """Each line along the axis by itself."""
    y = np.zeros(x.shape)
    moved, into = np.moveaxis(x, operator.axis, -1), np.moveaxis(y, operator.axis, -1)
    for cell in np.ndindex(moved.shape[:-1]):
        logs = log_softmax([float(v) for v in moved[cell]])
        into[cell] = [math.exp(v) for v in logs] if isinstance(operator, Softmax) else logs
    return (y,)


def targets(operator: CrossEntropy | CrossEntropyGradient, label: int, classes: int) -> list[float]:
    """The smoothed one-hot distribution."""
    share = operator.smoothing / classes
    return [share + (1 - operator.smoothing) * (c == label) for c in range(classes)]


def brute_entropy(operator: CrossEntropy, x: Array, labels: Array):
    """- sum of target * log_softmax, sample by sample."""
    loss = np.zeros(labels.shape)
    for n, *cell in np.ndindex(labels.shape):
        logs = log_softmax([float(v) for v in x[(n, slice(None), *cell)]])
        t = targets(operator, labels[(n, *cell)], x.shape[1])
        loss[(n, *cell)] = -math.fsum(a * b for a, b in zip(t, logs, strict=True) if a)
    return (loss,)


def brute_gradient(operator: CrossEntropyGradient, x: Array, labels: Array, gy: Array):
    """(softmax - target) * gy, sample by sample."""
    gx = np.zeros(x.shape)
    for n, *cell in np.ndindex(labels.shape):
        logs = log_softmax([float(v) for v in x[(n, slice(None), *cell)]])
        t = targets(operator, labels[(n, *cell)], x.shape[1])
        for c, (log, share) in enumerate(zip(logs, t, strict=True)):
            gx[(n, c, *cell)] = (math.exp(log) - share) * gy[(n, *cell)]
    return (gx,)


def onnx_softmax(operator: Softmax | LogSoftmax, x: Array):
    """Softmax and LogSoftmax of ONNX."""
    return onnx_results(type(operator).__name__, (x,), axis=operator.axis) if x.size else None


def onnx_entropy(operator: CrossEntropy, x: Array, labels: Array):
    """SoftmaxCrossEntropyLoss of ONNX, which has no smoothing."""
    if operator.smoothing or not x.size:
        return None
    return onnx_results("SoftmaxCrossEntropyLoss", (x, labels), reduction="none")


def scipy_log_softmax(operator: LogSoftmax, x: Array):
    """SciPy's log_softmax."""
    from scipy.special import log_softmax

    return (log_softmax(x, operator.axis),) if x.size else None


LABELS = Spec((2,), "int64")
FACTS = {"ulp": 8.0, "outsider_ulp": 512.0}

RECORDS = (
    Record(
        Softmax,
        partial(draw_softmax, operator=Softmax),
        brute_softmax,
        outsiders=(onnx_softmax,),
        refusals=(
            refusal(r"softmax over axis 2 of float32 \(2, 3\)", lambda: Softmax(2), (2, 3)),
            refusal(r"softmax over axis 1 of float32 \(2, 0\)", lambda: Softmax(1), (2, 0)),
            refusal("softmax over axis 0 of int64", lambda: Softmax(0), LABELS),
        ),
        **FACTS,
    ),
    Record(
        LogSoftmax,
        partial(draw_softmax, operator=LogSoftmax),
        brute_softmax,
        outsiders=(onnx_softmax, scipy_log_softmax),
        refusals=(
            refusal("log_softmax over axis -1", lambda: LogSoftmax(-1), (2, 3)),
            refusal(r"log_softmax over axis 1 of float32 \(2, 0\)", LogSoftmax, (2, 0)),
        ),
        **FACTS,
    ),
    Record(
        CrossEntropy,
        partial(draw_entropy, operator=CrossEntropy),
        brute_entropy,
        fixed=("labels",),
        outsiders=(onnx_entropy,),
        refusals=(
            refusal(r"x is float32 \(2,\)", CrossEntropy, (2,), LABELS),
            refusal(r"x is float32 \(2, 0\)", CrossEntropy, (2, 0), LABELS),
            refusal(r"labels are int64 \(2,\); int64 \(3,\)", CrossEntropy, (3, 4), LABELS),
            refusal(r"labels are float32 \(2,\)", CrossEntropy, (2, 4), (2,)),
            refusal("smoothing must be at least 0 and below 1: 1", lambda: CrossEntropy(1.0)),
        ),
        **FACTS,
    ),
    Record(
        CrossEntropyGradient,
        partial(draw_entropy, operator=CrossEntropyGradient),
        brute_gradient,
        linear=(),
        fixed=("labels",),
        refusals=(
            refusal(r"gy is float32 \(3,\)", CrossEntropyGradient, (2, 4), LABELS, (3,)),
            refusal(
                r"gy is float64 \(2,\); float32 \(2,\)",
                CrossEntropyGradient,
                (2, 4),
                LABELS,
                Spec((2,), "float64"),
            ),
        ),
        **FACTS,
    ),
)

FUNCTIONS = (
    Function("softmax", torch="x dim", ours=("dim=1",)),
    Function("softmin", torch="x dim", ours=("dim=1",)),
    Function("log_softmax", torch="x dim", ours=("dim=1",)),
    Function(
        "cross_entropy",
        torch="x target weight=None reduction='mean' label_smoothing=0.0",
        given=lambda n: (np.ones((2, 3)), np.zeros(2, int)),
    ),
)
