"""GridSample: images read at places between their cells."""

from __future__ import annotations

from allconv.functional.call import apply
from allconv.onnx.call import Call, Name
from allconv.onnx.writer import Writer, Written
from allconv.operators.grid import GridSample
from allconv.value import Value

_MODES = {"bilinear": "linear", "bicubic": "cubic"}  # as they were named before set 20


def read_grid_sample(call: Call) -> Value:
    """x at the places of a grid."""
    x, grid = call.value(0), call.value(1)
    mode = call.text("mode")
    operator = GridSample(
        _MODES.get(mode, mode), call.text("padding_mode"), call.flag("align_corners")
    )
    y: Value = apply(operator, x, grid)
    return y


def write_grid_sample(writer: Writer, written: Written) -> None:
    """GridSample, which the format has for two axes and more."""
    operator: GridSample = written.operator
    if len(written.shapes[0]) < 4:  # (N, C, H, W)
        raise writer.unsupported(written, "of images of one axis; give them a second one of size 1")
    settings = {"mode": operator.mode, "padding_mode": operator.padding}
    corners = int(operator.align_corners)
    writer.node(written, "GridSample", written.inputs, align_corners=corners, **settings)


READERS = {"GridSample": Name(read_grid_sample, ("align_corners", "mode", "padding_mode"))}
WRITERS = {GridSample: write_grid_sample}
