"""Dropout as it is in training, where a file asks for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx_models import model_of, value

import allconv as ac
from allconv.errors import UnsupportedError
from onnx import TensorProto, helper

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((4, 3, 5, 5))


def network(op: str, outputs: list[str], arrays: dict[str, Any], **settings: Any) -> Any:
    """A network of one node, of float64."""
    node = helper.make_node(op, ["x", *arrays], outputs, **settings)
    x = value("x", X.shape, TensorProto.DOUBLE)
    return ac.onnx.load(model_of([node], [x], outputs, arrays, opset=15))


@pytest.mark.parametrize("training", [None, False, True])
def test_dropout_that_drops_none(training: bool | None) -> None:
    """In inference, and in training by a ratio of 0, x and a mask that keeps all."""
    arrays = {} if training is None else {"r": np.float64(0), "t": np.array(training)}
    y, mask = network("Dropout", ["y", "mask"], arrays)(X)
    np.testing.assert_array_equal(y, X)
    assert mask.dtype == bool
    assert mask.shape == X.shape
    assert mask.all()


def test_dropout_that_draws_is_refused() -> None:
    """What is drawn is no matter of the file."""
    with pytest.raises(UnsupportedError, match=r"Dropout.*which draws"):
        network("Dropout", ["y"], {"r": np.float64(0.5), "t": np.array(True)})
