"""What takes part in a window and is not shown: the zeros of padding, which no array holds."""

from __future__ import annotations

from allconv.operators.correlate import TransposeView
from allconv.operators.pool import AveragePool, MaxPool
from allconv.show.operand import WindowCall


def padding_note(call: WindowCall) -> str:
    """A sentence on what is silent in the working of a call; empty where nothing is."""
    operator = call.operator
    axes = operator.window.axes
    is_padded = any(max(axis.padding, axis.high) > 0 for axis in axes)
    has_gaps = any(axis.input_dilation > 1 and axis.input > 1 for axis in axes)
    if isinstance(operator, MaxPool):
        return "padding is not shown: it is never the largest" if is_padded else ""
    if isinstance(operator, AveragePool):
        return f"padding is not shown: {_in_means(call)}" if is_padded else ""
    if isinstance(operator, TransposeView):
        return "padding takes cells off the ends of the result" if is_padded else ""
    if is_padded and has_gaps:
        return "padding and the gaps between the cells are zeros, whose terms are not shown"
    if has_gaps:
        return "the gaps between the cells are zeros, whose terms are not shown"
    return "padding is zeros, whose terms are not shown" if is_padded else ""


def _in_means(call: WindowCall) -> str:
    operator = call.operator
    if call.divisor is not None:
        return f"it is zeros, and every sum is divided by {call.divisor}"
    if isinstance(operator, AveragePool) and operator.count_padding:
        return "it is zeros, which are counted"
    return "it is zeros, which are not counted"
