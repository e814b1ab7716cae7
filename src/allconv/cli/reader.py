"""A classifier from an ONNX file, with what the file says about classes and preprocessing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from allconv.cli.failures import Misuse
from allconv.cli.model_shape import check_input, image_shape
from allconv.data import Preprocess
from allconv.data.cache import decode_files
from allconv.data.presets import Preset, find_preset
from allconv.errors import ArgumentError, FileError, UnsupportedError
from allconv.files import read_text
from allconv.nn.module import Module
from allconv.nn.rewrites.new_head import Arranged
from allconv.nn.tracing import trace_module
from allconv.onnx import OnnxModule, load
from allconv.operators.base import Array, Spec
from allconv.text import printable
from allconv.train.base import channel_order
from allconv.train.evaluate import softmax
from allconv.train.inference import Inference

IMAGENET = "--preset imagenet"
LARGEST_LABELS = 2**24  # bytes


@dataclass(frozen=True)
class Reader:
    """A network with its preprocessing.

    `takes_bytes` says that the preprocessing is a part of it, so that it takes (N, H, W, C) from 0
    to 255; `is_softmax` that it gives probabilities itself.
    """

    inference: Inference
    takes_bytes: bool
    preprocess: Preprocess
    classes: tuple[str, ...]
    is_softmax: bool

    @classmethod
    def open(
        cls,
        name: str,
        preset: Preset | None,
        size: tuple[int, int] | None,
        threads: int | None,
        *,
        layout: str | None = None,
        labels: str | None = None,
    ) -> Self:
        """Read a file; what it does not say about preprocessing is taken from the options."""
        net = load(name)
        check_input(net, name)
        if layout is not None and net.preprocess is not None:
            raise Misuse(f"{name} says how images are prepared; leave --layout out")
        takes_bytes = net.model.inputs[0].dtype == "uint8"
        order = layout or channel_order(net.model.inputs[0].shape)
        preprocess, channels = preparation(net, name, preset, size, order)
        given: Module = net
        if (order, channels) != ("nchw", "rgb") and not takes_bytes:
            given = Arranged(net, order, channels)
        inference = Inference(given, threads=threads)
        size = preprocess.size
        shape = (1, *size, preprocess.channels) if takes_bytes else (1, *preprocess.shape)
        result = trace_module(given, Spec(shape, inference.dtype)).graph.outputs[0]
        if result.ndim > 2 and net.classes and result.shape[1] == len(net.classes):
            raise UnsupportedError(
                f"{name} gives a map, {result.shape} for one image, as densified files do; "
                f"allconv.onnx.load({name!r}) runs it in Python"
            )
        if result.ndim != 2:
            raise UnsupportedError(
                f"{name} gives {result.shape} for one image; a classifier gives (1, classes)"
            )
        classes = net.classes or tuple(map(str, range(result.shape[1])))
        if labels is not None:
            classes = read_labels(labels)
        if len(classes) != result.shape[1]:
            raise FileError(
                f"{labels or name} names {len(classes)} classes and {name} gives {result.shape[1]} "
                "numbers; they must be as many"
            )
        return cls(inference, takes_bytes, preprocess, classes, net.model.nodes[-1].op == "Softmax")

    def probabilities(
        self, files: Sequence[Path], pixel_limit: int
    ) -> tuple[Array, dict[int, str]]:
        """Probabilities float64 (N, classes) of the files that can be read; why of the others."""
        kind = self.preprocess
        decoded = decode_files(files, kind.size, kind.channels, pixel_limit=pixel_limit)
        if not decoded.kept:
            return np.empty((0, len(self.classes))), decoded.failed
        x = decoded.images if self.takes_bytes else kind.apply(decoded.images)
        y = self.inference(x.astype(self.inference.dtype, copy=False)).astype(np.float64)
        return y if self.is_softmax else softmax(y), decoded.failed


def preparation(
    net: OnnxModule, name: str, preset: Preset | None, size: tuple[int, int] | None, layout: str
) -> tuple[Preprocess, str]:
    """How a file wants images prepared, and the order of their channels; what it does not say is
    taken from the options."""
    if net.preprocess is not None:
        if preset or size:
            raise Misuse(
                f"{name} says how images are prepared; leave --preset, --mean, --std and --size out"
            )
        return Preprocess.from_json(net.preprocess), "rgb"
    if preset is None:
        raise Misuse(
            f"{name} does not say how images are prepared; give --preset, or --mean and --std "
            f"({IMAGENET} for networks trained on ImageNet)"
        )
    if net.model.inputs[0].dtype == "uint8":
        raise UnsupportedError(f"{name} takes bytes; export it for float32 images")
    asked = None if isinstance(preset, str) else len(preset[0])
    channels, height, width = _image(net, name, size, layout, asked)
    if channels not in (1, 3):
        raise UnsupportedError(
            f"{name} takes {channels} channels as {layout.upper()}; images have 1 or 3"
        )
    try:
        found = find_preset(preset, channels)
    except ArgumentError as error:
        raise Misuse(f"{name}: {error.message}") from None
    return Preprocess(height, width, channels, found.mean, found.std), found.channels


def _image(
    net: OnnxModule, name: str, size: tuple[int, int] | None, layout: str, channels: int | None
) -> tuple[int, ...]:
    """(channels, height, width) of what a file takes."""
    shape = net.model.inputs[0].shape
    if layout == "nchw" or shape is None or len(shape) != 4:
        taken = image_shape(net, name, size, channels or 3)
        if len(taken) != 4:
            raise UnsupportedError(f"{name} takes {taken}; images (N, C, H, W) are expected")
        return taken[1:]
    height, width = (n or m for n, m in zip(shape[1:3], size or (None, None), strict=True))
    if height is None or width is None:
        raise Misuse(f"{name} takes images of any size; give --size")
    if size is not None and size != (height, width):
        raise Misuse(f"{name} takes images of {height}x{width} and no other; leave --size out")
    return shape[3] or channels or 3, height, width


def read_labels(path: str) -> tuple[str, ...]:
    """The names of classes in a file: a line each, or a JSON list of them."""
    text = read_text(path, LARGEST_LABELS, "a file with the name of a class on each line")
    names: Any = text.splitlines()
    if text.lstrip().startswith("["):
        try:
            names = json.loads(text)
        except (ValueError, RecursionError):
            names = None
    names = names if isinstance(names, list) else []
    while names and names[-1] == "":
        names.pop()
    if not names or not all(isinstance(name, str) for name in names):
        raise FileError(f"{printable(path)} holds no names of classes; a line each is expected")
    return tuple(names)
