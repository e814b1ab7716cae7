"""Every operator that is read, by operator set: as ONNX Runtime has it, or refused."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx.reference import ReferenceEvaluator
from onnx_nodes import ATTRIBUTES, Case, draw_case, opsets, schema
from onnx_runs import run_defined

from allconv.errors import Error, UnsupportedError
from allconv.onnx import load
from allconv.onnx.names import NAMES
from onnx import helper

DRAWS = int(os.environ.get("ALLCONV_ONNX_DRAWS", "2"))  # of each operator in each operator set
MOST_DRAWS = 60  # until one is compared
SEED = int(os.environ.get("ALLCONV_ONNX_SEED", "0"))

# Where the evaluator of the onnx package departs from the text of the format
NO_REFERENCE = ("AveragePool", "ConvTranspose", "Gemm", "MaxPool", "PRelu")


ORDERED = ("ArgMax", "ArgMin", "Hardmax", "ReduceMax", "ReduceMin", "TopK")


def outputs_of(case: Case) -> tuple[Any, ...]:
    """What a case gives here, by the definitions."""
    net = load(case.model)
    return run_defined(net, *(case.data[each.name] for each in net.model.inputs))


def expected_of(case: Case) -> list[Any] | None:
    """What ONNX Runtime gives; where it refuses the case or departs from the text, the reference;
    None where that does, too."""
    if case.op in FORMULAS:
        return [FORMULAS[case.op](case)]
    found = None if is_told_apart(case) else run_onnxruntime(case)
    if found is not None:
        return found
    if case.op in NO_REFERENCE or is_read_apart(case):
        return None
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return list(ReferenceEvaluator(case.model).run(None, case.data))
    except Exception:  # likewise
        return None


def run_onnxruntime(case: Case) -> list[Any] | None:
    """What ONNX Runtime gives; None where it refuses the case."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    model = case.model.SerializeToString()
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        return list(session.run(None, case.data))
    except Exception:  # it has errors of many classes
        return None


def mean_variance(case: Case) -> Any:
    """(x - mean) / (deviation + 1e-9) over the axes, in float64: ONNX Runtime and the reference
    subtract squares, which may cancel."""
    x = case.data["x"].astype(np.float64)
    axes = tuple(case.attributes.get("axes", (0, 2, 3)))
    mean, deviation = x.mean(axes, keepdims=True), x.std(axes, keepdims=True)
    return ((x - mean) / (deviation + 1e-9)).astype(np.float32)


FORMULAS: dict[str, Callable[[Case], Any]] = {"MeanVarianceNormalization": mean_variance}
"""What neither of the two computes as the format has it."""


def is_told_apart(case: Case) -> bool:
    """Where ONNX Runtime departs from the text: SAME without dilations, a mean of nothing as 0,
    cells that lie on others as float32 has them; and NaN, which it may pass over in what is
    largest: here, as in NumPy and in torch, NaN counts as larger than any number and as smaller."""
    if case.op == "Resize" and case.attributes.get("nearest_mode") in ("floor", "ceil"):
        kind = str(case.attributes.get("coordinate_transformation_mode", "half_pixel"))
        return kind.startswith("half_pixel")
    if case.op in ORDERED and np.isnan(case.data["x"]).any():
        return True
    pool = case.op in ("AveragePool", "LpPool", "MaxPool")
    empty = case.op.startswith("Reduce") and case.data["x"].size == 0
    return (pool and _is_same_dilated(case)) or empty or _is_undefined(case)


def is_read_apart(case: Case) -> bool:
    """Where the reference departs, too."""
    empty = case.op.startswith("Reduce") and case.data["x"].size == 0
    return empty or (case.op == "LpPool" and _is_same_dilated(case)) or _is_undefined(case)


def _is_undefined(case: Case) -> bool:
    """NaN as a whole number, which the format leaves open: 0 here."""
    return case.op.startswith("Cast") and bool(np.isnan(case.data["x"]).any())


def _is_same_dilated(case: Case) -> bool:
    same = str(case.attributes.get("auto_pad", "")).startswith("SAME")
    return same and max(case.attributes.get("dilations", [1])) > 1


def drawn(op: str, opset: int, number: int) -> Case:
    """A case by its number."""
    return draw_case(np.random.default_rng([SEED, number, opset, *op.encode()]), op, opset)


def judged(case: Case) -> str:
    """Whether a case was "compared", "refused" or had nothing to be compared with."""
    try:
        given = outputs_of(case)
    except Error:
        return "refused"
    expected = expected_of(case)
    if expected is None:
        return "alone"
    assert len(given) == len(expected), str(case)
    for a, b in zip(given, expected, strict=True):
        assert a.dtype == b.dtype, str(case)
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5, err_msg=str(case))
    return "compared"


@pytest.mark.parametrize("op", sorted(NAMES))
def test_nodes(op: str) -> None:
    """A drawn node agrees with ONNX Runtime or is refused with an error of ours; of every operator
    one at least is compared."""
    counts: Counter[str] = Counter()
    for opset in opsets(op):
        counts.update(judged(drawn(op, opset, number)) for number in range(DRAWS))
    assert counts.total() == DRAWS * len(opsets(op))
    more = (judged(drawn(op, opsets(op)[-1], DRAWS + n)) for n in range(MOST_DRAWS))
    assert counts["compared"] or "compared" in more


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
                load(case.model)


def test_attributes_that_are_not_read() -> None:
    """What is said not to be read, or to say nothing, is an attribute of some operator set."""
    for op, name in NAMES.items():
        every = {each for opset in opsets(op) for each in schema(op, opset).attributes}
        assert {*name.unread, *name.silent} <= every, op
        assert not set(name.unread) & set(name.silent), op
