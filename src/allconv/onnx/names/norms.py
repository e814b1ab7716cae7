"""Normalisation by own statistics: LayerNormalization, GroupNormalization and the like."""

from __future__ import annotations

from typing import Any

import numpy as np

from allconv.functional.call import apply
from allconv.onnx.names import since
from allconv.onnx.names.call import NodeCall, NodeRule
from allconv.onnx.names.reduce import broadcast_shapes
from allconv.onnx.names.writer import NodeToWrite, Writer
from allconv.operators.norms import GroupNorm, LayerNorm
from allconv.operators.pointwise import Heaviside, Sqrt
from allconv.operators.reduce import Sum
from allconv.value import Value

_FLOAT = 1  # the only kind of statistics that a file may ask for here
_DOUBLE = 11


def _weight(call: NodeCall, number: int) -> Value | None:
    """Numbers that are multiplied, None where they are left out, or all 1 in the file."""
    given = call.operand(number)
    plain = isinstance(given, np.ndarray) and given.dtype.kind == "f" and bool((given == 1).all())
    return None if plain or given is None else call.value(number)


def _applied(call: NodeCall, operator: Any, x: Value, shape: tuple[int, ...]) -> Value:
    """The operator with numbers of its shape, or of one that is repeated to that of x."""
    weight, bias = _weight(call, 1), call.optional(2)
    numbers = [each for each in (weight, bias) if each is not None]
    if bias is not None and weight is None:
        weight = call.lift(np.ones(shape, x.dtype))
    if all(each.shape == shape for each in numbers):
        operands = (weight, bias) if bias is not None else numbers
        y: Value = apply(operator, x, *operands)
        return y
    y = apply(operator, x)
    for each, join in ((weight, Value.__mul__), (bias, Value.__add__)):
        if each is not None:
            if broadcast_shapes(call, x.shape, each.shape) != x.shape:
                raise call.wrong(
                    f"a weight is {each.shape}; one that broadcasts to {x.shape} is expected"
                )
            y = join(y, each)
    return y


def _last(call: NodeCall, x: Value) -> int:
    """How many of the last axes are normalised."""
    if call.integer("stash_type") not in (_FLOAT, _DOUBLE):
        raise call.unsupported(f"stash_type={call.integer('stash_type')}")
    return x.ndim - call.axis(call.integer("axis"), x.ndim)


def read_layer_norm(call: NodeCall) -> tuple[Value, ...]:
    """y over the axes from `axis` on; the mean and 1 / sqrt(variance + epsilon) where wanted."""
    x, eps = call.value(0), call.number("epsilon")
    count = _last(call, x)
    y = _applied(call, LayerNorm(count, eps), x, x.shape[x.ndim - count :])
    if not any(call.node.outputs[1:]):
        return (y,)
    axes = tuple(range(x.ndim - count, x.ndim))
    mean = x.mean(axes, True)
    rest = x - mean
    inverse = 1.0 / apply(Sqrt(), (rest * rest).mean(axes, True) + eps)
    stash = "float32" if call.integer("stash_type") == _FLOAT else "float64"
    return y, mean.astype(stash), inverse.astype(stash)


def read_rms_norm(call: NodeCall) -> Value:
    """x / sqrt(mean of x**2 + epsilon) * scale over the axes from `axis` on."""
    x = call.value(0)
    count = _last(call, x)
    operator = LayerNorm(count, call.number("epsilon"), centred=False)
    return _applied(call, operator, x, x.shape[x.ndim - count :])


def read_instance_norm(call: NodeCall) -> Value:
    """Each channel of an image by its own mean and variance."""
    x = call.value(0)
    if x.ndim < 3 or not x.shape[1]:
        raise call.wrong(f"its input is {x.shape}; (N, C, ...) of no size 0 is expected")
    return _applied(call, GroupNorm(x.shape[1], call.number("epsilon")), x, x.shape[1:2])


def read_group_norm(call: NodeCall) -> Value:
    """Each group of channels of an image by its own mean and variance."""
    x, groups = call.value(0), call.integer("num_groups")
    if x.ndim < 2 or groups < 1 or not x.shape[1] or x.shape[1] % groups:
        raise call.wrong(
            f"its input is {x.shape}; num_groups, {groups}, does not divide its channels"
        )
    if call.given("stash_type") and call.integer("stash_type") not in (_FLOAT, _DOUBLE):
        raise call.unsupported(f"stash_type={call.integer('stash_type')}")
    operator = GroupNorm(groups, call.number("epsilon"))
    if call.version >= since.OF_CHANNELS:
        return _applied(call, operator, x, x.shape[1:2])
    y: Value = apply(operator, x)
    rows = y.reshape((x.shape[0], groups, -1)) if x.size else y
    for number, join in ((1, Value.__mul__), (2, Value.__add__)):
        each = call.value(number)
        if each.shape != (groups,):
            raise call.wrong(f"input {number} is {each.shape}; one number a group is expected")
        rows = join(rows, each.reshape((1, groups, 1))) if x.size else rows
    return rows.reshape(x.shape)


