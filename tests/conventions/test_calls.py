"""The printed calls, run in every framework that is installed."""

from __future__ import annotations

import numpy as np
import pytest

from allconv import conventions
from allconv.errors import UnsupportedError
from conventions.running import CASES, filled, need, outcome

JAX_ALONE = ("conv input dilation", "local")
REFUSED = {  # what a framework has not, by the beginnings of the cases' names
    "torch": JAX_ALONE,
    "tensorflow": JAX_ALONE,
    "keras": (
        *JAX_ALONE, "transposed2d groups", "max_pool2d dilation", "max_pool2d both",
    ),
    "jax": (),
    "onnx": (*JAX_ALONE, "linear rows"),
    "scipy": (
        *JAX_ALONE, "max_pool2d dilation", "max_pool2d both", "avg_pool2d uncounted", "batch_norm",
    ),
    "opencv": (
        *JAX_ALONE, "conv1d", "conv3d", "transposed", "linear rows", "max_pool1d",
        "max_pool3d", "avg_pool1d", "avg_pool2d uncounted", "avg_pool3d", "batch_norm",
    ),
}  # fmt: skip


@pytest.fixture
def framework(request: pytest.FixtureRequest) -> str:
    """A framework's name; skipped where it is not installed."""
    name: str = request.param
    need(name)
    return name


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("framework", conventions.FRAMEWORKS, indirect=True)
def test_printed_call_gives_our_result(framework: str, name: str) -> None:
    """Weights, images and the call of a framework give what our layer gives, or are refused."""
    layer, x = filled(name)
    if name.startswith(REFUSED[framework]):
        with pytest.raises(UnsupportedError):
            conventions.call(layer, framework, x.shape)
        return
    y = layer(x)
    assert np.count_nonzero(y) > y.size // 3
    theirs = outcome(layer, framework, x, conventions.weights(layer, framework))["y"]
    assert theirs.shape == y.shape
    np.testing.assert_allclose(theirs, y, rtol=1e-5, atol=1e-5)
