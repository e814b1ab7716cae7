"""The operator that docs/own-operator.md makes: its kernel gives what its definition gives."""

from __future__ import annotations

from contextlib import redirect_stdout
from io import StringIO
from typing import Any

import numpy as np
import pytest
from test_docs import blocks

import allconv as ac
from allconv.engine.expression import EMITTERS
from allconv.engine.kernels.pointwise import lower_pointwise
from allconv.engine.lowerings import LOWERINGS

SCALES = {"float32": (1e-45, 1e-30, 3e30, 1e38), "float64": (5e-324, 1e-200, 3e200, 1e308)}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_kernel_is_the_definition(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Squares that overflow or vanish, zeros, infinities and NaN, each with each."""
    space: dict[str, Any] = {"__name__": "__main__"}
    with redirect_stdout(StringIO()):
        for _, language, text in blocks("docs/own-operator.md"):
            if language == "python":
                exec(text, space)  # noqa: S102 - the page is what is tested
    monkeypatch.setenv("ALLCONV_CACHE", "off")  # keys of kernels know files, not pages
    monkeypatch.setitem(EMITTERS, space["Hypot"], space["emit_hypot"])
    monkeypatch.setitem(LOWERINGS.of, space["Hypot"], lower_pointwise)
    scales = SCALES[dtype]
    numbers = np.array([0.0, -0.0, 3.0, -4.0, *scales, -scales[1], np.inf, -np.inf, np.nan], dtype)
    x, y = (each.ravel() for each in np.meshgrid(numbers, numbers))
    program = ac.compile(space["hypot"], x.shape, y.shape, dtype=dtype)
    assert "BY DEFINITION" not in program.plan()
    (expected,) = space["Hypot"]().define(x, y)
    np.testing.assert_allclose(program(x, y), expected, rtol=4 * np.finfo(dtype).eps)
