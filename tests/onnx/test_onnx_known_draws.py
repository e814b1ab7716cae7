"""Nodes of known values, operands and attributes drawn: as ONNX Runtime has them, or refused."""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx_models import model_of, value

from allconv.errors import Error
from allconv.onnx import load
from allconv.onnx.names import FOLDS
from onnx import TensorProto, defs, helper, numpy_helper
from tiers import shares

DRAWS = int(os.environ.get("ALLCONV_ONNX_DRAWS", "2"))  # of each operator, in a share
OPSET = 18
DTYPES = (np.int64, np.int64, np.int32, np.bool_, np.float32)
SMALL = {"batch_dims": 2, "to": 12, "select_last_index": 2, "keepdims": 2, "upper": 2, "fmod": 2}
# Where ONNX Runtime reads past its arrays, or takes what the text of the format forbids
ALONE = ("Flatten", "GatherND", "NonZero", "ScatterND", "Squeeze", "Cast", "CastLike", "Pow")


def drawn(draw: np.random.Generator, op: str) -> Any:
    """A network of one node of known values, whose results are made floats and added to x."""
    schema = defs.get_schema(op, OPSET, "")
    nodes, names, dtype = [], [], DTYPES[draw.integers(len(DTYPES))]
    most = 3 if schema.max_input > 8 else schema.max_input
    for n in range(int(draw.integers(schema.min_input, most + 1))):
        shape = draw.integers(0 if draw.integers(9) == 0 else 1, 4, draw.integers(0, 4))
        kind = np.int64 if n and draw.integers(3) == 0 else dtype
        array = np.asarray(draw.integers(-4, 5, shape)).astype(kind)
        tensor = numpy_helper.from_array(array)
        nodes.append(helper.make_node("Constant", [], [f"k{n}"], value=tensor))
        names.append(f"k{n}")
    settings: dict[str, Any] = {}
    for name, each in schema.attributes.items():
        if not each.required and draw.integers(2):
            continue
        if each.type == defs.OpSchema.AttrType.INT:
            settings[name] = int(draw.integers(-2, SMALL.get(name, 3)))
        elif each.type == defs.OpSchema.AttrType.INTS:
            settings[name] = [int(i) for i in draw.integers(-2, 3, draw.integers(1, 4))]
    nodes.append(helper.make_node(op, names, ["r"], **settings))
    nodes.append(helper.make_node("Cast", ["r"], ["f"], to=TensorProto.DOUBLE))
    nodes.append(helper.make_node("Add", ["x", "f"], ["y"]))
    return model_of(nodes, [value("x", [], TensorProto.DOUBLE)], opset=OPSET)


def elsewhere(model: Any) -> Any:
    """What ONNX Runtime gives; None where it refuses."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options)
        return session.run(None, {"x": np.zeros((), np.float64)})[0]
    except Exception:  # it has errors of many classes
        return None


@pytest.mark.parametrize("share", shares(4))
def test_drawn_nodes(share: int) -> None:
    """Each agrees to the bit, or is refused with one of our errors and nothing else."""
    compared = 0
    for op in sorted(FOLDS):
        for number in range(4 * DRAWS):
            draw = np.random.default_rng([share, number, *op.encode()])
            model = drawn(draw, op)
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                try:
                    y = load(model)(np.zeros((), np.float64))
                except Error:
                    continue
            expected = None if op in ALONE else elsewhere(model)
            if expected is None:
                continue
            compared += 1
            node = model.graph.node[-3]
            held = [numpy_helper.to_array(n.attribute[0].t) for n in model.graph.node[:-3]]
            np.testing.assert_array_equal(y, expected, err_msg=f"{node} {held}")
    assert compared > 30
