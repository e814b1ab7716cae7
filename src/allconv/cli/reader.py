"""A classifier from an ONNX file, with what the file says about classes and preprocessing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from allconv.cli.failures import Misuse
from allconv.cli.model_shape import image_shape
from allconv.data import Preprocess
from allconv.data.cache import decode_files
from allconv.errors import FileError, UnsupportedError
from allconv.nn.tracing import trace_module
from allconv.onnx import OnnxModule, load
from allconv.operators.base import Array, Spec
from allconv.train.evaluate import softmax
from allconv.train.inference import Inference

IMAGENET = "--mean 0.485,0.456,0.406 --std 0.229,0.224,0.225"


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
        mean: tuple[float, ...] | None,
        std: tuple[float, ...] | None,
        size: tuple[int, int] | None,
        threads: int | None,
    ) -> Self:
        """Read a file; what it does not say about preprocessing is taken from the options."""
        net = load(name)
        inference = Inference(net, threads=threads)
        takes_bytes = net.model.inputs[0].dtype == "uint8"
        preprocess = preparation(net, name, mean, std, size)
        pixels = (preprocess.height, preprocess.width)
        shape = (
            (1, *pixels, preprocess.channels) if takes_bytes else (1, preprocess.channels, *pixels)
        )
        result = trace_module(net, Spec(shape, inference.dtype)).graph.outputs[0]
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
        if len(classes) != result.shape[1]:
            raise FileError(
                f"{name} names {len(classes)} classes and gives {result.shape[1]} numbers; "
                "save the network again"
            )
        return cls(inference, takes_bytes, preprocess, classes, net.model.nodes[-1].op == "Softmax")

    def probabilities(
        self, files: Sequence[Path], pixel_limit: int
    ) -> tuple[Array, dict[int, str]]:
        """Probabilities float64 (N, classes) of the files that can be read; why of the others."""
        kind = self.preprocess
        size = (kind.height, kind.width)
        decoded = decode_files(files, size, kind.channels, pixel_limit=pixel_limit)
        if not decoded.kept:
            return np.empty((0, len(self.classes))), decoded.failed
        x = decoded.images if self.takes_bytes else kind.apply(decoded.images)
        y = self.inference(x.astype(self.inference.dtype, copy=False)).astype(np.float64)
        return y if self.is_softmax else softmax(y), decoded.failed


def preparation(
    net: OnnxModule,
    name: str,
    mean: tuple[float, ...] | None,
    std: tuple[float, ...] | None,
    size: tuple[int, int] | None,
) -> Preprocess:
    """How a file wants images prepared; what it does not say is taken from the options."""
    if net.preprocess is not None:
        if mean or std or size:
            raise Misuse(f"{name} says how images are prepared; leave --mean, --std and --size out")
        return Preprocess.from_json(net.preprocess)
    if mean is None or std is None:
        raise Misuse(
            f"{name} does not say how images are prepared; give --mean and --std "
            f"({IMAGENET} for networks trained on ImageNet)"
        )
    if net.model.inputs[0].dtype == "uint8":
        raise UnsupportedError(f"{name} takes bytes; export it for float32 images")
    shape = image_shape(net, name, size, len(mean))
    if len(shape) != 4:
        raise UnsupportedError(f"{name} takes {shape}; images (N, C, H, W) are expected")
    _, channels, height, width = shape
    if len(mean) != channels or len(std) != channels:
        raise Misuse(f"{name} takes {channels} channels; give --mean and --std one each")
    return Preprocess(height, width, channels, mean, std)
