"""Images of another size: every rule against the formulas, and what is refused."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import allconv as ac
from allconv import functional as F
from allconv.errors import Error
from allconv.operators.resize import (
    COORDINATES,
    Resize,
    ResizedAxis,
    ResizeTranspose,
    Rule,
    table_of,
)
from records.resize import brute


def drawn(data: st.DataObject) -> Resize:
    """Any rule, scale and size of one axis or two."""
    mode = data.draw(st.sampled_from(["nearest", "linear", "cubic"]))
    flags = [mode != "nearest" and data.draw(st.booleans()) for _ in range(2)]
    cubic = data.draw(st.sampled_from([-0.75, -0.5, -1.0]))
    rule = Rule(mode, data.draw(st.sampled_from(COORDINATES)), "round_prefer_floor", cubic, *flags)
    lines = []
    for axis in range(data.draw(st.integers(1, 2))):
        n, to = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 9))
        fraction = data.draw(st.sampled_from([0, Fraction(1, 3 * n)]))
        crop = data.draw(st.sampled_from([(0.0, 1.0), (0.1, 0.7), (-0.3, 1.2)]))
        lines.append(ResizedAxis(axis, n, to, Fraction(to, n) + fraction, crop))
    return Resize(tuple(lines), rule)


@given(st.data())
def test_definition(data: st.DataObject) -> None:
    """Cell by cell by the formulas of the format; the transpose is one."""
    operator = drawn(data)
    shape = (*(line.size for line in operator.lines), 2)
    rng = np.random.default_rng(0)
    x, gy = rng.normal(size=shape), rng.normal(size=operator.sized(shape))
    (y,) = operator.define(x)
    np.testing.assert_allclose(y, brute(operator, x)[0], rtol=1e-9, atol=1e-9)
    (gx,) = ResizeTranspose(operator.lines, operator.rule).define(gy)
    np.testing.assert_allclose((gy * y).sum(), (gx * x).sum(), rtol=1e-9, atol=1e-9)


def test_weights_make_one() -> None:
    """A plain image stays plain in every mode."""
    x = np.full((1, 1, 7, 6), 3.0)
    for mode in ("nearest", "nearest-exact", "bilinear", "bicubic", "area"):
        np.testing.assert_allclose(F.interpolate(x, (5, 9), mode=mode), 3.0)
    for mode in ("bilinear", "bicubic"):
        np.testing.assert_allclose(F.interpolate(x, (3, 2), mode=mode, antialias=True), 3.0)


def test_scales_mean_what_they_are_close_to() -> None:
    """5/3 and 1/10 are not quite those as floats, and cells lie where they would."""
    x = np.arange(100.0)[None, None]
    assert list(F.interpolate(x, scale_factor=0.1)[0, 0]) == list(range(0, 100, 10))
    cells = F.interpolate(x, scale_factor=5 / 3)[0, 0]
    assert list(cells[:11]) == [0, 0, 1, 1, 2, 3, 3, 4, 4, 5, 6]


def test_large_numbers_are_exact() -> None:
    """A scale with many digits is reckoned in whole numbers of any length."""
    scale = Fraction(1.7320508075688772)
    line = ResizedAxis(0, 1000, 1732, scale)
    cells = table_of(line, Rule()).cells
    assert cells.tolist() == [min(int(Fraction(i) / scale), 999) for i in range(1732)]


def test_gradients() -> None:
    """First and second derivatives through a network with both directions."""
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(1, 2, 4, 5)), rng.normal(size=(2, 2, 3, 3))
    for settings in (
        {"scale_factor": 2},
        {"size": (7, 3), "mode": "bilinear"},
        {"size": (7, 9), "mode": "bicubic", "align_corners": True},
        {"size": (3, 3), "mode": "bilinear", "antialias": True},
    ):

        def net(x: Any, w: Any, settings: Any = settings) -> Any:
            return F.tanh(F.conv2d(F.interpolate(x, **settings), w))

        ac.testing.check_gradients(net, x, w)


@pytest.mark.parametrize(
    ("shape", "settings", "message"),
    [
        ((1, 2, 3), {}, "size and scale_factor are None"),
        ((1, 2, 3), {"size": 3, "scale_factor": 2}, "scale_factor is 2 beside size"),
        ((1, 2, 3), {"size": 0}, "size is 0; it must be at least 1"),
        ((1, 2, 3), {"size": 2**40}, "size is 1099511627776; at most"),
        ((1, 2, 3), {"size": (2, 3)}, r"size is \(2, 3\); one number, or 1"),
        ((1, 2, 3), {"scale_factor": -1}, "scale_factor is -1; a number above 0"),
        ((1, 2, 3), {"scale_factor": 0.2}, "scale_factor 0.2 makes 3 cells 0.6"),
        ((1, 2, 3), {"scale_factor": 1e300}, "scale_factor 1e.300 makes 3 cells 3e.300"),
        ((1, 2, 3), {"scale_factor": float("nan")}, "scale_factor is nan"),
        ((1, 2, 3), {"size": 3, "mode": "bilinear"}, '"bilinear", for images of 2 axes'),
        ((1, 2, 3), {"size": 3, "mode": "cubic"}, "mode is 'cubic'; one of"),
        ((1, 2, 3), {"size": 3, "align_corners": True}, "align_corners goes with linear"),
        ((1, 2, 3), {"size": 3, "mode": "linear", "antialias": True}, "antialias goes with"),
        ((1, 2, 3), {"size": 3, "recompute_scale_factor": True}, "recompute_scale_factor goes"),
        ((1, 2), {"size": 3}, r"x is \(1, 2\); \(N, C, \*I\)"),
        ((1, 2, 2, 2, 2, 2), {"size": 3}, "one to three axes of space"),
        ((1, 2, 0), {"size": 3}, "0"),
    ],
)
def test_refusals(shape: tuple[int, ...], settings: dict[str, Any], message: str) -> None:
    """One clear error."""
    with pytest.raises(Error, match=message) as raised:
        F.interpolate(np.ones(shape), **settings)
    assert str(raised.value).startswith("interpolate: ")
