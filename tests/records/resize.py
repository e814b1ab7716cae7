"""Records of images of another size."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import ceil, floor

import numpy as np
from hypothesis import strategies as st

from allconv.errors import ArgumentError
from allconv.operators.base import Array, Operator, Spec
from allconv.operators.resize import (
    COORDINATES,
    MOST_CELLS,
    NEAREST,
    Resize,
    ResizedAxis,
    ResizeTranspose,
    Rule,
)
from records.record import (
    Function,
    Record,
    draw_array,
    draw_dtype,
    draw_shape,
    onnx_results,
    refusal,
)

HALF = Fraction(1, 2)


def draw_rule(data: st.DataObject) -> Rule:
    """Any rule whose weights are few binary digits, given the scales of `draw_lines`."""
    mode = data.draw(st.sampled_from(["nearest", "linear", "cubic"]))
    if mode == "nearest":
        coordinates = data.draw(st.sampled_from(COORDINATES))
        return Rule(mode, coordinates, data.draw(st.sampled_from(NEAREST)))
    coordinates = data.draw(st.sampled_from(["asymmetric", "half_pixel", "pytorch_half_pixel"]))
    if mode == "linear":
        spread = data.draw(st.booleans()) and coordinates == "half_pixel"
        return Rule(mode, coordinates, antialias=spread)
    return Rule(mode, coordinates, cubic=data.draw(st.sampled_from([-0.75, -0.5])))


def draw_lines(data: st.DataObject, shape: tuple[int, ...], rule: Rule) -> tuple[ResizedAxis, ...]:
    """Up to two axes."""
    axes = data.draw(st.permutations(range(len(shape))))[: data.draw(st.integers(1, 2))]
    lines = []
    for axis in axes:
        n = shape[axis]
        if rule.mode == "nearest":
            to = data.draw(st.sampled_from([2 * n, n, 3 * n, 5, 1, 0])) if n else 0
            scale = Fraction(to, n) if to else Fraction(1)
            if to and rule.coordinates in ("half_pixel_symmetric", "asymmetric"):
                scale += data.draw(st.sampled_from([0, 0, Fraction(1, 2 * n)]))
            crop = data.draw(st.sampled_from([(0.0, 1.0), (0.25, 0.75), (-0.5, 1.25), (1.0, 0.0)]))
            lines.append(ResizedAxis(axis, n, to, scale, crop))
        else:
            scale = data.draw(st.sampled_from([Fraction(2), HALF, Fraction(1), HALF]))
            lines.append(ResizedAxis(axis, n, floor(n * scale), scale))
    return tuple(lines)


def draw(data: st.DataObject) -> tuple[Operator, tuple[Array, ...]]:
    """Any axes, also those that are no space."""
    rule, shape = draw_rule(data), draw_shape(data, least=1, most=4)
    operator = Resize(draw_lines(data, shape, rule), rule)
    return operator, (draw_array(data, shape, draw_dtype(data)),)


def draw_transpose(data: st.DataObject) -> tuple[Operator, tuple[Array, ...]]:
    """The transpose of a drawn one."""
    operator, (x,) = draw(data)
    (y,) = operator.infer(Spec.of(x))
    return ResizeTranspose(operator.lines, operator.rule), (draw_array(data, y.shape, y.dtype),)


def position(line: ResizedAxis, kind: str, i: int) -> Fraction:
    """Where a cell lies, by the formulas of the format."""
    n, m, s = Fraction(line.size), line.to, line.scale
    if kind == "half_pixel":
        return (i + HALF) / s - HALF
    if kind == "half_pixel_symmetric":
        adjustment = m / (s * n)
        return n / 2 * (1 - adjustment) + (i + HALF) / s - HALF
    if kind == "pytorch_half_pixel":
        return (i + HALF) / s - HALF if m > 1 else Fraction(0)
    if kind == "asymmetric":
        return i / s
    if kind == "align_corners":
        return i * (n - 1) / (m - 1) if m > 1 else Fraction(0)
    start, end = map(Fraction, line.crop)
    if m > 1:
        return start * (n - 1) + i * (end - start) * (n - 1) / (m - 1)
    return HALF * (start + end) * (n - 1)


def filtered(t: float, rule: Rule) -> float:
    """A tent, or Keys' cubic."""
    t, a = abs(t), rule.cubic
    if rule.mode == "linear":
        return max(1 - t, 0.0)
    if t <= 1:
        return (a + 2) * t**3 - (a + 3) * t**2 + 1
    return a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a if t < 2 else 0.0


