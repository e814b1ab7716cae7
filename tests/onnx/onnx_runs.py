"""Networks run by definition, by the compiled engine and by ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

import onnx
from allconv.nn.module import Module
from allconv.nn.tracing import trace_module
from allconv.operators.base import Spec


def run_defined(net: Module, *arrays: Any) -> tuple[Any, ...]:
    """The outputs of a network by the definitions of its operators."""
    floats = [x.astype(np.float32) if x.dtype in (np.uint8, np.bool_) else x for x in arrays]
    traced = trace_module(net, *(Spec.of(x) for x in floats))
    state = net.state_dict()
    held = [state[name] for name in (*traced.parameters, *traced.buffers)]
    return traced.graph.run(*floats, *held)[: len(traced.graph.outputs) - len(traced.updates)]


def run_onnxruntime(model: Path | onnx.ModelProto, *arrays: Any) -> list[Any]:
    """The outputs of a file, or of a model, by ONNX Runtime on one thread."""
    given = model if isinstance(model, Path) else model.SerializeToString()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(given, options, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]
    return list(session.run(None, dict(zip(names, arrays, strict=True))))


def check(path: Path) -> onnx.ModelProto:
    """The model in a file after the checks of the onnx package, shapes included."""
    model = onnx.load(path, load_external_data=False)
    onnx.checker.check_model(model, full_check=True)
    return model
