"""Gradients through whole networks that PyTorch has exported, beside PyTorch's own.

A network in float64 is written by an exporter, read by `ac.onnx.load`, and asked for the gradients
of a weighted sum of its outputs: of its inputs and of all that it has learned, by name.
"""

from __future__ import annotations

import importlib.util
import warnings
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from export_networks import NETWORKS, inputs, made
from torch_calls import TOLERANCE, torch

import allconv as ac
from tiers import slowed

# Settings of nodes, an epsilon or the slope of a hard sigmoid, are float32 in files.
SETTINGS = 1e-6
ROUNDED = {"mobilenet-v3", "transformer", "unet-diffusion"}
NEWER = ("resnet", "unet-transposed", "convnext", "efficientnet", "transformer")


def loaded(net: Any, x: tuple[Any, ...], exporter: str) -> ac.onnx.OnnxModule:
    """The network by way of a file whose parameters have the names that they have in PyTorch."""
    file = BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporters' own
        if exporter == "script":
            mode = torch.onnx.TrainingMode.PRESERVE  # or normalisation is folded into weights
            torch.onnx.export(
                net, x, file, dynamo=False, opset_version=17, training=mode,
                do_constant_folding=False,
            )  # fmt: skip
        else:
            program = torch.onnx.export(net, x, dynamo=True, optimize=False, verbose=False)
            return ac.onnx.load(program.model_proto)
    return ac.onnx.load(file.getvalue())


def compared(got: Any, expected: Any, tolerance: float) -> None:
    """Equal but for a share of the largest value, and not all 0."""
    expected = expected.numpy()
    assert np.abs(expected).max() > 0
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance * np.abs(expected).max())


def check(name: str, exporter: str) -> None:
    """Outputs, the gradients of inputs, and those of parameters."""
    net = made(name).double()
    x = tuple(each.double().requires_grad_() for each in inputs(NETWORKS[name].others[0]))
    ours = loaded(net, x, exporter)
    y = net(*x)
    outputs = y if isinstance(y, tuple) else (y,)
    weights = [torch.randn_like(each) for each in outputs]
    torch.autograd.backward(outputs, weights)
    tolerance = SETTINGS if name in ROUNDED else TOLERANCE["float64"]

    arrays = tuple(each.detach().numpy() for each in x)
    seeds = tuple(each.numpy() for each in weights)
    gx, gw = ours.backward(arrays, seeds if len(seeds) > 1 else seeds[0])
    results = ours(*arrays)
    for got, each in zip(results if len(outputs) > 1 else (results,), outputs, strict=True):
        compared(got, each.detach(), tolerance)
    for got, each in zip(gx, x, strict=True):
        compared(got, each.grad, tolerance)
    learned = {n: p for n, p in net.named_parameters() if p.grad is not None}
    assert learned.keys() <= gw.keys()
    for parameter, each in learned.items():
        if each.grad.abs().max() > tolerance:  # the bias before a normalisation has none
            compared(gw[parameter], each.grad, tolerance)


@pytest.mark.parametrize("name", slowed(NETWORKS, "resnet", "unet-transposed", "convnext"))
def test_as_the_older_exporter_writes_it(name: str) -> None:
    """All 26 networks."""
    check(name, "script")


@pytest.mark.skipif(
    importlib.util.find_spec("onnxscript") is None,
    reason="needs onnxscript: pip install onnxscript",
)
@pytest.mark.parametrize("name", slowed(NEWER, "convnext"))
def test_as_the_newer_exporter_writes_it(name: str) -> None:
    """Of each kind one."""
    check(name, "dynamo")