def weights_of(line: ResizedAxis, rule: Rule, i: int) -> dict[int, float]:
    """The cells that a result meets."""
    x, last = position(line, rule.coordinates, i), line.size - 1
    if rule.coordinates == "tf_crop_and_resize" and not 0 <= x <= last:
        return {}
    if rule.mode == "nearest":
        below, above = floor(x), ceil(x)
        later = {"floor": False, "ceil": True}.get(rule.nearest)
        if later is None:
            later = x - below > HALF or (x - below == HALF and rule.nearest.endswith("ceil"))
        return {min(max(above if later else below, 0), last): 1.0}
    shrunk = float(min(line.scale, 1)) if rule.antialias else 1.0
    reach = ceil(2 / shrunk) + 1
    around = range(floor(x) - reach, floor(x) + reach + 1)
    met = {j: filtered(float(j - x) * shrunk, rule) for j in around}
    if rule.exclude_outside:
        inside = {j: w for j, w in met.items() if 0 <= j <= last}
        met = inside if sum(inside.values()) else met
    total = sum(met.values()) if rule.antialias or rule.exclude_outside else 1.0
    found: dict[int, float] = {}
    for j, w in met.items():
        cell = min(max(j, 0), last)
        found[cell] = found.get(cell, 0.0) + w / total
    return found


def brute(operator: Resize, x: Array):
    """All axes at once, cell by cell."""
    lines = {line.axis: line for line in operator.lines}
    y = np.zeros(operator.sized(x.shape))
    for p in np.ndindex(y.shape):
        ways = [
            weights_of(lines[axis], operator.rule, i) if axis in lines else {i: 1.0}
            for axis, i in enumerate(p)
        ]
        for j in product(*ways):
            y[p] += np.prod([way[k] for way, k in zip(ways, j, strict=True)]) * x[j]
    return (y,)


def brute_transpose(operator: ResizeTranspose, y: Array):
    """What each cell of y gives to the cells that it met."""
    lines = {line.axis: line for line in operator.lines}
    x = np.zeros(operator.sized(y.shape, back=True))
    for p in np.ndindex(y.shape):
        ways = [
            weights_of(lines[axis], operator.rule, i) if axis in lines else {i: 1.0}
            for axis, i in enumerate(p)
        ]
        for j in product(*ways):
            x[j] += np.prod([way[k] for way, k in zip(ways, j, strict=True)]) * y[p]
    return (x,)


def onnx_resize(operator: Resize, x: Array):
    """Resize of ONNX, by sizes."""
    rule, lines = operator.rule, operator.lines
    exact = all(line.to and line.scale == Fraction(line.to, line.size) for line in lines)
    # It differs from the text where pytorch_half_pixel makes one cell; it has the cropped part and
    # its axes in another order when it takes both.
    if not exact or not x.size or rule.coordinates in ("pytorch_half_pixel", "tf_crop_and_resize"):
        return None
    sizes = np.array(operator.sized(x.shape), np.int64)
    none = np.zeros(0, np.float32)
    try:
        return onnx_results(
            "Resize",
            (x, none, none, sizes),
            mode=rule.mode,
            nearest_mode=rule.nearest,
            coordinate_transformation_mode=rule.coordinates,
            cubic_coeff_a=rule.cubic,
            antialias=int(rule.antialias),
        )
    except (ValueError, IndexError, TypeError, ArgumentError):
        return None


LINE = ResizedAxis(1, 3, 6, Fraction(2))
RECORDS = (
    Record(
        Resize,
        draw,
        brute,
        linear=(("x",),),
        outsiders=(onnx_resize,),
        outsider_ulp=4,
        refusals=(
            refusal(r"x is \(2, 4\); axis 1 of 3", lambda: Resize((LINE,), Rule()), (2, 4)),
            refusal(r"axes are \(1,\); axes of \(3,\)", lambda: Resize((LINE,), Rule()), (3,)),
            refusal(r"axes are \(1, 1\)", lambda: Resize((LINE, LINE), Rule()), (2, 3)),
            refusal("not int64", lambda: Resize((LINE,), Rule()), Spec((2, 3), "int64")),
            refusal("no resize is 'area'", lambda: Resize((LINE,), Rule("area")), (2, 3)),
            refusal(
                "0 cells cannot become one of 2",
                lambda: Resize((ResizedAxis(0, 0, 2, Fraction(1)),), Rule()),
                (0, 2),
            ),
            refusal(
                "by a scale of -2",
                lambda: Resize((ResizedAxis(0, 2, 2, Fraction(-2)),), Rule()),
                (2, 2),
            ),
            refusal(
                "at most 2,097,152 are supported",
                lambda: Resize((ResizedAxis(0, 2, MOST_CELLS + 2, Fraction(2)),), Rule()),
                (2, 2),
            ),
        ),
    ),
    Record(
        ResizeTranspose,
        draw_transpose,
        brute_transpose,
        linear=(("y",),),
        refusals=(
            refusal(r"axis 1 of 6", lambda: ResizeTranspose((LINE,), Rule()), (2, 4)),
            refusal("not int64", lambda: ResizeTranspose((LINE,), Rule()), Spec((2, 6), "int64")),
        ),
    ),
)

FUNCTIONS = (
    Function(
        "interpolate",
        torch=(
            "x size=None scale_factor=None mode='nearest' align_corners=None "
            "recompute_scale_factor=None antialias=False"
        ),
        given=lambda n: (np.ones((1, 2, 3)), 6),
    ),
)
