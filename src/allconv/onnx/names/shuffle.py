"""DepthToSpace and SpaceToDepth: each is a Reshape, a Transpose and a Reshape here."""

from __future__ import annotations

from allconv.functional.shuffle import depth_to_space, space_to_depth
from allconv.onnx.call import Call, Name
from allconv.value import Value

_IMAGE = 4  # axes


def read_depth_to_space(call: Call) -> Value:
    """Channels as the pixels of a larger image."""
    x, by = _image(call)
    mode = call.text("mode", "DCR")
    if mode not in ("DCR", "CRD"):
        raise call.wrong(f"mode {mode} is none")
    if x.shape[1] % (by * by):
        raise call.wrong(f"{x.shape[1]} channels are no multiple of {by}**2")
    y: Value = depth_to_space(x, by=by, channels_first=mode == "CRD")
    return y


def read_space_to_depth(call: Call) -> Value:
    """The pixels of blocks as channels."""
    x, by = _image(call)
    mode = call.text("mode", "DCR")
    if mode not in ("DCR", "CRD"):
        raise call.wrong(f"mode {mode} is none")
    if x.shape[2] % by or x.shape[3] % by:
        raise call.wrong(f"an image of {x.shape[2:]} is not made of blocks of {by}")
    y: Value = space_to_depth(x, by=by, channels_first=mode == "CRD")
    return y


def _image(call: Call) -> tuple[Value, int]:
    x, by = call.value(0), call.integer("blocksize")
    if x.ndim != _IMAGE:
        raise call.wrong(f"x is {x.shape}, no (N, C, H, W)")
    if by < 1:
        raise call.wrong(f"blocks of {by}")
    return x, by


READERS = {
    "DepthToSpace": Name(read_depth_to_space, ("blocksize", "mode")),
    "SpaceToDepth": Name(read_space_to_depth, ("blocksize", "mode")),
}
