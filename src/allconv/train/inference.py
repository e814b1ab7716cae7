"""What a network gives for many inputs: one program a size of batch, its weights bound once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from allconv.errors import ShapeError
from allconv.nn.module import Module
from allconv.nn.tracing import trace_module
from allconv.operators.base import Array, Spec

if TYPE_CHECKING:
    from allconv.engine.program import Program

KEPT = 4
"""Programs kept: the full batch, the last one of each part, and one to spare."""


class Inference:
    """A network for batches, with weights that are given by `bind` and else its own.

    >>> from allconv import nn
    >>> inference = Inference(nn.Linear(2, 3))
    >>> inference(np.zeros((4, 2), np.float32)).shape
    (4, 3)
    """

    def __init__(self, net: Module, *, threads: int | None = None) -> None:
        self.net = net
        self.threads = threads
        self.dtype = next((p.dtype.name for p in net.parameters().values()), "float32")
        self._state: Mapping[str, Array] = net.state_dict()
        self._programs: OrderedDict[tuple[int, ...], tuple[tuple[str, ...], Program]]
        self._programs = OrderedDict()

    def bind(self, state: Mapping[str, Array]) -> None:
        """Use these parameters and buffers from now on, by the names of `Module.state_dict`."""
        self._state = state
        for names, program in self._programs.values():
            program.bind(self._static(names))

    def __call__(self, x: Array) -> Array:
        """The logits (N, classes, ...) of a batch x (N, ...) of the network's dtype."""
        found = self._programs.pop(x.shape, None) or self._made(x.shape)
        self._programs[x.shape] = found
        while len(self._programs) > KEPT:
            self._programs.popitem(last=False)
        return found[1](x)[0]

    def _made(self, shape: tuple[int, ...]) -> tuple[tuple[str, ...], Program]:
        from allconv.engine.program import Program

        traced = trace_module(self.net, Spec(shape, self.dtype))
        outputs = traced.graph.outputs
        if len(outputs) != 1 or outputs[0].spec.rank < 2 or outputs[0].shape[0] != shape[0]:
            given = ", ".join(str(value.spec) for value in outputs)
            raise ShapeError(f"the network gives {given}; one array (N, classes, ...) is expected")
        names = (*traced.parameters, *traced.buffers)
        static = self._static(names)
        program = Program(traced.graph, threads=self.threads, static=tuple(static))
        program.bind(static)
        return names, program

    def _static(self, names: tuple[str, ...]) -> dict[int, Array]:
        """The state by the numbers of the graph's inputs, of which x is 0."""
        return {n: np.asarray(self._state[name], order="C") for n, name in enumerate(names, 1)}
