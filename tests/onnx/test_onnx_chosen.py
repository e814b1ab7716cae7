"""An `If` whose condition is computed from the data: both branches are, and one is chosen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx_models import model_of, value
from onnx_runs import run_onnxruntime

from allconv.errors import UnsupportedError
from allconv.onnx import load
from onnx import helper

make = helper.make_node
ROOT = [make("Mul", ["h", "w"], ["m"]), make("Sqrt", ["m"], ["z"])]
NEGATIVE = [make("Neg", ["h"], ["z"])]
W = np.float32([2, 2, 2])


def model(then: list[Any], other: list[Any], **arrays: Any) -> Any:
    """y is z of one of two graphs of h = x * w: of the first where the sum of x is above 1."""
    graphs = [helper.make_graph(nodes, "g", [], [value("z")]) for nodes in (then, other)]
    nodes = [
        make("Mul", ["x", "w"], ["h"]),
        make("ReduceSum", ["x"], ["s"], keepdims=0),
        make("Greater", ["s", "one"], ["c"]),
        make("If", ["c"], ["y"], then_branch=graphs[0], else_branch=graphs[1]),
    ]
    given = {"one": np.float32(1), "w": W, **arrays}
    return model_of(nodes, [value("x", ["n"])], ["y"], given)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(
    ("x", "gx", "gw"),
    [
        ([0, 0, 0], [-2, -2, -2], [0, 0, 0]),
        ([-4, 0, 1], [-2, -2, -2], [4, 0, -1]),
        ([4, 1, 4], [0.5, 1, 0.5], [2, 1, 2]),
    ],
)
def test_the_branch_that_is_chosen(
    first: bool, x: list[float], gx: list[float], gw: list[float]
) -> None:
    """What ONNX Runtime gives, and its gradient: the other's, NaN at times, goes nowhere."""
    made = model(ROOT, NEGATIVE)
    if not first:  # the same network with its branches the other way round
        made = model(NEGATIVE, ROOT)
        made.graph.node[2].input[:] = ["one", "s"]
    array = np.array(x, np.float32)
    net = load(made)
    np.testing.assert_allclose(net(array), run_onnxruntime(made, array)[0], rtol=1e-6)
    found, grads = net.backward(array, np.ones(3, np.float32))
    np.testing.assert_allclose(found, gx, rtol=1e-6)
    np.testing.assert_allclose(grads["w"], gw, rtol=1e-6)


def test_a_branch_that_does_not_fit() -> None:
    """A branch that may never be chosen for this shape is a limit here, no fault of the file."""
    made = model([make("Reshape", ["h", "seven"], ["z"])], NEGATIVE, seven=np.array([7]))
    with pytest.raises(UnsupportedError, match=r"floats of one shape; here one does not fit: 3 "):
        load(made)
