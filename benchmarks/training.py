"""One training step beside PyTorch's: convnet, 64 images of 28 x 28, the batch at hand.

PyTorch runs at its best here: channels last, fused optimiser, gradients set to None. Both compute
forward, loss, backward and update of the same network in float32; calls alternate.
"""

from __future__ import annotations

import numpy as np
import torch

from allconv.nn import networks
from allconv.train.optimizers import SGD
from allconv.train.step import Objective, TrainingStep
from timing import alternate

BATCH, SIZE, CLASSES = 64, 28, 10


def torch_convnet() -> torch.nn.Module:
    """The network of `allconv.nn.networks.convnet`, in PyTorch."""

    def block(before: int, after: int) -> list[torch.nn.Module]:
        convolution = torch.nn.Conv2d(before, after, 3, padding=1)
        return [convolution, torch.nn.BatchNorm2d(after), torch.nn.ReLU()]

    end = [torch.nn.MaxPool2d(2), torch.nn.Dropout(0.25)]
    first, second = [*block(1, 32), *block(32, 32), *end], [*block(32, 64), *block(64, 64), *end]
    return torch.nn.Sequential(
        *first, *second, torch.nn.Flatten(), torch.nn.Linear(64 * (SIZE // 4) ** 2, CLASSES)
    )


def torch_step(x: np.ndarray, labels: np.ndarray) -> object:
    """A call that makes one step of PyTorch."""
    net = torch_convnet().to(memory_format=torch.channels_last).train()
    images = torch.tensor(x).contiguous(memory_format=torch.channels_last)
    targets = torch.tensor(labels)
    loss_of = torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(
        net.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4, fused=True
    )

    def step() -> float:
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(net(images), targets)
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return step


def our_step(x: np.ndarray, labels: np.ndarray, threads: int) -> object:
    """A call that makes one step of ours."""
    net = networks.build("convnet", 1, (SIZE, SIZE), CLASSES)
    step = TrainingStep(net, Objective(SGD(weight_decay=5e-4)), threads=threads)
    return lambda: step(x, labels, rate=0.01)


def main() -> None:
    """Print the ratio for 1 and 2 threads."""
    draw = np.random.default_rng(0)
    memory = draw.standard_normal((BATCH, SIZE, SIZE, 1)).astype(np.float32)
    x, labels = np.moveaxis(memory, -1, 1), draw.integers(0, CLASSES, BATCH)
    print(f"convnet, batch {BATCH}, {SIZE} x {SIZE}: medians (quartiles) of alternating steps")
    for threads in (1, 2):
        torch.set_num_threads(threads)
        ours, theirs = alternate([our_step(x, labels, threads), torch_step(x, labels)], 5.0)
        ratio = theirs.median / ours.median
        print(f"{threads} threads: allconv {ours}, PyTorch {theirs}, ratio {ratio:.2f}", flush=True)


if __name__ == "__main__":
    main()
