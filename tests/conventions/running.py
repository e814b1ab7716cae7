"""Cases for the printed calls, and the running of their text."""

from __future__ import annotations

import warnings
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from allconv import conventions, nn

Array = np.ndarray[Any, Any]

CASES: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
    "conv1d": (nn.Conv1d(2, 3, 3), (2, 2, 9)),
    "conv1d causal": (nn.Conv1d(2, 3, 3, dilation=2, padding="causal"), (2, 2, 9)),
    "conv2d": (nn.Conv2d(1, 8, 5), (1, 1, 16, 16)),
    "conv2d no bias": (nn.Conv2d(2, 3, (2, 3), padding=1, bias=False), (2, 2, 6, 7)),
    "conv2d same stride": (nn.Conv2d(2, 3, 3, 2, "same"), (1, 2, 8, 7)),
    "conv2d same lower": (nn.Conv2d(2, 3, 2, 2, "same_lower"), (1, 2, 7, 7)),
    "conv2d half stride": (nn.Conv2d(2, 3, 3, (2, 1), "half"), (1, 2, 8, 7)),
    "conv2d full": (nn.Conv2d(2, 3, (3, 2), padding="full"), (1, 2, 5, 4)),
    "conv2d crop": (nn.Conv2d(2, 3, 2, 2, ((-1, 2), (1, -2))), (1, 2, 8, 9)),
    "conv2d cropped away": (nn.Conv2d(2, 3, 1, padding=((1, 0), (2, -1))), (1, 2, 2, 1)),
    "conv2d dilation": (nn.Conv2d(2, 3, (3, 2), dilation=(2, 3), padding=2), (2, 2, 8, 9)),
    "conv2d both": (nn.Conv2d(2, 3, 3, 2, "same", 2), (1, 2, 10, 9)),
    "conv2d groups": (nn.Conv2d(4, 6, 3, 2, 1, groups=2), (2, 4, 7, 8)),
    "conv2d flip": (nn.Conv2d(2, 3, (2, 3), padding=1, flip=True), (1, 2, 5, 6)),
    "depthwise": (nn.Conv2d(3, 6, 3, 2, 1, groups=3), (2, 3, 8, 7)),
    "depthwise uneven": (nn.Conv2d(3, 3, 3, (1, 2), 1, (2, 1), 3, bias=False), (2, 3, 8, 7)),
    "conv3d": (nn.Conv3d(2, 3, (2, 3, 2), (1, 2, 1), 1), (1, 2, 4, 5, 6)),
    "conv3d groups": (nn.Conv3d(2, 4, 2, groups=2), (1, 2, 4, 3, 4)),
    "conv input dilation": (nn.Conv2d(2, 3, 3, padding=2, input_dilation=(2, 3)), (1, 2, 4, 3)),
    "transposed1d": (nn.ConvTranspose1d(2, 3, 3, 2), (2, 2, 5)),
    "transposed2d": (nn.ConvTranspose2d(1, 1, 3, 2), (1, 1, 2, 2)),
    "transposed2d padded": (nn.ConvTranspose2d(2, 3, (3, 4), 2, 1, (1, 0)), (2, 2, 4, 3)),
    "transposed2d same": (nn.ConvTranspose2d(2, 3, 3, 2, "same"), (1, 2, 4, 3)),
    "transposed2d wide": (nn.ConvTranspose2d(2, 3, 2, 3), (1, 2, 3, 4)),
    "transposed2d uneven": (nn.ConvTranspose2d(2, 3, 3, (1, 2), ((0, 1), (2, 0))), (1, 2, 4, 4)),
    "transposed2d outside": (nn.ConvTranspose2d(2, 3, 2, 2, ((-1, 0), (1, -2))), (1, 2, 3, 3)),
    "transposed2d dilation": (nn.ConvTranspose2d(2, 3, 3, padding=1, dilation=2), (1, 2, 4, 5)),
    "transposed2d both": (nn.ConvTranspose2d(2, 3, 3, 2, 1, dilation=2), (1, 2, 4, 3)),
    "transposed2d groups": (nn.ConvTranspose2d(4, 6, 3, 2, 1, groups=2), (2, 4, 3, 4)),
    "transposed2d size": (nn.ConvTranspose2d(2, 2, 3, 2, 1, output_size=(8, 7)), (1, 2, 4, 4)),
    "transposed3d": (nn.ConvTranspose3d(2, 3, 2, (2, 1, 2), bias=False), (1, 2, 3, 2, 3)),
    "local1d": (nn.LocallyConnected1d(2, 3, 2, 5), (2, 2, 5)),
    "local2d": (nn.LocallyConnected2d(2, 3, (3, 2), (6, 5), (2, 1), 1, (1, 2)), (2, 2, 6, 5)),
    "linear": (nn.Linear(5, 3), (4, 5)),
    "linear no bias": (nn.Linear(5, 3, bias=False), (4, 5)),
    "linear rows": (nn.Linear(5, 3), (2, 4, 5)),
    "max_pool1d": (nn.MaxPool1d(3, 2, 1), (2, 3, 9)),
    "max_pool2d": (nn.MaxPool2d(2), (1, 2, 6, 7)),
    "max_pool2d padded": (nn.MaxPool2d((3, 2), (2, 1), (1, 1)), (1, 2, 6, 7)),
    "max_pool2d apart": (nn.MaxPool2d(2, 3, 1), (1, 2, 7, 8)),
    "max_pool2d dilation": (nn.MaxPool2d(3, 1, 1, (2, 1)), (1, 2, 8, 7)),
    "max_pool2d both": (nn.MaxPool2d(3, 2, 1, 2), (1, 1, 9, 8)),
    "max_pool3d": (nn.MaxPool3d(2), (1, 2, 4, 5, 4)),
    "avg_pool1d": (nn.AvgPool1d(3, 2), (2, 2, 9)),
    "avg_pool2d": (nn.AvgPool2d((3, 2), 2, 1), (1, 2, 7, 8)),
    "avg_pool2d apart": (nn.AvgPool2d(2, 3, 1), (1, 2, 7, 8)),
    "avg_pool2d uncounted": (nn.AvgPool2d(3, 1, 1, count_include_pad=False), (1, 2, 5, 6)),
    "avg_pool3d": (nn.AvgPool3d(2), (1, 1, 4, 4, 5)),
    "batch_norm1d": (nn.BatchNorm1d(3), (4, 3)),
    "batch_norm2d": (nn.BatchNorm2d(3, eps=0.01), (2, 3, 4, 5)),
    "batch_norm plain": (nn.BatchNorm2d(3, affine=False), (2, 3, 4, 5)),
}


