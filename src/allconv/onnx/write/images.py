"""The pixels of images to the numbers of a network, as the first nodes of a file."""

from __future__ import annotations

from typing import Any

import numpy as np

from allconv.errors import ShapeError
from allconv.onnx.format.tensors import CODES
from allconv.onnx.names.writer import Writer
from allconv.onnx.write.network import ExportedNetwork


def write_preprocess(writer: Writer, preprocess: Any, network: ExportedNetwork, image: str) -> str:
    """(image / 255 - mean) / std in float32, step by step as `data.Preprocess.apply` has it.

    Shapes: image uint8 (N, H, W, C) -> float32 (N, C, H, W). Returns the name of the result.
    """
    value = network.graph.inputs[0]
    expected = preprocess.shape
    if value.shape[1:] != expected or value.dtype != "float32":
        raise ShapeError(
            f"the network takes {value.dtype} {value.shape[1:]}, the preprocessing gives float32 "
            f"{expected}; they must agree"
        )
    steps = (
        ("Div", np.float32(255)),
        ("Sub", np.array(preprocess.mean, np.float32)),
        ("Div", np.array(preprocess.std, np.float32)),
    )
    x = writer.step("preprocess/Cast", "Cast", image, to=CODES["float32"])
    for op, number in steps:
        other = writer.constant(f"preprocess/{op}/by", np.asarray(number))
        x = writer.step(f"preprocess/{op}", op, x, other)
    return writer.step("preprocess/Transpose", "Transpose", x, perm=[0, 3, 1, 2])
