"""A trained network as what another training begins from: its layers, classes, preparation."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np

from allconv.data.dataset import Dataset, Part
from allconv.data.preprocess import Preprocess
from allconv.data.presets import ImageScaling, Preset, find_preset
from allconv.errors import ArgumentError, Error, FileError, ShapeError, UnsupportedError
from allconv.intake.settings import short_repr
from allconv.nn.correlate import Conv2d
from allconv.nn.linear import Linear
from allconv.nn.module import Module
from allconv.nn.networks.parts import Named
from allconv.nn.rewrites.graph_module import GraphModule
from allconv.nn.rewrites.new_head import LAYOUTS, BaseAndHead, Features, check_classes, cut_head
from allconv.nn.saved import load as load_saved
from allconv.nn.tracing import network_dtype, trace_module
from allconv.onnx.load import load as load_onnx
from allconv.onnx.module import OnnxModule
from allconv.operators.base import Spec
from allconv.random import generator
from allconv.text import printable

Network: TypeAlias = Module | str | os.PathLike[str]

MODEL = "model.onnx"
UNPREPARED = "does not say how images are prepared"
FRESH = 0.01
"""The deviation of the weights of a class that the network has not seen."""
_WEIGHTS = (".safetensors", ".pth", ".pt", ".bin", ".ckpt")


@dataclass(frozen=True, eq=False)
class Base:
    """What a training begins from.

    cut: the network without its head. layout, prepared: how it takes images. channels, size: of the
    images that it takes; None where it takes any. classes: of the head that it had.
    """

    name: str
    cut: BaseAndHead
    layout: str
    prepared: ImageScaling
    channels: int
    size: tuple[int, int] | None
    classes: tuple[str, ...] | None

    def fitting(self, data: Dataset) -> Dataset:
        """The data with the preparation of this network; gray images as colour where it takes that.

        ShapeError for arrays in colour where it takes gray images; files are read as it takes them.
        """
        kind = data.preprocess
        if kind.channels != self.channels:
            if kind.channels != 1:
                raise ShapeError(
                    f"{self.name} takes images of {self.channels} channel, the images are in colour"
                )
            data = _coloured(data)
        made = replace(
            data.preprocess, channels=self.channels, mean=self.prepared.mean, std=self.prepared.std
        )
        return replace(data, preprocess=made)

    def features(self, *, depths: bool = False) -> Features:
        """The network up to what its head takes, for images (N, C, H, W) in RGB."""
        channels = self.prepared.channels
        return Features(self.cut.base, layout=self.layout, channels=channels, depths=depths)

    def network(self, data: Dataset, seed: int) -> Named:
        """The network for the classes of the data: `base` as it is, and `head`.

        Classes that it knows by name keep their weights; others begin with small ones. Where it
        knows none, the head sees what the layers below see, too (`Features.depths`).
        """
        classes = check_classes(len(data.classes))
        features, shape = self.features(), data.preprocess.shape
        width = self._width(features, shape)
        if not self.known(data.classes, width):
            features = self.features(depths=True)
            width = self._width(features, shape)
        head = Linear(width, classes)
        weight = generator(seed, "head.weight").standard_normal((classes, width)) * FRESH
        bias = np.zeros(classes)
        for here, there in self.known(data.classes, width).items():
            weight[here] = self.cut.weight[there]
            bias[here] = 0.0 if self.cut.bias is None else self.cut.bias[there]
        head.load_state_dict({"weight": weight, "bias": bias})
        return Named(base=features, head=head.astype(network_dtype(features)))

    def known(self, classes: tuple[str, ...], width: int) -> dict[int, int]:
        """The classes that the network has, by their numbers here and there."""
        if self.classes is None or self.cut.weight.shape != (len(self.classes), width):
            return {}
        there = {name: number for number, name in enumerate(self.classes)}
        return {n: there[name] for n, name in enumerate(classes) if name in there}

    def _width(self, features: Features, shape: tuple[int, ...]) -> int:
        """How many numbers the head takes, for images of a shape."""
        dtype = network_dtype(features)
        size = f"{shape[1]}x{shape[2]}"
        try:
            shapes = [
                trace_module(features, Spec((n, *shape), dtype)).results[0].shape for n in (2, 3)
            ]
        except Error as error:
            own = "" if self.size is None else f"; its own size is {self.size[0]}x{self.size[1]}"
            raise type(error)(
                f"{self.name} does not take images of {size}: {error.message}{own}"
            ) from None
        if [len(each) for each in shapes] != [2, 2] or shapes[0][0] != 2 or shapes[1][0] != 3:
            raise UnsupportedError(
                f"{self.name} gives {shapes[0]} before {printable(self.cut.name, 80)} for two "
                f"images of {size}; (2, F) is expected"
            )
        return shapes[0][1]


def open_base(network: Network, preset: Preset | None = None, layout: str | None = None) -> Base:
    """A network, a file of one or the folder of a run as what a training begins from.

    What a file says of its preparation is used; where it says nothing, `preset` does: a name or
    (mean, std). `layout` is "nchw" or "nhwc"; None: what the file declares.
    """
    if layout is not None and layout not in LAYOUTS:
        raise ArgumentError(
            f"layout is {short_repr(layout)}; one of {', '.join(LAYOUTS)} is expected"
        )
    if isinstance(network, Module):
        return _of_module(network, type(network).__name__, preset, layout)
    if not isinstance(network, str | os.PathLike) or not os.fspath(network):
        raise ArgumentError(
            f"network is {short_repr(network)}; a network, an .onnx file or the folder of a run is "
            "expected"
        )
    path = Path(network)
    if path.is_dir():
        path = path / MODEL
    name = printable(path)
    net: Module = load_saved(path) if path.suffix.lower() in _WEIGHTS else load_onnx(path)
    with _named(name):
        return _of_module(net, name, preset, layout)


@contextmanager
def _named(name: str) -> Iterator[None]:
    try:
        yield
    except Error as error:
        if name in error.message:
            raise
        raise type(error)(f"{name}: {error.message}") from None


def _of_module(net: Module, name: str, preset: Preset | None, layout: str | None) -> Base:
    if isinstance(net, OnnxModule):
        return _of_file(net, name, preset, layout)
    channels, size = _seen(net)
    prepared = _asked(name, preset, channels)
    return Base(name, cut_head(net), layout or "nchw", prepared, channels, size, None)


def _seen(net: Module) -> tuple[int, tuple[int, int] | None]:
    """The channels and the size of images that a network takes, as far as its layers say."""
    if isinstance(net, GraphModule):
        _, channels, *size = net.input_shape
        return channels, (size[0], size[1]) if len(size) == 2 else None
    for _, module in net.named_modules():
        if isinstance(module, GraphModule):
            return _seen(module)
        if isinstance(module, Conv2d):
            return module.in_channels, None
    raise UnsupportedError("the network has no Conv2d, so how many channels it takes is not known")


def _of_file(net: OnnxModule, name: str, preset: Preset | None, layout: str | None) -> Base:
    inputs = net.model.inputs
    if len(inputs) != 1:
        raise UnsupportedError(
            f"the network takes {len(inputs)} arrays; one that takes images is expected"
        )
    kind = None if net.preprocess is None else Preprocess.from_json(net.preprocess)
    if kind is not None:
        if preset is not None or layout is not None:
            raise ArgumentError(f"{name} says how images are prepared; leave preset and layout out")
        cut = cut_head(net.for_any_size())
        prepared = ImageScaling(kind.mean, kind.std)
        return Base(name, cut, "nchw", prepared, kind.channels, kind.size, net.classes)
    shape = inputs[0].shape
    if inputs[0].dtype == "uint8":
        raise UnsupportedError(f"{name} takes bytes; export it for float32 images")
    if shape is not None and len(shape) != 4:
        raise UnsupportedError(
            f"{name} takes arrays of {len(shape)} axes; images (N, C, H, W) are expected"
        )
    order = layout or channel_order(shape)
    channels, size = taken(shape, order)
    if channels is None:
        channels = 3
    if channels not in (1, 3):
        raise UnsupportedError(
            f"{name} takes {channels} channels as {order.upper()}; images have 1 or 3"
        )
    prepared = _asked(name, preset, channels)
    cut = cut_head(net.for_any_size(order))
    return Base(name, cut, order, prepared, channels, size, net.classes)


def channel_order(shape: tuple[int | None, ...] | None) -> str:
    """Where the channels of a declared shape are: behind, if only that can be."""
    if shape is None or len(shape) != 4 or shape[1] in (1, 3):
        return "nchw"
    return "nhwc" if shape[3] in (1, 3) else "nchw"


def taken(
    shape: tuple[int | None, ...] | None, layout: str
) -> tuple[int | None, tuple[int, int] | None]:
    """The channels and the size of a declared shape, as far as it says them."""
    if shape is None:
        return None, None
    channels, *size = (shape[3], *shape[1:3]) if layout == "nhwc" else shape[1:]
    height, width = size
    return channels, None if height is None or width is None else (height, width)


def _asked(name: str, preset: Preset | None, channels: int) -> ImageScaling:
    if preset is None:
        raise FileError(
            f"{name} {UNPREPARED}; give a preset (imagenet, imagenet-bgr, "
            "unit, tf, bytes), or the mean and std of each channel"
        )
    return find_preset(preset, channels)


def _coloured(data: Dataset) -> Dataset:
    """Gray images as colour."""

    def part(given: Part) -> Part:
        return replace(given, images=np.repeat(given.images, 3, 3))

    kind = data.preprocess
    made = replace(kind, channels=3, mean=kind.mean * 3, std=kind.std * 3)
    return replace(
        data,
        train=part(data.train),
        validation=part(data.validation),
        test=None if data.test is None else part(data.test),
        preprocess=made,
    )
