"""Learning rates that grow from the first layer to the head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from allconv.nn.module import Module
from allconv.nn.tracing import network_dtype, trace_module
from allconv.operators.base import Spec
from allconv.train.optimizers import Optimizer

FIRST = 0.1
"""The share of the rate that the first layer has."""
SHARE = 1 / 10
"""The rate of a network that is trained already, as a share of the optimizer's own."""


@dataclass(frozen=True, repr=False)
class LayerWise(Optimizer):
    """An optimizer whose rate is multiplied by a share for each parameter, by name.

    Howard and Ruder 2018, arXiv:1801.06146, section 3.2.
    """

    inner: Optimizer
    shares: Mapping[str, float]

    @property
    def slots(self) -> tuple[str, ...]:  # type: ignore[override]  # of what is wrapped
        """See `Optimizer`."""
        return self.inner.slots

    @property
    def rate(self) -> float:  # type: ignore[override]  # of what is wrapped
        """See `Optimizer`."""
        return self.inner.rate * SHARE

    def scalars(self, rate: float, step: int) -> dict[str, float]:
        """See `Optimizer.scalars`."""
        return self.inner.scalars(rate, step)

    def record(
        self,
        p: Any,
        g: Any,
        state: Sequence[Any],
        scalars: Mapping[str, Any],
        decay: Any,
        scale: Any,
    ) -> tuple[Any, ...]:
        """See `Optimizer.record`."""
        share = self.shares.get(p.name, 1.0)
        own = scalars if share == 1.0 else {**scalars, "rate": scalars["rate"] * share}
        return self.inner.record(p, g, state, own, decay, scale)

    def __repr__(self) -> str:
        digest = sha256(repr(sorted(self.shares.items())).encode()).hexdigest()[:8]
        return f"LayerWise({self.inner!r}, first={FIRST}, shares={digest})"


def layer_shares(net: Module, shape: tuple[int, ...]) -> dict[str, float]:
    """A share of the rate for each parameter: from `FIRST` for those that an image meets first up
    to 1 for the head, by equal factors."""
    recorded = trace_module(net, Spec((1, *shape), network_dtype(net)))
    graph = recorded.graph
    names = dict(zip(graph.inputs[1:], recorded.state, strict=False))
    met: dict[str, int] = {}
    steps = 0
    for node in graph.nodes:
        new = [names[v] for v in node.inputs if names.get(v) in recorded.parameters]
        fresh = [name for name in new if name not in met and not name.startswith("head.")]
        met.update(dict.fromkeys(fresh, steps))
        steps += bool(fresh)
    return {name: FIRST ** (1 - step / max(steps, 1)) for name, step in met.items()}
