"""The operators of ONNX in PyTorch's words, as far as networks of images use them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import partial, reduce
from math import isclose
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch
import torch.nn.functional as f
from torch import nn

from allconv.bench.engines.prepared_workload import CannotRunError
from onnx import TensorProto

if TYPE_CHECKING:
    from allconv.bench.engines.torch_graph import TorchGraph

Attributes: TypeAlias = dict[str, Any]
LAST_FLAT_SOFTMAX = 12  # up to this operator set, Softmax takes the axes from `axis` on together
Maker: TypeAlias = Callable[["TorchGraph", Sequence[str], Attributes], Any]


def _conv(net: TorchGraph, inputs: Sequence[str], a: Attributes) -> Any:
    w = net.array(inputs[1])
    axes = w.ndim - 2
    x, padding = net.padded(net.value(inputs[0]), a, axes, 0.0)
    groups = a.get("group", 1)
    kind = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[axes - 1]
    module = kind(
        w.shape[1] * groups, w.shape[0], w.shape[2:], a.get("strides", 1), padding,
        a.get("dilations", 1), groups, bias=len(inputs) > 2,
    )  # fmt: skip
    arrays = {"weight": w, **({"bias": net.array(inputs[2])} if len(inputs) > 2 else {})}
    return net.module(module, arrays, x)


def _batch_norm(net: TorchGraph, inputs: Sequence[str], a: Attributes) -> Any:
    names = ("weight", "bias", "running_mean", "running_var")
    arrays = {n: net.array(i) for n, i in zip(names, inputs[1:5], strict=True)}
    module = nn.BatchNorm2d(len(arrays["weight"]), eps=a.get("epsilon", 1e-5))
    return net.module(module, arrays, net.value(inputs[0]))


def _gemm(net: TorchGraph, inputs: Sequence[str], a: Attributes) -> Any:
    if a.get("alpha", 1.0) != 1.0 or a.get("beta", 1.0) != 1.0 or a.get("transA"):
        raise CannotRunError("Gemm with alpha, beta or transA has no translation to PyTorch here")
    w = net.array(inputs[1]) if inputs[1] in net.arrays else None
    if w is None:
        raise CannotRunError("Gemm of a computed matrix has no translation to PyTorch here")
    w = w if a.get("transB") else w.T
    arrays = {"weight": w, **({"bias": net.array(inputs[2])} if len(inputs) > 2 else {})}
    module = nn.Linear(w.shape[1], w.shape[0], bias=len(inputs) > 2)
    return net.module(module, arrays, net.value(inputs[0]))


def _max_pool(net: TorchGraph, inputs: Sequence[str], a: Attributes) -> Any:
    axes = len(a["kernel_shape"])
    x, padding = net.padded(net.value(inputs[0]), a, axes, -np.inf)
    pool = (f.max_pool1d, f.max_pool2d, f.max_pool3d)[axes - 1]
    kernel, stride = list(a["kernel_shape"]), list(a.get("strides", [1] * axes))
    dilation, ceil = list(a.get("dilations", [1] * axes)), bool(a.get("ceil_mode", 0))
    return net.call(pool, x, kernel, stride, padding=padding, dilation=dilation, ceil_mode=ceil)


def _average_pool(net: TorchGraph, inputs: Sequence[str], a: Attributes) -> Any:
    axes = len(a["kernel_shape"])
    whole = net.value(inputs[0])
    x, padding = net.padded(whole, a, axes, 0.0)
    pool = (f.avg_pool1d, f.avg_pool2d, f.avg_pool3d)[axes - 1]
    counts = bool(a.get("count_include_pad", 0))
    settings = {
        "kernel_size": list(a["kernel_shape"]),
        "stride": list(a.get("strides", [1] * axes)),
        "padding": padding,
        "ceil_mode": bool(a.get("ceil_mode", 0)),
        "count_include_pad": counts or x is not whole,
    }
    y = net.call(pool, x, **settings)
    if counts or x is whole:
        return y
    # Padding on one side: divided by the share of each window that lies on the image.
    ones = net.padded(net.call(torch.ones_like, whole), a, axes, 0.0)[0]
    return net.call(torch.div, y, net.call(pool, ones, **settings))


def _reshape(net: TorchGraph, inputs: Sequence[str], a: Attributes) -> Any:
    return net.call(torch.reshape, net.value(inputs[0]), net.integers(inputs[1]))


def _axes(net: TorchGraph, inputs: Sequence[str], a: Attributes) -> list[int]:
    """The axes, an attribute or, in later operator sets, the second input."""
    return list(a["axes"]) if "axes" in a else net.integers(inputs[1])


def _unsqueeze(net: TorchGraph, inputs: Sequence[str], a: Attributes) -> Any:
    x = net.value(inputs[0])
    for axis in sorted(_axes(net, inputs, a)):
        x = net.call(torch.unsqueeze, x, axis)
    return x


def _squeeze(net: TorchGraph, inputs: Sequence[str], a: Attributes) -> Any:
    return net.call(torch.squeeze, net.value(inputs[0]), tuple(_axes(net, inputs, a)))


def _softmax(net: TorchGraph, inputs: Sequence[str], a: Attributes) -> Any:
    x = net.value(inputs[0])
    if net.opset > LAST_FLAT_SOFTMAX:
        return net.call(torch.softmax, x, a.get("axis", -1))
    flat = net.call(torch.flatten, x, a.get("axis", 1))
    return net.call(torch.Tensor.reshape_as, net.call(torch.softmax, flat, -1), x)


def _concat(net: TorchGraph, inputs: Sequence[str], a: Attributes) -> Any:
    return net.call(torch.cat, [net.value(each) for each in inputs], a["axis"])


def _sum(net: TorchGraph, inputs: Sequence[str], a: Attributes) -> Any:
    return reduce(partial(net.call, operator.add), map(net.value, inputs))


def _mean(net: TorchGraph, inputs: Sequence[str], a: Attributes) -> Any:
    keep = bool(a.get("keepdims", 1))
    return net.call(torch.mean, net.value(inputs[0]), _axes(net, inputs, a), keep)


def _cast(net: TorchGraph, inputs: Sequence[str], a: Attributes) -> Any:
    dtypes = {TensorProto.FLOAT: torch.float32, TensorProto.DOUBLE: torch.float64}
    if a["to"] not in dtypes:
        raise CannotRunError("Cast to no float has no translation to PyTorch here")
    return net.call(torch.Tensor.to, net.value(inputs[0]), dtypes[a["to"]])


def _clip(net: TorchGraph, inputs: Sequence[str], a: Attributes) -> Any:
    bounds = [a.get("min"), a.get("max")]
    for place, name in enumerate(inputs[1:3]):
        if name:
            bounds[place] = net.array(name).item()
    return net.call(torch.clamp, net.value(inputs[0]), *bounds)


def _hard_sigmoid(net: TorchGraph, inputs: Sequence[str], a: Attributes) -> Any:
    if not isclose(a.get("alpha", 0.2), 1 / 6, rel_tol=1e-5) or a.get("beta", 0.5) != 0.5:
        raise CannotRunError("HardSigmoid of another slope has no translation to PyTorch here")
    return net.call(f.hardsigmoid, net.value(inputs[0]))


def _same(net: TorchGraph, inputs: Sequence[str], a: Attributes) -> Any:
    return net.value(inputs[0])


def _plain(name: str, settings: Callable[[Attributes], Sequence[Any]] = lambda a: ()) -> Maker:
    """A function of torch, or of torch.nn.functional, of all inputs, then of settings."""

    def made(net: TorchGraph, inputs: Sequence[str], a: Attributes) -> Any:
        function = getattr(torch, name, None) or getattr(torch.nn.functional, name)
        return net.call(function, *(net.value(each) for each in inputs), *settings(a))

    return made


OPERATORS: dict[str, Maker] = {
    "Add": _plain("add"),
    "AveragePool": _average_pool,
    "BatchNormalization": _batch_norm,
    "Cast": _cast,
    "Clip": _clip,
    "Concat": _concat,
    "Conv": _conv,
    "Div": _plain("div"),
    "Dropout": _same,
    "Flatten": _plain("flatten", lambda a: [a.get("axis", 1)]),
    "Gemm": _gemm,
    "GlobalAveragePool": _plain("adaptive_avg_pool2d", lambda a: [1]),
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": _plain("hardswish"),
    "Identity": _same,
    "LRN": _plain(
        "local_response_norm",
        lambda a: [a["size"], a.get("alpha", 1e-4), a.get("beta", 0.75), a.get("bias", 1.0)],
    ),
    "MatMul": _plain("matmul"),
    "MaxPool": _max_pool,
    "Mul": _plain("mul"),
    "ReduceMean": _mean,
    "Relu": _plain("relu"),
    "Reshape": _reshape,
    "Sigmoid": _plain("sigmoid"),
    "Softmax": _softmax,
    "Squeeze": _squeeze,
    "Sub": _plain("sub"),
    "Sum": _sum,
    "Tanh": _plain("tanh"),
    "Transpose": _plain("permute", lambda a: [list(a["perm"])]),
    "Unsqueeze": _unsqueeze,
}
