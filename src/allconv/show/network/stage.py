"""A layer's operator stage on the real numbers of a small window."""

from __future__ import annotations

from collections.abc import Sequence

from allconv.graph import Node
from allconv.operators.base import Array
from allconv.picture.markup import Markup


def stage_section(node: Node, operands: Sequence[Array | None]) -> Markup:
    """The part of a layer's section that shows a small window of it; empty where there is none.

    `operands` are the arrays of `node.inputs`, None where one is not known.
    """
    return Markup("")
