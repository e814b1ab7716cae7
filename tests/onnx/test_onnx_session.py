"""A program written for ONNX Runtime runs with one import changed."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import onnxruntime
import pytest

import allconv.onnx
from allconv.errors import ArgumentError
from allconv.onnx import InferenceSession
from onnx import parser

TEXT = """<ir_version: 8, opset_import: ["" : 17], producer_name: "made", model_version: 3,
  metadata_props: ["author": "me"]>
g (float[N, 3] a, float16[3] h, uint8[N, 3] pixels) => (float[N, 3] sum, float16[3] twice, N) {
  cast = Cast <to = 1> (pixels)
  sum = Add (a, cast)
  twice = Add (h, h)
}"""
MODEL = parser.parse_model(TEXT.replace(", N) {", ") {")).SerializeToString()
FEED = {
    "pixels": np.uint8([[0, 200, 255]]),
    "h": np.float16([0.5, -1.25, 100]),
    "a": np.float32([[0.25, -1, 3]]),
}


def program(ort: ModuleType) -> list[Any]:
    """What programs do with a session; each line runs with either module."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = ort.InferenceSession(MODEL, options, providers=["CPUExecutionProvider"])
    session.set_providers(["CPUExecutionProvider"])
    run = ort.RunOptions()
    run.log_severity_level = 3
    meta = session.get_modelmeta()
    return [
        ort.get_device(),
        "CPUExecutionProvider" in ort.get_available_providers(),
        [(each.name, each.shape, each.type) for each in session.get_inputs()],
        [(each.name, each.shape, each.type) for each in session.get_outputs()],
        session.get_overridable_initializers(),
        session.get_providers(),
        list(session.get_provider_options()),
        session.get_session_options().intra_op_num_threads,
        (meta.custom_metadata_map, meta.producer_name, meta.version, meta.graph_name),
        *session.run(None, FEED),
        *session.run([], FEED, run),
        *session.run(["twice", "sum"], dict(reversed(FEED.items()))),
        *session.run(["sum"], {**FEED, "a": [[1, 2, 3]]}),
    ]


def test_the_same_program() -> None:
    """Names, types, metadata and numbers are those of ONNX Runtime."""
    for ours, theirs in zip(program(allconv.onnx), program(onnxruntime), strict=True):
        if isinstance(ours, np.ndarray):
            assert ours.dtype == theirs.dtype
            np.testing.assert_array_equal(ours, theirs)
        else:
            assert ours == theirs


@pytest.mark.parametrize(
    ("names", "change", "told"),
    [
        (["other"], {}, "'other' is not an output; those of the network are 'sum', 'twice'"),
        ("sum", {}, "output_names is a text; a list of names, or None, is expected"),
        (None, {"b": 1}, "than those of the inputs: 'a', 'h', 'pixels'; no inputs are 'b'$"),
        (None, {"h": np.float32([1, 2, 3])}, "'h' is float32; float16 is expected"),
        (None, {"pixels": np.int32([[1, 2, 3]])}, "'pixels' is int32; uint8 is expected"),
        (None, {"a": None}, "'a' is object; float32 is expected"),
        (None, {"a": [["x"]]}, "'a' is str32; float32 is expected"),
    ],
)
def test_what_does_not_fit(names: Any, change: dict[str, Any], told: str) -> None:
    """One error that names the input or output."""
    with pytest.raises(ArgumentError, match=told):
        InferenceSession(MODEL).run(names, {**FEED, **change})


def test_inputs_that_are_not_given() -> None:
    """They are told apart from those that the network has not."""
    with pytest.raises(ArgumentError, match=r"; it lacks 'a', 'pixels'; no inputs are 'A'$"):
        InferenceSession(MODEL).run(None, {"h": FEED["h"], "A": FEED["a"]})


def test_an_output_without_a_shape() -> None:
    """None stands for a shape that the file does not declare; () is a number's."""
    text = TEXT.replace("float16[3] twice, N)", "float16 twice)")
    made = parser.parse_model(text)
    made.graph.output[1].type.tensor_type.ClearField("shape")
    found = InferenceSession(made.SerializeToString()).get_outputs()
    assert [each.shape for each in found] == [["N", 3], None]
