"""Steps of training: one program for forward, loss, backward, clipping and update.

All that changes from step to step is an input, the learning rate and the key of random draws
included, so a program is planned once for a size of batch and never again. The arrays of the state
(parameters, buffers, what the optimizer keeps) come in two sets that take turns: one is read while
the other is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from allconv import engine
from allconv.errors import ArgumentError, ShapeError
from allconv.nn.module import Module
from allconv.nn.tracing import network_dtype
from allconv.operators.base import Array, Spec
from allconv.trace import Recorded
from allconv.train.objective import SLOT, Objective, record_step


class StepResult(NamedTuple):
    """The mean loss of a batch, and what the network gave for it: (N, classes, ...)."""

    loss: float
    logits: Array


class TrainingStep:
    """Steps of training, one native call each.

    `state` holds all arrays by name: parameters and buffers as in `Module.state_dict`, and
    "velocity/0.weight" and the like for what the optimizer keeps; it begins with the network's and
    with zeros. The network itself is not changed.

    >>> from allconv import nn
    >>> from allconv.train.optimizers import SGD
    >>> step = TrainingStep(nn.Linear(2, 2), Objective(SGD()))
    >>> x, labels = np.eye(2, dtype=np.float32), np.array([0, 1])
    >>> first = step(x, labels, rate=0.1)
    >>> step(x, labels, rate=0.1, step=1).loss < first.loss
    True
    """

    def __init__(
        self, net: Module, objective: Objective, *, seed: int = 0, threads: int | None = None
    ) -> None:
        self.net = net
        self.objective = objective
        self.threads = threads
        self.state = self._beginning()
        self.dtype = _float_dtype(net)
        self._spare: dict[str, Array] = {}
        self._key = np.array([seed, 0], np.int64)
        self._scalars = {name: np.zeros((), self.dtype) for name in objective.scalars(0.0, 0)}

    def _beginning(self) -> dict[str, Array]:
        places = self.net.named_places().items()
        state = {n: p.value(n) for n, p in places if p.spec.is_float}
        for name, array in self.net.parameters().items():
            for slot in self.objective.optimizer.slots:
                state[SLOT.format(slot=slot, name=name)] = np.zeros_like(array)
        return state

    def prepare(self, shape: tuple[int, ...]) -> tuple[Recorded, engine.Program]:
        """The graph and the program for batches x of a shape, made once."""
        kept = engine.keep(shape, lambda: self._made(shape), owner=self)
        return kept.about, kept.program

    def _made(self, shape: tuple[int, ...]) -> engine.KeptProgram:
        recorded = record_step(self.net, self.objective, Spec(shape, self.dtype))
        return engine.KeptProgram(engine.Program(recorded.graph, threads=self.threads), recorded)

    def __call__(self, x: Array, labels: Array, *, rate: float, step: int = 0) -> StepResult:
        """One step on a batch x (N, ...) of the network's dtype with labels int64 (N, ...).

        `step` counts from 0: the optimizer and the random draws of this step depend on it.
        """
        recorded, program = self.prepare(x.shape)
        check_labels(labels, recorded.results[1].shape)
        self._key[1] = step
        for name, number in self.objective.scalars(rate, step).items():
            self._scalars[name][...] = number
        state = (self.state[name] for name in recorded.state)
        spare = [self._take_spare(name) for name in recorded.updates]
        loss, logits, *new = program(
            x, labels, self._key, *self._scalars.values(), *state, out=[None, None, *spare]
        )
        for name, array in zip(recorded.updates, new, strict=True):
            # What came from the network is read-only, and stays as it is.
            if self.state[name].flags.writeable:
                self._spare[name] = self.state[name]
            self.state[name] = array
        return StepResult(float(loss), logits)

    def _take_spare(self, name: str) -> Array:
        """Memory for a new array, in row-major order, so that a plan for one layout is enough."""
        array = self._spare.pop(name, None)
        return np.empty(self.state[name].shape, self.dtype) if array is None else array

    def parameters_and_buffers(self) -> dict[str, Array]:
        """Copies of the arrays of the network's state, integers included."""
        return {
            name: np.array(self.state.get(name, array), order="C")
            for name, array in self.net.state_dict().items()
        }

    def restart(self) -> None:
        """Begin again with the weights that the network has now."""
        self.state = self._beginning()
        self._spare.clear()

    def replace(self, state: Mapping[str, Array]) -> None:
        """Go on from arrays by name, of the shapes and dtypes that `state` has."""
        self.state.update((name, np.array(state[name], order="C")) for name in self.state)
        self._spare.clear()


def check_labels(labels: Array, logits: tuple[int, ...]) -> None:
    """Refuse labels that no logits (N, classes, ...) can have."""
    expected = (logits[0], *logits[2:])
    if labels.shape != expected or labels.dtype != np.int64:
        raise ShapeError(
            f"labels are {labels.dtype} {labels.shape}; int64 {expected} is expected, since the "
            f"network gives {logits}"
        )
    check_range(labels, logits[1])


def check_range(labels: Array, classes: int) -> None:
    """Refuse labels outside 0 ... classes - 1."""
    if labels.size and not (labels.min() >= 0 and labels.max() < classes):
        raise ArgumentError(
            f"labels run from {labels.min()} to {labels.max()}; the network has {classes} "
            "classes, numbered from 0"
        )


def _float_dtype(net: Module) -> str:
    """The dtype of a network's parameters, which must be one."""
    if len({array.dtype.name for array in net.parameters().values()}) > 1:
        raise ArgumentError("the parameters are of float32 and float64; use net.astype(...)")
    return network_dtype(net)
