"""Export the networks of this folder by both of PyTorch's exporters, with static and open sizes.

    python tests/against_torch/export_networks.py [FOLDER [NAME ...]]

writes NAME-EXPORTER-SIZES.onnx for each, and `sizes.json` (the shapes of inputs to try), to
tests/onnx/data/exports unless told. It needs PyTorch and onnxscript; the tests that run the files
need neither. Weights are drawn with a seed, so the files are ours.
"""

from __future__ import annotations

import json
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import export_classifiers as c
import export_maps as m
from export_blocks import seeded, torch

import onnx

FOLDER = Path(__file__).resolve().parents[1] / "onnx" / "data" / "exports"
EXPORTERS = ("script", "dynamo")
SIZES = ("static", "open")
OPSETS = {"script": 17, "dynamo": 18}

Shapes = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Network:
    """How a network is made, the shapes that it is exported for, and others that it can take.

    `multiple` is that of the open sizes behind the channels; None leaves these as they are.
    """

    make: Any
    shapes: Shapes
    others: tuple[Shapes, ...]
    multiple: int | None = 1


def images(
    make: Any, *sizes: tuple[int, ...], channels: int = 3, multiple: int | None = 1
) -> Network:
    """A network of one image, exported for one and tried on batches of 2 and 3 of other sizes."""
    first, *others = ((n, channels, *size) for n, size in enumerate(sizes, 1))
    return Network(make, (first,), tuple((other,) for other in others), multiple)


NETWORKS = {
    "lenet": images(c.LeNet, (28, 28), (28, 28), (28, 28), channels=1, multiple=None),
    "resnet": images(c.ResNet, (32, 32), (32, 48), (41, 37)),
    "vgg": images(c.VGG, (32, 32), (32, 32), (32, 32), multiple=None),
    "mobilenet-v2": images(c.MobileNetV2, (32, 32), (32, 48), (41, 37)),
    "mobilenet-v3": images(c.MobileNetV3, (32, 32), (32, 48), (41, 37)),
    "efficientnet": images(c.EfficientNet, (32, 32), (32, 48), (41, 37)),
    "densenet": images(c.DenseNet, (24, 24), (24, 32), (33, 29)),
    "shufflenet": images(c.ShuffleNet, (32, 32), (32, 48), (41, 37)),
    "convnext": images(c.ConvNeXt, (32, 32), (32, 48), (41, 37)),
    "squeezenet": images(c.SqueezeNet, (32, 32), (32, 48), (41, 37)),
    "cbam": images(c.CBAMNet, (24, 24), (24, 32), (33, 29)),
    "transformer": images(c.Transformer, (32, 32), (32, 32), (32, 32), multiple=None),
    "volume": images(c.Volume, (8, 12, 12), (8, 12, 16), (11, 15, 9), channels=1),
    "unet-transposed": images(m.UNetTransposed, (24, 24), (32, 24), (20, 36), multiple=4),
    "unet-nearest": images(m.UNetNearest, (24, 24), (32, 24), (20, 36), multiple=4),
    "unet-bilinear": images(m.UNetBilinear, (24, 24), (32, 24), (20, 36), multiple=4),
    "unet-diffusion": Network(
        m.UNetDiffusion,
        ((1, 3, 16, 16), (1,)),
        (((2, 3, 16, 24), (2,)), ((3, 3, 12, 20), (3,))),
        multiple=2,
    ),
    "deeplab": images(m.DeepLab, (32, 32), (32, 48), (41, 37)),
    "pspnet": images(m.PSPNet, (32, 32), (32, 32), (32, 32), multiple=None),
    "fpn": images(m.FPN, (32, 32), (32, 48), (41, 37)),
    "yolo": images(m.YOLO, (32, 32), (32, 48), (64, 40), multiple=8),
    "srcnn": images(m.SRCNN, (20, 20), (24, 20), (17, 23), channels=1),
    "srgan": images(m.SRGAN, (16, 16), (24, 16), (17, 13)),
    "cyclegan": images(m.CycleGAN, (24, 24), (32, 24), (20, 28), multiple=2),
    "gan": Network(m.GAN, ((1, 10),), (((2, 10),), ((5, 10),)), multiple=None),
    "wavenet": images(m.WaveNet, (40,), (56,), (33,), channels=1),
}


