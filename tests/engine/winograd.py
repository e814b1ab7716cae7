"""Run correlations by Winograd's algorithm, whatever the planner would choose."""

from __future__ import annotations

from allconv.engine import kernels
from allconv.engine.kernels.epilogue import Epilogue, Tail
from allconv.engine.kernels.map import Expression
from allconv.engine.kernels.problem import place_result
from allconv.engine.kernels.winograd_steps import accepts, add_winograd
from allconv.operators.correlate import Correlate
from allconv.operators.pointwise import Relu

RELU = Tail(Epilogue(Expression(1, ((Relu(), (0,)),), (1,))))


def lowering(m):
    """A lowering of `Correlate` to F(m x m, 3 x 3)."""

    def lower(planner, node):
        operator = node.of(Correlate)
        assert accepts(operator.window)
        x, w = planner.read(node.inputs[0]), planner.read(node.inputs[1])
        bias = planner.read(node.inputs[2], "rows") if len(node.inputs) > 2 else None
        y, activation = place_result(planner, node)
        tail = RELU if activation else Tail()
        add_winograd(planner, x, w, y, bias, tail, operator.window, m)
        return True

    return lower


def use(monkeypatch, m):
    """Let every correlation run by F(m x m, 3 x 3)."""
    monkeypatch.setitem(kernels.LOWERINGS, Correlate, lowering(m))
