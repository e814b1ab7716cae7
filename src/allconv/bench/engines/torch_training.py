"""Steps of training in PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np

from allconv.bench.engines.prepared import Prepared, Told, arrays_of, state_of
from allconv.bench.engines.torch_layout import laid
from allconv.bench.training import (
    COMPARED_STEPS,
    MOMENTUM,
    RATE,
    WEIGHT_DECAY,
    Row,
    built,
    without_dropout,
)
from allconv.bench.workload import CHANNELS_LAST
from allconv.operators.base import Array


def prepare_step(told: Told, threads: int, variant: str) -> Prepared:
    """A step: forward, loss, backward, update by a fused optimizer; gradients are set to None."""
    import torch

    arrays = arrays_of(told)
    layout = CHANNELS_LAST if variant else ""  # compiled, too, is faster with channels last
    images = laid(torch.from_numpy(np.ascontiguousarray(arrays["x"])), layout)
    labels = torch.from_numpy(arrays["labels"])
    loss_of = torch.nn.CrossEntropyLoss()

    def made(rows: list[Row]) -> Any:
        net = built(rows, torch.nn)
        state = {name: torch.from_numpy(array) for name, array in state_of(arrays).items()}
        net.load_state_dict(state, strict=False)
        net = laid(net, layout).train()
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
    settings = ", ".join([f"set_num_threads({threads})", *(each for each in how if each)])
    return Prepared(made(told["layers"]), results, settings)


def _optimizer(name: str, net: Any) -> Any:
    """The optimizer; as ours, it does not pull biases and batch normalisations towards 0."""
    import torch

    groups = [
        {"params": [p for p in net.parameters() if p.ndim > 1], "weight_decay": WEIGHT_DECAY},
        {"params": [p for p in net.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if name == "sgd":
        return torch.optim.SGD(groups, lr=RATE, momentum=MOMENTUM, fused=True)
    return torch.optim.AdamW(groups, lr=RATE, fused=True)
