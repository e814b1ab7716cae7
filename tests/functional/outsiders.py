"""Others who compute the same: the reference evaluator of ONNX."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx.reference import ReferenceEvaluator

import onnx

Array = np.ndarray[Any, Any]


def onnx_node(kind: str, arrays: list[Array], **attributes: Any) -> Array:
    """One node of ONNX on arrays, by its reference evaluator."""
    names = [f"i{n}" for n in range(len(arrays))]
    node = onnx.helper.make_node(kind, names, ["y"], **attributes)
    infos = [
        onnx.helper.make_tensor_value_info(n, onnx.helper.np_dtype_to_tensor_dtype(a.dtype), None)
        for n, a in zip(names, arrays, strict=True)
    ]
    out = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.DOUBLE, None)
    graph = onnx.helper.make_graph([node], "one", infos, [out])
    opset = [onnx.helper.make_opsetid("", 17)]
    model = onnx.helper.make_model(graph, opset_imports=opset, ir_version=8)
    return np.asarray(ReferenceEvaluator(model).run(None, dict(zip(names, arrays, strict=True)))[0])
