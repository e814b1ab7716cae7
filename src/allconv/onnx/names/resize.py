"""Resize, and Upsample as it was called before operator set 10."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import floor
from typing import Any

import numpy as np

from allconv.functional.call import apply
from allconv.functional.resize import simple
from allconv.onnx.names import since
from allconv.onnx.names.call import NodeCall, NodeRule
from allconv.onnx.names.writer import NodeToWrite, Writer
from allconv.operators.base import Array
from allconv.operators.resize import (
    COORDINATES,
    MODES,
    MOST_CELLS,
    NEAREST,
    Resize,
    ResizedAxis,
    Rule,
    table_of,
)
from allconv.value import Value

_TF_HALF = "tf_half_pixel_for_nn"
_WEIGHTS = 4  # of a cell, about: they are made while the network is recorded
_CROP = "tf_crop_and_resize"
_POLICIES = ("stretch", "not_larger", "not_smaller")


def read_resize(call: NodeCall) -> Value:
    """An image of another size, by sizes or scales."""
    x = call.value(0)
    if call.version < since.COORDINATES:  # x, scales, mode
        return _older(call, x, _floats(call, 1, x.ndim))
    rule = _rule(call)
    given = call.integers("axes", tuple(range(x.ndim)))
    axes = call.axes(given, x.ndim)
    crops = _crops(call, axes) if rule.coordinates == _CROP else {}
    sizes = _sizes(call, x.shape, axes)
    outside = call.number("extrapolation_value")
    return _resized(call, x, sizes, rule, crops=crops, outside=outside)


def read_upsample(call: NodeCall) -> Value:
    """An image made larger: the scales are attributes or, since 9, an input."""
    x = call.value(0)
    if call.version < since.SCALES:  # of images alone
        if x.ndim != 4:
            raise call.wrong(f"its input is {x.shape}; (N, C, H, W) is expected")
        scales = [1.0, 1.0, call.number("height_scale"), call.number("width_scale")]
        return _older(call, x, _positive(call, np.array(scales), x.ndim))
    if call.version < since.SCALES_GIVEN:
        return _older(call, x, _positive(call, np.array(call.numbers("scales")), x.ndim))
    return _older(call, x, _floats(call, 1, x.ndim))


def _older(call: NodeCall, x: Value, scales: tuple[Fraction, ...]) -> Value:
    """What was meant before the format said where cells lie: i/s, as it says since."""
    mode = call.choice("mode", ("nearest", "linear", "bilinear"), "nearest")
    if mode == "bilinear":
        mode = "linear"
    if mode == "nearest" and any(s < 1 and (1 / s).denominator != 1 for s in scales):
        raise call.unsupported(
            "nearest cells of a smaller image, which runtimes read in two ways before operator "
            "set 11; export with opset_version=17, say"
        )
    pairs = zip(range(x.ndim), x.shape, scales, strict=True)
    sizes = {axis: (floor(n * s), s) for axis, n, s in pairs}
    return _resized(call, x, sizes, Rule(mode))


def _rule(call: NodeCall) -> Rule:
    """The attributes that say how cells are made."""
    mode, nearest = call.choice("mode", MODES), call.choice("nearest_mode", NEAREST)
    coordinates = call.choice("coordinate_transformation_mode", (*COORDINATES, _TF_HALF))
    cubic, excluded = call.number("cubic_coeff_a"), call.flag("exclude_outside")
    antialias = call.flag("antialias")
    if coordinates == _TF_HALF and mode == "nearest" and nearest == "floor":
        coordinates, nearest = "half_pixel", "round_prefer_ceil"  # floor((i + 1/2)/s) is the same
    if coordinates == _TF_HALF:
        raise call.unsupported(f"coordinates of {_TF_HALF} but for nearest cells by floor")
    if mode == "nearest" and (antialias or excluded):
        what = "antialias" if antialias else "exclude_outside"
        raise call.unsupported(f"{what} of nearest cells, which runtimes read in several ways")
    if mode == "nearest":
        return Rule(mode, coordinates, nearest)
    return Rule(mode, coordinates, "round_prefer_floor", cubic, excluded, antialias)


def _sizes(
    call: NodeCall, shape: Sequence[int], axes: Sequence[int]
) -> dict[int, tuple[int, Fraction]]:
    """The cells and the scale of each axis, from sizes or from scales."""
    by_scale, by_size = (_stands(call, number) for number in (2, 3))
    policy = call.choice("keep_aspect_ratio_policy", _POLICIES, "stretch")
    if by_scale == by_size:
        raise call.wrong("one of scales and sizes is expected")
    if by_scale:
        scales = _floats(call, 2, len(axes))
        rows = zip(axes, scales, strict=True)
        return {axis: (floor(shape[axis] * s), s) for axis, s in rows}
    given = call.known_integers(3)
    if len(given) != len(axes) or min(given, default=0) < 0:
        raise call.wrong(f"sizes {given} are not one for each of {len(axes)} axes")
    pairs = list(zip(axes, given, strict=True))
    if any(not shape[axis] or not to for axis, to in pairs):
        if any(to and not shape[axis] for axis, to in pairs):
            raise call.wrong(f"an image of {tuple(shape)} cannot become one of {given}")
        return {axis: (to, Fraction(1)) for axis, to in pairs}
    found = {axis: Fraction(to, shape[axis]) for axis, to in pairs}
    if policy == "stretch" or not found:
        return {axis: (to, found[axis]) for axis, to in pairs}
    scale = min(found.values()) if policy == "not_larger" else max(found.values())
    return {axis: (floor(scale * shape[axis] + Fraction(1, 2)), scale) for axis in axes}


def _stands(call: NodeCall, number: int) -> bool:
    """Whether an input is given and not empty, as exporters leave out what stands before another;
    what is computed from the data is given."""
    given = call.operand(number)
    return given is not None and not (isinstance(given, np.ndarray) and not given.size)


def _floats(call: NodeCall, number: int, count: int) -> tuple[Fraction, ...]:
    """A known input as scales."""
    return _positive(call, call.known(number), count)


def _positive(call: NodeCall, scales: Array, count: int) -> tuple[Fraction, ...]:
    """One scale above 0 for each axis."""
    if scales.ndim != 1 or scales.dtype.kind != "f" or len(scales) != count:
        raise call.wrong(f"scales are {scales.dtype.name} {scales.shape}; {count} are expected")
    if not all(np.isfinite(scales)) or not all(scales > 0):
        raise call.wrong("scales are not all above 0")
    return tuple(simple(s, np.float32) for s in scales)


def _crops(call: NodeCall, axes: Sequence[int]) -> dict[int, tuple[float, float]]:
    """The part of each axis that is taken."""
    roi = call.known(1) if call.has(1) else np.zeros(0)
    if roi.dtype.kind != "f" or roi.shape != (2 * len(axes),) or not all(np.isfinite(roi)):
        raise call.wrong(f"roi is {roi.dtype.name} {roi.shape}; {2 * len(axes)} are expected")
    firsts, lasts = roi[: len(axes)], roi[len(axes) :]
    rows = zip(axes, firsts, lasts, strict=True)
    return {axis: (float(first), float(last)) for axis, first, last in rows}


def _resized(
    call: NodeCall,
    x: Value,
    sizes: dict[int, tuple[int, Fraction]],
    rule: Rule,
    *,
    crops: dict[int, tuple[float, float]] | None = None,
    outside: float = 0.0,
) -> Value:
    """The operator, of the axes that change."""
    crops = crops or {}
    call.operand(1)  # the part that is cropped says nothing in the other modes
    whole = list(x.shape)
    for axis, (to, _) in sizes.items():
        whole[axis] = to
    call.check_shape(whole)
    lines = []
    for axis, (to, scale) in sizes.items():
        if to == x.shape[axis] and scale == 1 and crops.get(axis, (0.0, 1.0)) == (0.0, 1.0):
            continue
        if max(to, x.shape[axis]) > MOST_CELLS:
            raise call.too_large(f"an axis of {x.shape[axis]:,} cells becomes one of {to:,}")
        fraction = scale * x.shape[axis] != to
        if fraction and rule.coordinates in ("align_corners", _CROP) and to:
            raise call.unsupported(
                f"{rule.coordinates} by a scale that makes no whole number of cells, which "
                "runtimes read in two ways; give sizes"
            )
        call.check_constants((to, _WEIGHTS))
        lines.append(ResizedAxis(axis, x.shape[axis], to, scale, crops.get(axis, (0.0, 1.0))))
    y: Value = apply(Resize(tuple(lines), rule), x) if lines else x
    return _filled(call, y, lines, rule, outside) if rule.coordinates == _CROP else y


def _filled(
    call: NodeCall, y: Value, lines: Sequence[ResizedAxis], rule: Rule, outside: float
) -> Value:
    """The value of what lies outside of the image, added where nothing else is."""
    if outside == 0.0:
        return y
    inside = np.ones((1,) * y.ndim, bool)
    for line in lines:
        table = table_of(line, rule)
        shape = [-1 if axis == line.axis else 1 for axis in range(y.ndim)]
        inside = inside & (np.diff(table.starts) > 0).reshape(shape)
    call.check_constants(inside.shape)
    return y + call.lift(np.where(inside, 0.0, outside).astype(y.dtype))


def write_resize(writer: Writer, written: NodeToWrite) -> None:
    """Resize: by scales where these say it exactly, else by sizes."""
    operator: Resize = written.operator
    rule, lines = operator.rule, operator.lines
    settings: dict[str, Any] = {
        "mode": rule.mode,
        "coordinate_transformation_mode": rule.coordinates,
        "axes": [line.axis for line in lines],
    }
    if rule.mode == "nearest":
        settings["nearest_mode"] = rule.nearest
    if rule.mode == "cubic":
        settings["cubic_coeff_a"] = rule.cubic
    for name, given in (("exclude_outside", rule.exclude_outside), ("antialias", rule.antialias)):
        if given:
            settings[name] = 1
    (x,), (y,) = written.inputs, written.outputs
    crop = ""
    if rule.coordinates == _CROP:
        ends = [*(n.crop[0] for n in lines), *(n.crop[1] for n in lines)]
        crop = writer.constant(f"{y}/roi", np.array(ends, np.float32))
    scales = np.array([float(line.scale) for line in lines], np.float32)
    exact = all(Fraction(float(s)) == n.scale for s, n in zip(scales, lines, strict=True))
    if exact or any(line.scale != Fraction(line.to, line.size) for line in lines):
        if any(floor(line.scale * line.size) != line.to for line in lines):
            raise writer.unsupported(
                written, "sizes that are not those of the image times the scale; give sizes"
            )
        inputs = [x, crop, writer.constant(f"{y}/scales", scales)]
    else:
        inputs = [x, crop, "", writer.integers([line.to for line in lines])]
    writer.node(written, "Resize", inputs, **settings)


READERS = {
    "Resize": NodeRule(
        read_resize,
        settings=(1, 2, 3),
    ),
    "Upsample": NodeRule(
        read_upsample, settings=(1,)
    ),
}  # fmt: skip
WRITERS = {Resize: write_resize}
