"""The dropout layer."""

from __future__ import annotations

from typing import Any

from allconv import functional
from allconv.functional.dropout import check_probability
from allconv.nn.module import Module
from allconv.nn.scope import current

__all__ = ["Dropout"]


class Dropout(Module):
    """In training, x / (1 - p) where kept, else 0; in inference x; see `functional.dropout`.

    The draw is keyed by the seed of the call and the layer's number in `named_modules()`.
    """

    def __init__(self, p: float = 0.5) -> None:
        self.p = check_probability(p)

    def forward(self, x: Any) -> Any:
        """See `functional.dropout`."""
        scope = current()
        if scope is None or not scope.training or self.p == 0:
            return x
        return functional.dropout(
            x, self.p, training=True, seed=scope.draw_key(), layer=scope.layer(self)
        )
