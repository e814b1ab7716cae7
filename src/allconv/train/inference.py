"""What a network gives for many inputs: one program a size of batch, its weights bound once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from allconv import engine
from allconv.errors import ShapeError
from allconv.nn.module import Module
from allconv.nn.tracing import network_dtype, trace_module
from allconv.operators.base import Array, Spec


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
        self.dtype = network_dtype(net)
        self._state: Mapping[str, Array] = net.state_dict()
        self._weights: engine.Weights | None = None

    def bind(self, state: Mapping[str, Array]) -> None:
        """Use these parameters and buffers from now on, by the names of `Module.state_dict`."""
        self._state, self._weights = state, None

    def __call__(self, x: Array) -> Array:
        """The logits (N, classes, ...) of a batch x (N, ...) of the network's dtype."""
        kept = engine.keep(x.shape, lambda: self._made(x.shape), owner=self)
        weights = self._weights
        if weights is None:
            arrays = [np.asarray(self._state[name], order="C") for name in kept.about]
            weights = self._weights = engine.Weights(arrays)
        return kept.program(x, weights=weights)[0]

    def _made(self, shape: tuple[int, ...]) -> engine.KeptProgram:
        recorded = trace_module(self.net, Spec(shape, self.dtype))
        outputs = recorded.results
        if len(outputs) != 1 or outputs[0].spec.rank < 2 or outputs[0].shape[0] != shape[0]:
            given = ", ".join(str(value.spec) for value in outputs)
            raise ShapeError(f"the network gives {given}; one array (N, classes, ...) is expected")
        static = recorded.state_places
        program = engine.Program(recorded.graph, threads=self.threads, static=static)
        return engine.KeptProgram(program, recorded.state)
