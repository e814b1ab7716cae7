"""Every operator that is read, by operator set: as ONNX Runtime has it, or refused."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx.reference import ReferenceEvaluator
from onnx_nodes import ATTRIBUTES, Case, draw_case, opsets, schema
from onnx_runs import run_defined

from allconv.errors import Error, UnsupportedError
from allconv.onnx.module import OnnxModule, check_network
from allconv.onnx.names import NAMES
from allconv.onnx.read import parse_model
from onnx import helper

DRAWS = int(os.environ.get("ALLCONV_ONNX_DRAWS", "2"))  # of each operator in each operator set
SEED = int(os.environ.get("ALLCONV_ONNX_SEED", "0"))

# Where the evaluator of the onnx package departs from the text of the format
NO_REFERENCE = ("AveragePool", "ConvTranspose", "Gemm", "MaxPool", "PRelu")


ORDERED = ("ArgMax", "ArgMin", "Hardmax", "ReduceMax", "ReduceMin", "TopK")


def outputs_of(case: Case) -> tuple[Any, ...]:
    """What a case gives here, by the definitions."""
    net = OnnxModule(parse_model(case.model.SerializeToString()))
    check_network(net)
    return run_defined(net, *(case.data[each.name] for each in net.model.inputs))


def expected_of(case: Case) -> list[Any] | None:
    """What ONNX Runtime gives; where it refuses the case, the reference; None where both do."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    model = case.model.SerializeToString()
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        return list(session.run(None, case.data))
    except Exception:  # it has errors of many classes
        if case.op in NO_REFERENCE:
            return None
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return list(ReferenceEvaluator(case.model).run(None, case.data))
    except Exception:  # likewise
        return None


def is_told_apart(case: Case) -> bool:
    """Where ONNX Runtime departs from the text: SAME without dilations, a mean of nothing as 0,
    cells that lie on others as float32 has them."""
    same = str(case.attributes.get("auto_pad", "")).startswith("SAME")
    dilated = same and max(case.attributes.get("dilations", [1])) > 1
    pool = case.op in ("AveragePool", "LpPool", "MaxPool")
    if case.op == "Resize" and case.attributes.get("nearest_mode") in ("floor", "ceil"):
        kind = str(case.attributes.get("coordinate_transformation_mode", "half_pixel"))
        return kind.startswith("half_pixel")
    if case.op in ORDERED and np.isnan(case.data["x"]).any():  # it may pass over NaN
        return True
    if case.op == "MeanVarianceNormalization":  # it subtracts squares there, which may cancel
        return True
    return (pool and dilated) or (case.op.startswith("Reduce") and case.data["x"].size == 0)


@pytest.mark.parametrize("op", sorted(NAMES))
def test_nodes(op: str) -> None:
    """A drawn node agrees with ONNX Runtime or is refused with an error of ours."""
    counts: Counter[str] = Counter()
    for opset in opsets(op):
        for number in range(DRAWS):
            case = draw_case(np.random.default_rng([SEED, number, opset, *op.encode()]), op, opset)
            try:
                given = outputs_of(case)
            except Error:
                counts["refused"] += 1
                continue
            expected = None if is_told_apart(case) else expected_of(case)
            if expected is None:
                counts["alone"] += 1
                continue
            counts["compared"] += 1
            assert len(given) == len(expected), str(case)
            for a, b in zip(given, expected, strict=True):
                assert a.dtype == b.dtype, str(case)
                np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5, err_msg=str(case))
    assert counts.total() == DRAWS * len(opsets(op))
    assert DRAWS < 5 or counts["compared"] or counts["alone"]


@pytest.mark.parametrize("op", sorted(NAMES))
def test_attributes_by_operator_set(op: str) -> None:
    """All attributes of all schemas are drawn; one of another operator set is refused by name."""
    every = {name for opset in opsets(op) for name in schema(op, opset).attributes}
    assert every <= ATTRIBUTES.keys()
    draw = np.random.default_rng(0)
    for opset in opsets(op):
        for name in every - schema(op, opset).attributes.keys():
            case = draw_case(draw, op, opset)
            node = next(each for each in case.model.graph.node if each.op_type == op)
            node.attribute.append(helper.make_attribute(name, ATTRIBUTES[name](draw, 3)))
            gone = "no operator of that name"  # in this set
            with pytest.raises(UnsupportedError, match=f"{name}|sparse|{gone}"):
                parse_model(case.model.SerializeToString())


def test_attributes_are_read_or_silent() -> None:
    """What is said to be read, or to say nothing, is an attribute of some operator set."""
    for op, name in NAMES.items():
        every = {each for opset in opsets(op) for each in schema(op, opset).attributes}
        assert {*name.attributes, *name.silent} <= every, op
        assert not set(name.attributes) & set(name.silent), op
