"""Every layer of nn with typical settings: written and run by ONNX Runtime, or refused in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_runs import check, run_defined, run_onnxruntime

import onnx
from allconv import functional as F
from allconv import nn
from allconv.errors import UnsupportedError
from allconv.nn.module import Module
from allconv.nn.tracing import trace_module
from allconv.onnx import load, save
from allconv.onnx.names import WRITERS
from allconv.onnx.names.unwritten import UNWRITTEN
from allconv.operators.base import Operator, Spec

SIZES = {1: (9,), 2: (8, 9), 3: (5, 6, 7)}
Settings = tuple[tuple[Any, ...], dict[str, Any]]


def given(*args: Any, **keywords: Any) -> Settings:
    """Arguments of a layer; SIZES stands for the sizes of the image."""
    return args, keywords


# Layers of 1, 2 and 3 axes, on 2 channels
SPATIAL: dict[str, list[Settings]] = {
    "AdaptiveAvgPool": [given(1), given(3), given(5)],
    "AdaptiveMaxPool": [given(1), given(3), given(5)],
    "AvgPool": [
        given(2),
        given(3, 2, 1, ceil_mode=True),
        given(3, 1, 1, count_include_pad=False),
        given(2, divisor_override=3),
    ],
    "BatchNorm": [given(2), given(2, eps=0.1)],
    "CircularPad": [given(1)],
    "ConstantPad": [given(1, 2.5), given(-1, 0.0)],
    "Conv": [
        given(2, 4, 3),
        given(2, 4, 3, 2, "same", groups=2, bias=False),
        given(2, 4, 2, dilation=2, flip=True),
        given(2, 3, 3, padding=1, padding_mode="reflect"),
        given(2, 3, 3, padding=1, padding_mode="replicate"),
        given(2, 3, 3, padding=1, padding_mode="circular"),
    ],
    "ConvTranspose": [
        given(2, 4, 3, 2, 1, 1),
        given(2, 4, 2, 2, output_padding=2, dilation=3),
        given(2, 4, 2, 2, output_padding=2, dilation=3, bias=False, groups=2),
        given(2, 3, 3, padding=-1),
        given(2, 3, 3, stride=3, padding=-2, output_padding=1, bias=False),
    ],
    "GlobalAvgPool": [given()],
    "GlobalMaxPool": [given()],
    "InstanceNorm": [
        given(2),
        given(2, 0.25, affine=True),
        given(2, track_running_stats=True),
    ],
    "LPPool": [given(2, 2), given(3, 2, 1), given(1, 2), given(1.5, 2), given(np.inf, 2)],
    "LocallyConnected": [given(2, 3, 2, SIZES), given(2, 4, 3, SIZES, padding=1, groups=2)],
    "LocallyConnectedTranspose": [given(2, 3, 2, SIZES)],
    "MaxPool": [given(2), given(3, 2, 1, ceil_mode=True), given(2, 1, dilation=2)],
    "ReflectionPad": [given(2)],
    "ReplicationPad": [given(2)],
    "ZeroPad": [given(1)],
}
# Other layers: the shape of an input, and arguments
OTHERS: dict[str, list[tuple[tuple[int, ...], Settings]]] = {
    "ChannelShuffle": [((6, 5), given(3)), ((8, 3, 4), given(2))],
    "CELU": [((4,), given()), ((4,), given(0.3))],
    "Dropout": [((4,), given(0.5))],
    "ELU": [((4,), given()), ((4,), given(0.3))],
    "Flatten": [((2, 3), given())],
    "Fold": [((8, 12), given((4, 5), 2)), ((18, 9), given((5, 5), 3, 1, 1, 2))],
    "GLU": [((4,), given()), ((4, 3), given(1))],
    "GELU": [((4,), given()), ((4,), given("tanh"))],
    "Hardswish": [((4,), given())],
    "Hardtanh": [((4,), given()), ((4,), given(-0.5, 0.25))],
    "Hardshrink": [((4,), given())],
    "Hardsigmoid": [((4,), given())],
    "Identity": [((4,), given())],
    "GroupNorm": [
        ((4, 3), given(2, 4)),
        ((4,), given(2, 4, affine=False)),
        ((3, 2), given(1, 3, 0.25)),
    ],
    "LayerNorm": [
        ((4, 3), given(3)),
        ((4, 3), given((4, 3), 0.25, bias=False)),
        ((3,), given(3, elementwise_affine=False)),
    ],
    "RMSNorm": [((4, 3), given(3)), ((4, 3), given((4, 3), 0.25, elementwise_affine=False))],
    "LeakyReLU": [((4,), given()), ((4,), given(0.3))],
    "Linear": [((4,), given(4, 3)), ((4,), given(4, 3, bias=False))],
    "LocalResponseNorm": [((6, 3, 2), given(3)), ((5, 4), given(4, 0.5, 0.6, 2.0))],
    "PixelShuffle": [((8, 3, 5), given(2)), ((9, 2, 3), given(3))],
    "PixelUnshuffle": [((2, 4, 6), given(2)), ((1, 3, 6), given(3))],
    "LogSigmoid": [((4,), given())],
    "LogSoftmax": [((3, 4), given(1))],
    "Mish": [((4,), given())],
    "PReLU": [((4,), given()), ((4, 3), given(4, 0.1))],
    "RReLU": [((4,), given())],
    "ReLU": [((4,), given())],
    "ReLU6": [((4,), given())],
    "SELU": [((4,), given())],
    "SiLU": [((4,), given())],
    "Sigmoid": [((4,), given())],
    "Softmax": [((3, 4), given(1))],
    "Softmin": [((3, 4), given(1))],
    "Softplus": [((4,), given()), ((4,), given(2.0)), ((4,), given(0.5, 1.0))],
    "Softshrink": [((4,), given(0.25))],
    "Softsign": [((4,), given())],
    "Tanhshrink": [((4,), given())],
    "Threshold": [((4,), given(0.25, -1.0))],
    "Tanh": [((4,), given())],
    "Upsample": [
        ((2, 5, 6), given(scale_factor=2)),
        ((2, 5), given(7)),
        ((2, 5, 6), given((3, 8), mode="nearest-exact")),
        ((2, 5), given(scale_factor=2.0, mode="linear", align_corners=True)),
        ((2, 5, 6), given(scale_factor=(2, 3), mode="bilinear")),
        ((2, 5, 6), given((10, 11), mode="bilinear", align_corners=True)),
        ((2, 5, 6), given(scale_factor=2, mode="bicubic")),
        ((2, 5, 6), given((3, 4), mode="area")),
        ((2, 3, 4, 5), given(2, mode="trilinear")),
        ((2, 9, 8), given((4, 5), mode="bilinear", antialias=True)),
        ((2, 9, 8), given((4, 5), mode="bicubic", antialias=True)),
    ],
    "Unfold": [((2, 5, 6), given(2)), ((2, 9, 8), given(3, 2, 2, 2))],
}
NO_LAYERS = {"Buffer", "Module", "Parameter", "Sequential", "networks"}
TWO_INPUTS = {"MaxUnpool"}
REFUSED = {"LocallyConnectedTranspose": "a transposed locally connected layer is not in ONNX"}
SEVERAL = {
    "AdaptiveAvgPool", "AdaptiveMaxPool", "Conv", "ConvTranspose", "Fold", "GroupNorm",
    "Hardshrink", "InstanceNorm", "LPPool", "LogSigmoid", "RMSNorm", "Softplus", "Threshold",
    "Unfold", "Upsample",
}  # fmt: skip
"""Layers that are, with some settings, several operators of the format, and read back as these."""
ROUNDED = {"LogSigmoid", "RMSNorm", "Softplus"}
"""Those of them that round otherwise."""

Row = tuple[str, Settings, tuple[int, ...]]


def rows() -> Iterator[Row]:
    """Name, arguments and shape of an input of every layer."""
    for family, several in SPATIAL.items():
        for axes, sizes in SIZES.items():
            for args, keywords in several:
                filled = tuple(sizes if each is SIZES else each for each in args)
                yield f"{family}{axes}d", (filled, keywords), (2, *sizes)
    for name, others in OTHERS.items():
        yield from ((name, settings, shape) for shape, settings in others)


def family(name: str) -> str:
    """A name without the number of axes."""
    return re.sub(r"[123]d$", "", name)


ROWS = list(rows())


def test_every_layer_has_a_row() -> None:
    """The table holds all layers of nn."""
    names = {family(name) for name in nn.__all__} - NO_LAYERS
    assert names == SPATIAL.keys() | OTHERS.keys() | TWO_INPUTS


@pytest.mark.parametrize("row", ROWS, ids=[f"{n}-{name}" for n, (name, *_) in enumerate(ROWS)])
def test_layers(row: Row, tmp_path: Path) -> None:
    """A layer gives in ONNX Runtime, read back, and written once more, what it gives here.

    Weights keep their bits. But for layers of several operators the graph is the very same.
    """
    name, (args, keywords), shape = row
    net = nn.Sequential(nn.Identity(), getattr(nn, name)(*args, **keywords))
    path, again = tmp_path / "model.onnx", tmp_path / "again.onnx"
    if family(name) in REFUSED:
        with pytest.raises(UnsupportedError, match=REFUSED[family(name)]) as raised:
            save(net, path, (None, *shape))
        assert str(raised.value).startswith(f"1 ({name}): ")
        return
    x, spec = np.random.default_rng(0).standard_normal((3, *shape)), Spec((3, *shape))
    x = x.astype(np.float32)
    (expected,) = run_defined(net, x)
    bound = 1e-5 * max(1.0, float(np.abs(expected[np.isfinite(expected)]).max(initial=0)))
    for batch in (None, 3):
        save(net, path, (batch, *shape))
        made = check(path)
        np.testing.assert_allclose(run_onnxruntime(path, x)[0], expected, rtol=0, atol=bound)
        back = load(path)
        assert held(back) == held(net)
        (given,) = run_defined(back, x)
        np.testing.assert_allclose(given, expected, rtol=0, atol=bound)
        if family(name) not in ROUNDED:
            assert given.tobytes() == expected.tobytes()
        if family(name) not in SEVERAL:
            assert trace_module(back, spec).graph.key() == trace_module(net, spec).graph.key()
        save(back, again)
        assert list(onnx.load(again).graph.node) == list(made.graph.node)


def held(net: Module) -> dict[str, bytes]:
    """The bits of all parameters and buffers but for the counts of steps, which no file has."""
    state = net.state_dict()
    return {name: a.tobytes() for name, a in state.items() if "num_batches" not in name}


def operators(of: type = Operator) -> Iterator[type]:
    """All operators, however far down."""
    for each in of.__subclasses__():
        yield each
        yield from operators(each)


def test_every_operator_is_written_or_refused_in_words() -> None:
    """An operator has a writer or a sentence, and no sentence names an operator of ours."""
    found = {
        each
        for each in operators()
        if not each.__abstractmethods__ and each.__module__.startswith("allconv.")
    }
    assert found == WRITERS.keys() | UNWRITTEN.keys()
    assert not WRITERS.keys() & UNWRITTEN.keys()
    for sentence in UNWRITTEN.values():
        assert not {each.__name__ for each in found} & set(re.findall(r"\w+", sentence))


@pytest.mark.parametrize("net", [nn.MaxUnpool2d(2), lambda a, b: a + b])
def test_networks_of_two_arrays(net: Any, tmp_path: Path) -> None:
    """What takes another number of arrays than are given is refused."""
    with pytest.raises(ValueError, match="does not take one array"):
        save(net, tmp_path / "model.onnx", (None, 1, 4, 4))


def test_places_of_maxima(tmp_path: Path) -> None:
    """Unpooling is refused by what a user wrote, with what to write instead."""

    def unpooled(x: Any) -> Any:
        return F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2)

    with pytest.raises(UnsupportedError, match=r"MaxUnpool2d.* use ConvTranspose2d to enlarge"):
        save(unpooled, tmp_path / "model.onnx", (None, 1, 4, 4))
