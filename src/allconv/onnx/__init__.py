"""ONNX: networks to and from the standard file.

    net = ac.onnx.load("model.onnx")
    ac.onnx.save(net, "model.onnx", (None, 3, 224, 224))
    session = ac.onnx.InferenceSession("model.onnx")  # run as ONNX Runtime's

Spellings of operators are in `names`, one file a family; sizes are the functions' business.
"""

from allconv.onnx.load import load
from allconv.onnx.module import OnnxModule
from allconv.onnx.names import NAMES
from allconv.onnx.read.file import SIZE_LIMIT
from allconv.onnx.read.nodes import NEWEST_OPSET, OLDEST_OPSET
from allconv.onnx.runtime.backend import Backend
from allconv.onnx.runtime.options import (
    ExecutionMode,
    GraphOptimizationLevel,
    RunOptions,
    SessionOptions,
    get_available_providers,
    get_device,
)
from allconv.onnx.runtime.session import InferenceSession
from allconv.onnx.write.file import save

OPERATORS = tuple(sorted(NAMES))
"""The operators of ai.onnx that are read."""

__all__ = [
    "NEWEST_OPSET",
    "OLDEST_OPSET",
    "OPERATORS",
    "SIZE_LIMIT",
    "Backend",
    "ExecutionMode",
    "GraphOptimizationLevel",
    "InferenceSession",
    "OnnxModule",
    "RunOptions",
    "SessionOptions",
    "get_available_providers",
    "get_device",
    "load",
    "save",
]
