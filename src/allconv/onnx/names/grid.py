"""Images read at places between their cells, and those places: GridSample, AffineGrid."""

from __future__ import annotations

from typing import Any

from allconv import functional
from allconv.functional.call import apply
from allconv.onnx.names.call import NodeCall, NodeRule
from allconv.onnx.names.writer import NodeToWrite, Writer
from allconv.operators.grid import MODES, PADDINGS, GridSample

_MODES = {
    **{mode: mode for mode in MODES},
    "bilinear": "linear",  # as they were named before set 20
    "bicubic": "cubic",
}


def read_grid_sample(call: NodeCall) -> Any:
    """x at the places of a grid."""
    x, grid = call.value(0), call.value(1)
    mode, padding = call.choice("mode", _MODES), call.choice("padding_mode", PADDINGS)
    return apply(GridSample(_MODES[mode], padding, call.flag("align_corners")), x, grid)


def read_affine_grid(call: NodeCall) -> Any:
    """The places that linear maps make of the centres of all cells, of two axes or three."""
    theta, size = call.value(0), call.known_integers(1)
    corners, axes = call.flag("align_corners"), len(size) - 2
    if axes not in (2, 3) or theta.shape != (size[0], axes, axes + 1) or min(size) < 1:
        raise call.wrong(f"theta is {theta.shape} for images of size {size}")
    if corners and 1 in size[2:]:
        raise call.unsupported(
            f"images of size {size} with align_corners: the format and the runtimes disagree "
            "where the one cell of an axis lies"
        )
    for n in size[2:]:
        call.check_constants((n,))
    call.check_shape((size[0], *size[2:], axes))
    return functional.affine_grid(theta, size, corners)


def write_grid_sample(writer: Writer, written: NodeToWrite) -> None:
    """GridSample, which the format has for two axes and more."""
    operator: GridSample = written.operator
    if len(written.shapes[0]) < 4:  # (N, C, H, W)
        raise writer.unsupported(written, "of images of one axis; give them a second one of size 1")
    settings = {"mode": operator.mode, "padding_mode": operator.padding}
    corners = int(operator.align_corners)
    writer.node(written, "GridSample", written.inputs, align_corners=corners, **settings)


READERS = {
    "AffineGrid": NodeRule(read_affine_grid, settings=(1,)),
    "GridSample": NodeRule(read_grid_sample),
}
WRITERS = {GridSample: write_grid_sample}
