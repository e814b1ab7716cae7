"""A dense network as a file that takes images of any size from its crop up."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from allconv.files import atomic_write
from allconv.nn.rewrites.densify import DenseNetwork
from allconv.onnx.format.metadata import PREPROCESS
from allconv.onnx.write.file import to_bytes, to_proto
from onnx import ModelProto, ValueInfoProto

if TYPE_CHECKING:
    from allconv.data import Preprocess


def save_open(
    net: DenseNetwork,
    path: str | os.PathLike[str],
    *,
    classes: Sequence[str] | None = None,
    preprocess: Preprocess | None = None,
) -> None:
    """Write a dense network as one ONNX file whose batch and sizes are open.

    With `preprocess`, made for images of the crop's size, the file takes pixels, uint8
    (N, H, W, C), and its metadata keep the preprocessing; else (N, C, *I) floats. The output is
    (N, classes, *P), of each head. See `onnx.save` for what else is in the file and for errors.
    """
    # Written for an image that is larger by one step, where no window covers its whole input.
    size = tuple(crop + step for crop, step in zip(net.crop, net.step, strict=True))
    larger = None
    if preprocess is not None:
        larger = replace(preprocess, height=size[0], width=size[1])
    shape = (None, net.input_shape[1], *size)
    model = to_proto(net, shape, classes=classes, preprocess=larger)
    _open(model, first=1 if preprocess is not None else 2, axes=len(size))
    for entry in model.metadata_props:
        if entry.key == PREPROCESS and preprocess is not None:
            entry.value = preprocess.to_json()
    atomic_write(Path(path), to_bytes(model))


def _open(model: ModelProto, *, first: int, axes: int) -> None:
    """Name the sizes of images and of answers instead of fixing them."""
    names = {1: "L", 2: "HW", 3: "DHW"}[axes]
    _name(model.graph.input[0], first, names)
    for output in model.graph.output:
        _name(output, 2, [f"{name}_out" for name in names])
    del model.graph.value_info[:]


def _name(value: ValueInfoProto, first: int, names: Sequence[str]) -> None:
    for axis, name in enumerate(names, first):
        value.type.tensor_type.shape.dim[axis].dim_param = name