def read_mean_variance(call: NodeCall) -> Any:
    """(x - mean) / (sqrt(variance) + 1e-9) over some axes."""
    x = call.value(0)
    axes = tuple(sorted(call.axes(call.integers("axes", (0, 2, 3)), x.ndim)))
    rest = x - x.mean(axes, True)
    return rest / (apply(Sqrt(), (rest * rest).mean(axes, True)) + 1e-9)


def read_lp_norm(call: NodeCall) -> Any:
    """x / (sum of |x|**p)**(1/p) along an axis, for p 1 or 2; 0 where that is 0."""
    x, p = call.value(0), call.integer("p")
    if p not in (1, 2):
        raise call.wrong(f"p is {p}, neither 1 nor 2")
    axis = call.axis(call.integer("axis"), x.ndim)
    total = apply(Sum((axis,), True), abs(x) if p == 1 else x * x)
    norm = total if p == 1 else apply(Sqrt(), total)
    return x / (norm + (1.0 - apply(Heaviside(), norm)))


def write_layer_norm(writer: Writer, written: NodeToWrite) -> None:
    """LayerNormalization; without a mean its parts: RMSNormalization is of a newer operator set."""
    operator: LayerNorm = written.operator
    if operator.centred:
        inputs = _with_numbers(writer, written, written.sizes[0][-operator.axes :])
        settings = {"axis": -operator.axes, "epsilon": operator.eps}
        writer.node(written, "LayerNormalization", inputs, **settings)
        return
    y, steps = written.outputs[0], iter(range(9))

    def made(op: str, *inputs: str, **attributes: Any) -> str:
        return writer.step(f"{y}/{op}_{next(steps)}", op, *inputs, **attributes)

    x, *numbers = written.inputs
    eps = writer.constant(f"{y}/eps", np.array(operator.eps, written.dtype))
    axes = writer.integers(range(-operator.axes, 0))
    mean = made("ReduceMean", made("Mul", x, x), axes, keepdims=1)
    root = made("Sqrt", made("Add", mean, eps))
    lines = list(zip(("Div", "Mul", "Add"), (root, *numbers), strict=False))
    for op, other in lines[:-1]:
        x = made(op, x, other)
    writer.node(written, lines[-1][0], [x, lines[-1][1]])


def write_group_norm(writer: Writer, written: NodeToWrite) -> None:
    """InstanceNormalization where every channel is a group, else GroupNormalization."""
    operator: GroupNorm = written.operator
    shape = written.sizes[0]
    inputs = _with_numbers(writer, written, shape[1:2])
    if len(inputs) == 2:
        inputs.append(
            writer.constant(f"{written.outputs[0]}/zeros", np.zeros(shape[1], written.dtype))
        )
    if len(shape) > 2 and operator.groups == shape[1]:
        writer.node(written, "InstanceNormalization", inputs, epsilon=operator.eps)
        return
    settings = {"num_groups": operator.groups, "epsilon": operator.eps}
    writer.node(written, "GroupNormalization", inputs, **settings)


def _with_numbers(writer: Writer, written: NodeToWrite, shape: tuple[int, ...]) -> list[str]:
    """The inputs, with weights of 1 where there are none."""
    if len(written.inputs) > 1:
        return list(written.inputs)
    ones = writer.constant(f"{written.outputs[0]}/ones", np.ones(shape, written.dtype))
    return [*written.inputs, ones]


READERS = {
    "GroupNormalization": NodeRule(read_group_norm, weights=(1, 2)),
    "InstanceNormalization": NodeRule(read_instance_norm, weights=(1, 2)),
    "LayerNormalization": NodeRule(read_layer_norm, weights=(1, 2)),
    "LpNormalization": NodeRule(read_lp_norm),
    "MeanVarianceNormalization": NodeRule(read_mean_variance),
    "RMSNormalization": NodeRule(read_rms_norm, weights=(1,)),
}
WRITERS = {GroupNorm: write_group_norm, LayerNorm: write_layer_norm}
