"""The shape of what a network from a file takes, from the file and from what the user says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allconv.cli.failures import Misuse
from allconv.errors import UnsupportedError

if TYPE_CHECKING:
    from allconv.onnx import OnnxModule


def image_shape(
    net: OnnxModule, name: str, size: tuple[int, int] | None, channels: int | None = None
) -> tuple[int, ...]:
    """The shape of the input, for a batch of 1; what the file leaves open is asked for."""
    from allconv.data import Preprocess

    inputs = net.model.inputs
    shape = inputs[0].shape
    if len(inputs) != 1:
        raise UnsupportedError(
            f"{name} takes {len(inputs)} arrays; networks that take one are done"
        )
    if shape is not None and None not in shape[1:]:
        if size is not None and size not in (shape[1:3], shape[2:]):
            raise Misuse(f"{name} takes {_shown(shape)} and no other; leave --size out")
        return (1, *(n or 1 for n in shape[1:]))
    if shape is not None and len(shape) != 4:
        raise UnsupportedError(f"{name} takes {_shown(shape)}; images (N, C, H, W) are wanted")
    found: list[int | None] = [None, None, None] if shape is None else list(shape[1:])
    if net.preprocess is not None:
        told = Preprocess.from_json(net.preprocess)
        known = (told.channels, told.height, told.width)
        found = [n if n is not None else k for n, k in zip(found, known, strict=True)]
    asked = (channels, *(size or (None, None)))
    whole = [a if a is not None else n for a, n in zip(asked, found, strict=True)]
    if whole[0] is None:
        raise Misuse(f"{name} leaves open how many channels it takes; give --channels")
    if whole[1] is None or whole[2] is None:
        raise Misuse(f"{name} takes images of any size; give --size")
    return (1, whole[0], whole[1], whole[2])


def _shown(shape: tuple[int | None, ...]) -> str:
    return "(" + ", ".join("any" if n is None else str(n) for n in shape) + ")"
