"""Receptive fields of drawn networks against perturbation: every row and column is changed."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import allconv as ac
from allconv import functional as F
from allconv import nn
from allconv.analysis.fields import Reach
from allconv.data.preprocess import Preprocess
from allconv.operators.base import Spec

SIZES = (16, 13)
POSITIVE = 0.5


def changed(net: nn.Module, along: int) -> np.ndarray:
    """(cells of the result, cells of the input) along one axis: whether one changes the other.

    One image for each cell of the input, changed there; weights and pixels are positive, so that
    nothing cancels, and the change is large, so that it wins every maximum.
    """
    count = SIZES[along]
    traced = net.traced(Spec((count + 1, 1, *SIZES), "float64"))
    state = {name: np.full(a.shape, POSITIVE, np.float32) for name, a in net.state_dict().items()}
    rng = np.random.default_rng(0)
    x = np.repeat(rng.uniform(1, 2, (1, 1, *SIZES)), count + 1, 0)
    for n in range(count):
        x[(n, 0, *[n if axis == along else slice(None) for axis in range(2)])] += 1000.0
    (y,) = traced.graph.run(x, *(state[name] for name in traced.parameters))
    moved = (y[:-1] != y[-1]).any(1)
    return moved.any(2 - along).T


class Draw(nn.Module):
    """Layers one after the other; some beside each other, some passed by."""

    def __init__(self, data: st.DataObject, *, transposed: bool) -> None:
        self.plan: list[tuple[str, tuple[str, ...]]] = []
        kinds = ["conv", "dilated", "pool", "skip", "branch", *["transposed"] * transposed]
        for n in range(data.draw(st.integers(1, 4))):
            kind = data.draw(st.sampled_from(kinds))
            names = []
            for m, layer in enumerate(self.layers(data, kind)):
                setattr(self, f"layer{n}_{m}", layer)
                names.append(f"layer{n}_{m}")
            self.plan.append((kind, tuple(names)))

    def layers(self, data: st.DataObject, kind: str) -> list[nn.Module]:
        """The modules of one step, from one channel to one."""
        kernel = data.draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
        stride = data.draw(st.sampled_from([1, 1, 2]))
        if kind == "conv":
            return [nn.Conv2d(1, 1, kernel, stride, data.draw(st.integers(0, 1)))]
        if kind == "dilated":
            return [nn.Conv2d(1, 1, 2, padding=1, dilation=data.draw(st.integers(2, 3)))]
        if kind == "pool":
            pool = data.draw(st.sampled_from([nn.MaxPool2d, nn.AvgPool2d]))
            return [pool(2, stride, ceil_mode=data.draw(st.booleans()))]
        if kind == "transposed":
            return [nn.ConvTranspose2d(1, 1, kernel, stride, output_padding=stride - 1)]
        if kind == "skip":
            return [nn.Conv2d(1, 1, kernel, padding="same")]
        other = data.draw(st.integers(1, 3))
        return [nn.Conv2d(1, 1, k, stride, padding="same") for k in (kernel, other)]

    def forward(self, x: Any) -> Any:
        """The steps of the plan."""
        for kind, names in self.plan:
            y = [F.relu(getattr(self, name)(x)) for name in names]
            if kind == "skip":
                x = y[0] + x
            elif kind == "branch":
                x = F.conv2d(np.concatenate(y, 1), np.ones((1, 2, 1, 1), np.float32))
            else:
                x = y[0]
        return x


def fits(net: nn.Module) -> bool:
    """Whether the image is large enough for all of it."""
    try:
        net.traced(Spec((1, 1, *SIZES), "float64"))
    except ac.errors.ShapeError:
        return False
    return True


def inside(reach: Reach, i: int) -> bool:
    """Whether cell i sees nothing of the padding."""
    low, high = reach.stride * i + reach.low, reach.stride * i + reach.high
    return low >= 0 and high <= reach.input - 1


@pytest.mark.parametrize("along", [0, 1])
@given(data=st.data())
def test_drawn_networks(along: int, data: st.DataObject) -> None:
    """Each cell away from the padding sees exactly its field; no cell sees more than its field."""
    net = Draw(data, transposed=False)
    if not fits(net):
        return
    ((*field,),) = ac.receptive_field(net, (1, 1, *SIZES))
    reach = field[along]
    assert reach.along == 2 + along
    for i, row in enumerate(changed(net, along)):
        seen = np.flatnonzero(row)
        assert set(seen.tolist()) <= set(reach.cells(i))
        if inside(reach, i):
            assert (seen[0], seen[-1]) == (reach.cells(i)[0], reach.cells(i)[-1])
            assert seen[-1] - seen[0] + 1 == reach.size
            assert seen[0] == reach.offset + reach.stride * i


@pytest.mark.parametrize("along", [0, 1])
@given(data=st.data())
def test_drawn_networks_that_enlarge(along: int, data: st.DataObject) -> None:
    """With transposed layers, too, nothing outside of the field is seen."""
    net = Draw(data, transposed=True)
    if not fits(net):
        return
    ((*field,),) = ac.receptive_field(net, (1, 1, *SIZES))
    for i, row in enumerate(changed(net, along)):
        assert set(np.flatnonzero(row).tolist()) <= set(field[along].cells(i))


@pytest.mark.parametrize(("kernel", "stride"), [(2, 2), (3, 2), (4, 2), (3, 3), (5, 3), (3, 1)])
def test_one_transposed_layer_is_tight(kernel: int, stride: int) -> None:
    """Per side: the field's ends are those of what its cells see."""
    net = nn.ConvTranspose2d(1, 1, kernel, stride, padding=1)
    ((reach, _),) = ac.receptive_field(net, (1, 1, *SIZES))
    rows = changed(net, 0)
    for i, row in enumerate(rows):
        seen = np.flatnonzero(row).tolist()
        assert seen == list(reach.cells(i))
    assert max(map(sum, rows.tolist())) == reach.size
    assert reach.stride == Fraction(1, stride)


