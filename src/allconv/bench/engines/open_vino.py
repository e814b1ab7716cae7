"""OpenVINO: for the shortest time of one call, in float32, without copies at the border."""

from __future__ import annotations

from typing import Any

import numpy as np
import openvino

from allconv.bench.engines.prepared_workload import (
    InTurn,
    PreparedWorkload,
    Told,
    arrays_of,
    images_of,
)
from allconv.operators.base import Array


def prepare(told: Told, threads: int, variant: str) -> PreparedWorkload:
    """Make a workload ready; compiled models are kept in the folder `cache` where one is told."""
    config: dict[str, Any] = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "INFERENCE_PRECISION_HINT": "f32",  # else bfloat16 on processors that have it
    }
    core = openvino.Core()
    if told.get("cache"):
        core.set_property({"CACHE_DIR": told["cache"]})
    compiled = core.compile_model(told["model"], "CPU", config)
    request = compiled.create_infer_request()

    def run(x: Array) -> Any:
        return request.infer({0: x}, share_inputs=True, share_outputs=True)

    def results(x: Array) -> list[Array]:
        return [np.array(each) for each in run(x).values()]

    settings = f"LATENCY, inference_num_threads={threads}, 1 stream, f32, inputs and outputs shared"
    if "sizes" in told:
        images = images_of(told)
        return PreparedWorkload(InTurn(run, images), lambda: results(images[0]), settings)
    x = np.ascontiguousarray(arrays_of(told)["x"])
    return PreparedWorkload(lambda: run(x), lambda: results(x), settings)
