"""Weights that nodes of a file make: ready before the first call, like those of initializers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import allconv as ac
from allconv.bench.light import FOLDER
from allconv.engine.programs import _entries
from tiers import slowed

PREPARING = {"pack weights", "transform weights", "scale of channels", "fold scale", "fold shift"}
NAMES = ("light_squeezenet", "light_resnet50", "light_shufflenet", "light_inception_v2")


@pytest.mark.parametrize("name", slowed(NAMES, "light_squeezenet"))
def test_no_step_of_a_run_prepares_weights(name: str) -> None:
    """A light network as it is, whose weights are a number and a shape each: compiled and called,
    a run only computes what depends on the image, and nothing is as large as all weights."""
    net: Any = ac.onnx.load(FOLDER / f"{name}.onnx")
    shape = net.model.inputs[0].shape
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    compiled = ac.compile(net, shape)
    np.testing.assert_allclose(compiled(x), net(x), 1e-3, 1e-5)
    (called,) = (entry.program for (owner, _), entry in _entries.items() if owner == id(net))
    for program in (compiled.program, called):
        assert program.fixed
        assert all(max(array.strides, default=0) == 0 for array in program.fixed.values())
        assert PREPARING & {step.what for step in program.prepare().planner.setup}
        assert not PREPARING & {step.what for step in program.steps()}
