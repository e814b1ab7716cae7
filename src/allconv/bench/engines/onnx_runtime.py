"""ONNX Runtime: all optimisations, its threads spinning as they do by default."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime as runtime

from allconv.bench.engines.prepared_workload import (
    InTurn,
    PreparedWorkload,
    Told,
    arrays_of,
    images_of,
)
from allconv.operators.base import Array

FATAL = 4  # the only level of messages that is shown


def prepare(told: Told, threads: int, variant: str) -> PreparedWorkload:
    """Make a workload ready."""
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = runtime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = FATAL
    session = runtime.InferenceSession(told["model"], options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def run(x: Array) -> Any:
        return session.run(None, {name: x})

    settings = f"intra_op_num_threads={threads}, ORT_ENABLE_ALL, sequential, spinning (default)"
    if "sizes" in told:
        turns = InTurn(run, images_of(told))
        return PreparedWorkload(turns, turns.results, settings)
    x = np.ascontiguousarray(arrays_of(told)["x"])
    return PreparedWorkload(lambda: run(x), lambda: list(run(x)), settings)
