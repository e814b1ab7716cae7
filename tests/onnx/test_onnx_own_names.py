"""What moves cells by several operators is written as the one node that the format has for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_runs import check, run_onnxruntime

import allconv as ac
from allconv import functional as F
from allconv import nn


class Made(nn.Module):
    """A network that is a function of its input."""

    def __init__(self, function: Any) -> None:
        self.function = function

    def forward(self, x: Any) -> Any:
        """What the function makes of x."""
        return self.function(x)


def both(x: Any) -> Any:
    """A border, and what lies between its two axes, too."""
    middle = F.pad(x, (0, 0, 1, 2), "reflect")
    return F.pad(middle, (1, 1), "reflect"), middle


IMAGE, LINE, VOLUME = (2, 8, 4, 6), (2, 3, 5), (1, 2, 3, 4, 5)
NAMED = {
    "pixel shuffle": (nn.PixelShuffle(2), IMAGE, ["DepthToSpace"]),
    "reflection": (nn.ReflectionPad2d((1, 2, 3, 1)), IMAGE, ["Pad"]),
    "reflection of one side": (nn.ReflectionPad2d((0, 2, 0, 0)), IMAGE, ["Pad"]),
    "replication": (nn.ReplicationPad2d(3), IMAGE, ["Pad"]),
    "replication before": (nn.ReplicationPad1d((2, 0)), LINE, ["Pad"]),
    "replication of a volume": (nn.ReplicationPad3d((1, 2, 0, 1, 2, 2)), VOLUME, ["Pad"]),
    "wrapped": (nn.CircularPad2d((2, 1, 0, 3)), IMAGE, ["Pad"]),
    "between": (Made(both), IMAGE, ["Pad", "Pad"]),
    "two borders": (
        nn.Sequential(nn.ReflectionPad1d((0, 1)), nn.ReplicationPad1d((1, 0))),
        LINE,
        ["Pad", "Pad"],
    ),
    "twice": (
        nn.Sequential(nn.ReflectionPad1d(1), nn.ReflectionPad1d(1)), LINE, ["Pad", "Pad"]
    ),
    "no border": (
        Made(lambda x: F.concatenate([x, x[:, :, 1:2]], 2)), LINE, ["Slice", "Concat"]
    ),
    "the batch": (
        Made(lambda x: F.concatenate([x, x[1:2]], 0)), LINE, ["Slice", "Concat"]
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NAMED)
def test_one_node(name: str, tmp_path: Path) -> None:
    """The names of the nodes; ONNX Runtime gives the same, and so does what is read back."""
    net, shape, expected = NAMED[name]
    path = tmp_path / "model.onnx"
    ac.onnx.save(net, path, shape if name == "the batch" else (None, *shape[1:]))
    assert [node.op_type for node in check(path).graph.node] == expected
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    found = ac.onnx.load(path)(x)
    wanted = net(x)
    for a, b, c in zip(
        found if isinstance(found, tuple) else [found],
        run_onnxruntime(path, x),
        wanted if isinstance(wanted, tuple) else [wanted],
        strict=True,
    ):
        np.testing.assert_array_equal(a, c)
        np.testing.assert_array_equal(b, c)