MODULES = {"opencv": "cv2"}  # where the name of the module is another
PACKAGES = {"opencv": "opencv-python-headless"}  # what pip calls it


def need(framework: str) -> None:
    """Skip a test where a framework is not installed; a folder of its name is no framework."""
    spec = find_spec(MODULES.get(framework, framework))
    if spec is None or spec.origin is None:
        pytest.skip(f"needs {framework}: pip install {PACKAGES.get(framework, framework)}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what others say while they are imported is theirs
        import_module(spec.name)


def filled(name: str) -> tuple[nn.Module, Array]:
    """The layer of a case with small whole weights (variances above 0), and its input."""
    layer, shape = CASES[name]
    draw = np.random.default_rng(len(name))
    state = {
        key: draw.integers(1, 4, array.shape) if "var" in key else draw.integers(-3, 4, array.shape)
        for key, array in layer.state_dict().items()
    }
    layer.load_state_dict(state)
    return layer, draw.integers(-4, 5, shape).astype(np.float32)


def outcome(layer: Any, framework: str, x: Array, arrays: dict[str, Array]) -> dict[str, Any]:
    """The names that the printed call leaves, its result "y" laid out as ours."""
    rows = isinstance(layer, nn.Linear)
    laid = x if rows else conventions.images(x, "allconv", framework)
    space: dict[str, Any] = {"x": laid, **arrays}
    exec(conventions.call(layer, framework, x.shape), space)  # noqa: S102 - this is what is tested
    y = np.asarray(space["y"])
    return {**space, "y": y if rows else conventions.images(y, framework, "allconv")}