def made(name: str) -> Any:
    """A network with its weights."""
    torch.manual_seed(sum(name.encode()))
    return seeded(NETWORKS[name].make())


def inputs(shapes: Shapes) -> tuple[Any, ...]:
    """Inputs of size one; what has one axis only is a step from 0 on."""
    torch.manual_seed(0)
    return tuple(torch.randn(shape) if len(shape) > 1 else torch.rand(shape) for shape in shapes)


def open_axes(network: Network) -> tuple[dict[int, str], ...]:
    """The names of the axes of each input that are left open."""
    rows = []
    for shape in network.shapes:
        names = {0: "n"}
        if network.multiple is not None:
            names.update((axis, "dhw"[axis - len(shape)]) for axis in range(2, len(shape)))
        rows.append(names)
    return tuple(rows)


def export(name: str, exporter: str, sizes: str, path: Path) -> None:
    """Write one file."""
    network, net = NETWORKS[name], made(name)
    names = [f"input{n}" if n else "input" for n in range(len(network.shapes))]
    axes = open_axes(network) if sizes == "open" else ()
    common = {"input_names": names, "opset_version": OPSETS[exporter]}
    given = inputs(network.shapes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporters' own
        if exporter == "script":
            dynamic = dict(zip(names, axes, strict=False))
            torch.onnx.export(net, given, path, dynamo=False, dynamic_axes=dynamic, **common)
        else:
            given = inputs(network.others[0] if axes else network.shapes)  # 1 is never open there
            kinds = dimensions(network, axes) if axes else None
            program = torch.onnx.export(
                net, given, dynamo=True, dynamic_shapes=kinds, verbose=False, **common
            )
            program.save(path)
    onnx.save(bare(onnx.load(path)), path)


def dimensions(network: Network, axes: tuple[dict[int, str], ...]) -> tuple[dict[int, Any], ...]:
    """The open axes as the newer exporter wants them."""
    dims: dict[str, Any] = {}
    for name in {name for row in axes for name in row.values()}:
        multiple = 1 if name == "n" else network.multiple or 1
        dim = torch.export.Dim(name if multiple == 1 else f"_{name}", min=2, max=64)
        dims[name] = dim if multiple == 1 else multiple * dim
    return tuple({axis: dims[name] for axis, name in row.items()} for row in axes)


def bare(model: Any) -> Any:
    """A file without what the newer exporter notes of where nodes came from: paths and versions."""
    for graph in (model.graph, *model.functions):
        del graph.metadata_props[:]
        for node in graph.node:
            del node.metadata_props[:]
            node.ClearField("doc_string")
    for value in (*model.graph.value_info, *model.graph.initializer, *model.graph.input):
        del value.metadata_props[:]
    for value in model.graph.output:
        del value.metadata_props[:]
    del model.metadata_props[:]
    return model


def main(folder: Path, names: list[str]) -> None:
    """Write all files, or those of some networks."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names or NETWORKS:
        for exporter in EXPORTERS:
            for sizes in SIZES:
                path = folder / f"{name}-{exporter}-{sizes}.onnx"
                export(name, exporter, sizes, path)
                print(f"{path.name}: {path.stat().st_size:,} bytes")
    shapes = {name: [each.shapes, *each.others] for name, each in NETWORKS.items()}
    lines = ",\n".join(f"  {json.dumps(n)}: {json.dumps(s)}" for n, s in shapes.items())
    (folder / "sizes.json").write_text("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER, sys.argv[2:])
