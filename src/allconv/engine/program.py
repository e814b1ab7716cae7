"""Programs: graphs made ready to run."""

from __future__ import annotations

from allconv.graph import Graph
from allconv.operators.base import Array


class Program:
    """A graph made ready to run on arrays of its shapes.

    The arrays of a call are the inputs of the graph; its constants are bound here.
    """

    def __init__(self, graph: Graph, *, threads: int | None = None, exact: bool = False) -> None:
        self.graph = graph
        self.threads = threads
        self.exact = exact

    def __call__(self, *arrays: Array) -> tuple[Array, ...]:
        return self.graph.run(*arrays)
