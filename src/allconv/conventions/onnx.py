"""Calls of ONNX: one node, run by the reference evaluator (other runtimes take the same node)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from allconv.conventions.layouts import LAYOUTS
from allconv.conventions.problem import Problem
from allconv.conventions.writing import (
    cut_full,
    names_of,
    pad,
    plus,
    spelled,
    unless,
)
from allconv.errors import UnsupportedError

LAYOUT = LAYOUTS["onnx"]


def _node(kind: str, inputs: list[str], **attributes: Any) -> list[str]:
    """The lines that make a node and run it."""
    quoted = ", ".join(f'"{name}"' for name in inputs)
    fed = ", ".join(f'"{name}": {name}' for name in inputs)
    return [
        f'node = helper.make_node("{kind}", [{quoted}], ["y"]{spelled(**attributes)})',
        f"(y,) = ReferenceEvaluator(node).run(None, {{{fed}}})",
    ]


def _pads(problem: Problem) -> tuple[list[str], tuple[int, ...] | None]:
    """Lines that crop where a padding is negative, and the attribute: all lows, then all highs."""
    lines = []
    if any(end < 0 for pair in problem.ends for end in pair):
        crops = [(min(low, 0), min(high, 0)) for low, high in problem.ends]
        lines = pad("x", crops, LAYOUT.image)
    lows, highs = zip(*problem.ends, strict=True)
    return lines, unless(tuple(max(end, 0) for end in (*lows, *highs)), 0)


def _convolution(problem: Problem) -> list[str]:
    weight, bias = names_of(problem, LAYOUT)
    lines, pads = _pads(problem)
    return lines + _node(
        "Conv",
        ["x", weight, *[bias] * problem.has_bias],
        strides=unless(problem.stride, 1),
        pads=pads,
        dilations=unless(problem.dilation, 1),
        group=problem.groups if problem.groups > 1 else None,
    )


def _transposed(problem: Problem) -> list[str]:
    weight, bias = names_of(problem, LAYOUT)
    if problem.groups > 1:
        return _transposed_by_group(problem)
    settings = {
        "strides": unless(problem.stride, 1),
        "dilations": unless(problem.dilation, 1),
    }
    axes = problem.window.axes
    extra = tuple(max(-axis.high, 0) for axis in axes)
    if min(axis.padding for axis in axes) >= 0 and all(
        e < max(axis.stride, axis.dilation) for e, axis in zip(extra, axes, strict=True)
    ):
        ends = [axis.padding for axis in axes] + [max(axis.high, 0) for axis in axes]
        names = ["x", weight, *[bias] * problem.has_bias]
        settings |= {"pads": unless(tuple(ends), 0), "output_padding": unless(extra, 0)}
        return _node("ConvTranspose", names, **settings)
    lines = _node("ConvTranspose", ["x", weight], **settings)
    lines += cut_full(problem, LAYOUT.image)
    return lines + [f"y = y{plus(bias, LAYOUT.image, problem.axes)}"] * problem.has_bias


def _transposed_by_group(problem: Problem) -> list[str]:
    """A node for one group, run on each: the reference evaluator splits the weights wrongly."""
    weight, bias = names_of(problem, LAYOUT)
    lines = _transposed(replace(problem, groups=1, has_bias=False))
    groups = problem.groups
    return [
        "groups = []",
        f"for x, {weight} in zip(np.split(x, {groups}, 1), np.split({weight}, {groups}, 0)):",
        *(f"    {line}" for line in (*lines, "groups.append(y)")),
        f"y = np.concatenate(groups, 1){plus(bias, LAYOUT.image, problem.axes)}",
    ]


def _linear(problem: Problem) -> list[str]:
    weight, bias = names_of(problem, LAYOUT)
    if len(problem.input) != 2:
        raise UnsupportedError(f"input_shape is {problem.input}; Gemm takes (N, C)")
    return _node("Gemm", ["x", weight, *[bias] * problem.has_bias], transB=1)


def _pooling(problem: Problem) -> list[str]:
    largest = problem.kind == "max pooling"
    lines, pads = _pads(problem)
    return lines + _node(
        "MaxPool" if largest else "AveragePool",
        ["x"],
        kernel_shape=problem.window.kernel,
        strides=problem.stride,
        pads=pads,
        dilations=unless(problem.dilation, 1),
        count_include_pad=None if largest or not problem.count_padding else 1,
    )


def _norm(problem: Problem) -> list[str]:
    lines = []
    if not problem.has_weight:
        lines = ["scale, B = np.ones_like(input_mean), np.zeros_like(input_mean)"]
    names = ["x", "scale", "B", "input_mean", "input_var"]
    return lines + _node("BatchNormalization", names, epsilon=problem.eps)


WRITERS = {
    "convolution": _convolution,
    "transposed": _transposed,
    "linear": _linear,
    "max pooling": _pooling,
    "average pooling": _pooling,
    "batch normalisation": _norm,
}
