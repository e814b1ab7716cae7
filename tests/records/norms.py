"""Records of layer, RMS and group normalisation."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st

from allconv.operators.base import Array, Operator, Spec
from allconv.operators.norms import GroupNorm, LayerNorm
from records.record import IMAGES, Function, Record, draw_array, draw_dtype, onnx_results, refusal

EPS = (2.0**-16, 0.25)  # exact in float32, in which ONNX keeps attributes


def draw_numbers(data: st.DataObject, shape: tuple[int, ...], dtype: str) -> list[Array]:
    """Weight and bias, weight alone, or neither."""
    count = data.draw(st.sampled_from([2, 1, 0]))
    return [draw_array(data, shape, dtype) * np.array(0.5, dtype) for _ in range(count)]


def draw_layer(data: st.DataObject) -> tuple[Operator, tuple[Array, ...]]:
    """Up to three axes, the last of which are normalised."""
    dtype = draw_dtype(data)
    shape = tuple(data.draw(st.lists(st.sampled_from([2, 3, 1, 5]), min_size=1, max_size=3)))
    axes = data.draw(st.integers(1, len(shape)))
    if axes < len(shape) and data.draw(st.integers(0, 5)) == 0:
        shape = (0, *shape[1:])
    x = draw_array(data, shape, dtype) * np.array(0.5, dtype)
    numbers = draw_numbers(data, shape[len(shape) - axes :], dtype)
    operator = LayerNorm(axes, data.draw(st.sampled_from(EPS)), data.draw(st.booleans()))
    return operator, (x, *numbers)


def draw_group(data: st.DataObject) -> tuple[Operator, tuple[Array, ...]]:
    """x (N, C, *S), and groups that divide the channels."""
    dtype, groups = draw_dtype(data), data.draw(st.sampled_from([2, 1, 3]))
    channels = groups * data.draw(st.sampled_from([1, 2]))
    sizes = data.draw(st.lists(st.sampled_from([2, 3, 1]), max_size=2))
    shape = (data.draw(st.sampled_from([1, 2, 0])), channels, *sizes)
    x = draw_array(data, shape, dtype) * np.array(0.5, dtype)
    operator = GroupNorm(groups, data.draw(st.sampled_from(EPS)))
    return operator, (x, *draw_numbers(data, (channels,), dtype))


def normal(values: list[float], eps: float, *, centred: bool = True) -> list[float]:
    """Numbers less their mean, over the root of their variance."""
    mean = math.fsum(values) / len(values) if centred else 0.0
    variance = math.fsum((v - mean) ** 2 for v in values) / len(values)
    return [(v - mean) / math.sqrt(variance + eps) for v in values]


def brute_layer(operator: LayerNorm, x: Array, *numbers: Array):
    """Row by row."""
    y = np.zeros(x.shape)
    lead = x.shape[: x.ndim - operator.axes]
    for row in np.ndindex(lead):
        values = [float(v) for v in x[row].reshape(-1)]
        y[row] = np.reshape(normal(values, operator.eps, centred=operator.centred), x[row].shape)
        for n, each in enumerate(numbers):
            y[row] = y[row] + each if n else y[row] * each
    return (y,)


def brute_group(operator: GroupNorm, x: Array, *numbers: Array):
    """Group by group."""
    y = np.zeros(x.shape)
    size = x.shape[1] // operator.groups
    for n in range(x.shape[0]):
        for g in range(operator.groups):
            part = x[n, g * size : (g + 1) * size]
            values = [float(v) for v in part.reshape(-1)]
            y[n, g * size : (g + 1) * size] = np.reshape(normal(values, operator.eps), part.shape)
        for c in range(x.shape[1]):
            for k, each in enumerate(numbers):
                y[n, c] = y[n, c] + each[c] if k else y[n, c] * each[c]
    return (y,)


def onnx_layer(operator: LayerNorm, x: Array, *numbers: Array):
    """LayerNormalization of ONNX, of float32."""
    if not operator.centred or not numbers or not x.size or x.dtype != np.float32:
        return None
    settings = {"axis": -operator.axes, "epsilon": operator.eps}
    return onnx_results("LayerNormalization", (x, *numbers), **settings)


def onnx_group(operator: GroupNorm, x: Array, *numbers: Array):
    """GroupNormalization of ONNX, of float32."""
    if len(numbers) < 2 or not x.size or x.dtype != np.float32:
        return None
    settings = {"num_groups": operator.groups, "epsilon": operator.eps}
    return onnx_results("GroupNormalization", (x, *numbers), **settings)


FACTS = {"ulp": 64.0, "outsider_ulp": 4096.0}  # 1/sqrt(eps) is up to 256
X, C = (2, 4, 3), (4,)

RECORDS = (
    Record(
        LayerNorm,
        draw_layer,
        brute_layer,
        outsiders=(onnx_layer,),
        refusals=(
            refusal("eps -1.0; at least 1 and 0", lambda: LayerNorm(1, -1.0)),
            refusal("axes is 0", lambda: LayerNorm(0, 1e-5)),
            refusal(r"x is \(3,\); at least 2 axes", lambda: LayerNorm(2, 1e-5), (3,)),
            refusal(r"weight is \(2,\); \(3,\) is", lambda: LayerNorm(1, 1e-5), X, (2,)),
            refusal("not int64", lambda: LayerNorm(1, 1e-5), Spec(X, "int64")),
            refusal("float64 meet", lambda: LayerNorm(1, 1e-5), X, Spec((3,), "float64")),
        ),
        **FACTS,
    ),
    Record(
        GroupNorm,
        draw_group,
        brute_group,
        outsiders=(onnx_group,),
        refusals=(
            refusal("groups is 0", lambda: GroupNorm(0, 1e-5)),
            refusal("4 channels; 3 groups do not", lambda: GroupNorm(3, 1e-5), X),
            refusal(r"x is \(3,\); \(N, C", lambda: GroupNorm(1, 1e-5), (3,)),
            refusal(r"bias is \(2,\); \(4,\)", lambda: GroupNorm(2, 1e-5), X, C, (2,)),
        ),
        **FACTS,
    ),
)

FUNCTIONS = (
    Function(
        "layer_norm",
        torch="x normalized_shape weight=None bias=None eps=1e-05",
        given=lambda n: (IMAGES[1], 4),
    ),
    Function(
        "rms_norm",
        torch="x normalized_shape weight=None eps=None",
        given=lambda n: (IMAGES[1], 4),
    ),
    Function(
        "group_norm",
        torch="x num_groups weight=None bias=None eps=1e-05",
        given=lambda n: (IMAGES[1], 2),
    ),
    Function(
        "instance_norm",
        torch="x running_mean=None running_var=None weight=None bias=None use_input_stats=True "
        "momentum=0.1 eps=1e-05",
        given=lambda n: (IMAGES[1],),
    ),
)
