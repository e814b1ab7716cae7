"""Models of a few nodes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from onnx import ModelProto, TensorProto, ValueInfoProto, helper, numpy_helper


def value(name: str, shape: Any = None, code: int = TensorProto.FLOAT) -> ValueInfoProto:
    """An input or output, of any shape unless one is given."""
    return helper.make_tensor_value_info(name, code, shape)


def model_of(
    nodes: Iterable[Any],
    inputs: Iterable[ValueInfoProto],
    outputs: Iterable[ValueInfoProto | str] = ("y",),
    arrays: Mapping[str, Any] = MappingProxyType({}),
    *,
    opset: int = 17,
) -> ModelProto:
    """A model of nodes; of an output its name is enough."""
    made = [helper.make_empty_tensor_value_info(y) if isinstance(y, str) else y for y in outputs]
    tensors = [numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items()]
    graph = helper.make_graph(list(nodes), "g", list(inputs), made, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def one_node(
    op: str, opset: int, x: Any, *others: Any, outputs: tuple[str, ...] = ("y",), **settings: Any
) -> ModelProto:
    """A model of one node for arrays like x; its other inputs are known, None is left out."""
    names = ["" if each is None else f"c{n}" for n, each in enumerate(others)]
    arrays = {name: each for name, each in zip(names, others, strict=True) if name}
    node = helper.make_node(op, ["x", *names], outputs, **settings)
    taken = value("x", x.shape, helper.np_dtype_to_tensor_dtype(x.dtype))
    return model_of([node], [taken], outputs, arrays, opset=opset)
