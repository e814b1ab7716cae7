"""PyTorch: contiguous, channels last, or compiled; in inference_mode, with fused optimizers."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import torch
from torch.nn.functional import conv2d

from allconv.bench.engines.prepared_workload import (
    InTurn,
    PreparedWorkload,
    Told,
    arrays_of,
    images_of,
    state_of,
)
from allconv.bench.training import (
    COMPARED_STEPS,
    MOMENTUM,
    RATE,
    WEIGHT_DECAY,
    Row,
    built,
    without_dropout,
)
from allconv.bench.workload import (
    CHANNELS_LAST,
    FUNCTION_SIZES,
    GRADIENT,
    NETWORK,
    NETWORK_SIZES,
    STEP,
)
from allconv.operators.base import Array


def prepare(told: Told, threads: int, variant: str) -> PreparedWorkload:
    """Make a workload ready in a variant: "", "channels last" or "compiled"."""
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")  # no processes of its own
    if told.get("cache"):
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = told["cache"]
    torch.set_num_threads(threads)
    return _KINDS[told["kind"]](told, threads, variant)


def _said(threads: int, *how: str) -> str:
    return ", ".join([f"set_num_threads({threads})", *(each for each in how if each)])


def _network(told: Told, threads: int, variant: str) -> PreparedWorkload:
    from allconv.bench.engines.torch_graph import torch_network  # loads onnx: for files alone

    net = _laid(torch_network(told["model"]), variant)
    x = _laid(torch.from_numpy(np.ascontiguousarray(arrays_of(told)["x"])), variant)
    how = ["inference_mode", "batch normalisation folded", variant]
    function: Any = net
    if variant == "compiled":
        import torch._inductor.config as inductor

        inductor.freezing = True  # weights are constants: folded, and laid as kernels like them
        function = torch.compile(net)
        how = ["torch.compile with freezing", "no_grad"]
    mode = torch.no_grad if variant == "compiled" else torch.inference_mode

    def call() -> Any:
        with mode():
            return function(x)

    def results() -> list[Array]:
        given = call()
        return [each.numpy() for each in (given if isinstance(given, tuple) else (given,))]

    return PreparedWorkload(call, results, _said(threads, *how))


def _gradient(told: Told, threads: int, variant: str) -> PreparedWorkload:
    arrays = {n: torch.from_numpy(np.ascontiguousarray(a)) for n, a in arrays_of(told).items()}
    x, w, gy = (_laid(arrays[name], variant) for name in ("x", "w", "gy"))
    s, d = ([told["settings"][name]] * 2 for name in ("stride", "dilation"))
    padding, groups = list(told["settings"]["padding"]), int(told["settings"]["groups"])
    asked = [told["of"] == "input", told["of"] == "weight", False]
    backward = torch.ops.aten.convolution_backward

    def call() -> Any:
        with torch.inference_mode():
            return backward(gy, x, w, None, s, padding, d, False, [0, 0], groups, asked)

    def results() -> list[Array]:
        return [each.numpy() for each in call() if each is not None]

    return PreparedWorkload(call, results, _said(threads, "aten.convolution_backward", variant))


def _step(told: Told, threads: int, variant: str) -> PreparedWorkload:
    """A step: forward, loss, backward, update by a fused optimizer; gradients are set to None."""
    arrays = arrays_of(told)
    layout = CHANNELS_LAST if variant else ""  # compiled, too, is faster with channels last
    images = _laid(torch.from_numpy(np.ascontiguousarray(arrays["x"])), layout)
    labels = torch.from_numpy(arrays["labels"])
    loss_of = torch.nn.CrossEntropyLoss()

    def made(rows: list[Row]) -> Any:
        net = built(rows, torch.nn)
        state = {name: torch.from_numpy(array) for name, array in state_of(arrays).items()}
        net.load_state_dict(state, strict=False)
        net = _laid(net, layout).train()
        optimizer = _optimizer(told["optimizer"], net)
        function = torch.compile(net) if variant == "compiled" else net

        def step() -> float:
            optimizer.zero_grad(set_to_none=True)
            loss = loss_of(function(images), labels)
            loss.backward()
            optimizer.step()
            return float(loss.detach())

        return step

    def results() -> list[Array]:
        step = made(without_dropout(told["layers"]))
        return [np.array([step() for _ in range(COMPARED_STEPS)])]

    how = ["torch.compile"] if variant == "compiled" else []
    how += ["fused optimizer", layout]
    return PreparedWorkload(made(told["layers"]), results, _said(threads, *how))


def _optimizer(name: str, net: Any) -> Any:
    """The optimizer; as ours, it does not pull biases and batch normalisations towards 0."""
    groups = [
        {"params": [p for p in net.parameters() if p.ndim > 1], "weight_decay": WEIGHT_DECAY},
        {"params": [p for p in net.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if name == "sgd":
        return torch.optim.SGD(groups, lr=RATE, momentum=MOMENTUM, fused=True)
    return torch.optim.AdamW(groups, lr=RATE, fused=True)


def _laid(tensor: Any, variant: str) -> Any:
    """A tensor of images, or a module, in the layout of a variant."""
    if variant != CHANNELS_LAST:
        return tensor
    is_module = isinstance(tensor, torch.nn.Module)
    ranks = {p.ndim for p in tensor.parameters()} if is_module else {tensor.ndim}
    layouts = {4: torch.channels_last, 5: torch.channels_last_3d}
    for rank, layout in layouts.items():
        if rank in ranks:
            tensor = tensor.to(memory_format=layout) if is_module else tensor.contiguous(
                memory_format=layout
            )  # fmt: skip
    return tensor


def _network_sizes(told: Told, threads: int, variant: str) -> PreparedWorkload:
    from allconv.bench.engines.torch_graph import torch_network  # loads onnx: for files alone

    return _on_sizes(torch_network(told["model"]), told, threads)


def _function_sizes(told: Told, threads: int, variant: str) -> PreparedWorkload:
    arrays = arrays_of(told)
    w, b = torch.from_numpy(arrays["w"]), torch.from_numpy(arrays["b"])
    return _on_sizes(lambda x: conv2d(x, w, b, padding=1), told, threads)


def _on_sizes(function: Any, told: Told, threads: int) -> PreparedWorkload:
    def run(x: Any) -> Any:
        with torch.inference_mode():
            return function(x)

    turns = InTurn(run, [torch.from_numpy(x) for x in images_of(told)])
    return PreparedWorkload(turns, turns.results, _said(threads, "inference_mode"))


_KINDS = {
    NETWORK: _network,
    GRADIENT: _gradient,
    STEP: _step,
    NETWORK_SIZES: _network_sizes,
    FUNCTION_SIZES: _function_sizes,
}