def test_channels_last_files(tmp_path: Path) -> None:
    """A file that takes pixels, uint8 (N, H, W, C), has the field of the network inside."""
    net = nn.Sequential(
        nn.Conv2d(3, 4, (5, 3), (2, 1)), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 2, 3)
    )
    kind = Preprocess(24, 20, 3, (0.5,) * 3, (0.25,) * 3)
    ac.onnx.save(net, tmp_path / "model.onnx", (None, 3, 24, 20), preprocess=kind)
    loaded = ac.onnx.load(tmp_path / "model.onnx")
    (wanted,) = ac.receptive_field(net, (1, 3, 24, 20))
    (found,) = ac.receptive_field(loaded, (1, 24, 20, 3))
    assert [reach.input for reach in found] == [24, 20]
    assert found == wanted


def test_networks_that_turn_the_image() -> None:
    """The axes are those over which the windows slide, by whatever way they come there."""
    net = nn.Conv1d(5, 1, 3)
    (field,) = ac.receptive_field(lambda x: net((x / 2.0).transpose(0, 2, 1)), (1, 9, 5))
    assert [(reach.input, reach.size) for reach in field] == [(9, 3)]
    (plain,) = ac.receptive_field(lambda x: x * 2.0, (1, 9, 5))
    assert [(reach.input, reach.size) for reach in plain] == [(5, 1)]


def test_printing() -> None:
    """A line an axis, with the ends; of a classifier's answer, all that it sees."""
    net = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.MaxPool2d(2))
    assert str(ac.receptive_field(net, (1, 1, 8, 6))).splitlines() == [
        "height  4 cells, stride 2, cell 0 sees -1 to 2",
        "width   4 cells, stride 2, cell 0 sees -1 to 2",
    ]
    whole = nn.Sequential(net, nn.Flatten(), nn.Linear(24, 2))
    assert str(ac.receptive_field(whole, (1, 1, 8, 6))).splitlines() == [
        "height  cells 0 to 7 of 8, from everywhere",
        "width   cells 0 to 5 of 6, from everywhere",
    ]
