"""Everything in a file that is not read, told at once."""

from __future__ import annotations

from collections.abc import Sequence

from allconv.errors import UnsupportedError
from allconv.onnx.format.text import plain, shown
from allconv.text import printable

MOST_KINDS = 24
MOST_NODES = 4
MOST_CUT = 6
LONGEST = 240

ADVICE = {
    "NonMaxSuppression": "cut the file before it: its inputs are the boxes and scores",
    **dict.fromkeys(
        (
            "ConvInteger",
            "MatMulInteger",
            "QLinearAdd",
            "QLinearAveragePool",
            "QLinearConv",
            "QLinearGlobalAveragePool",
            "QLinearMatMul",
            "QLinearMul",
            "QLinearSigmoid",
        ),
        "a kernel of integers; quantize with QuantizeLinear and DequantizeLinear around floats "
        "(QDQ), or give the file before quantization",
    ),
    "Loop": "export the network for one fixed size, or cut the file before it",
    "Scan": "export the network for one fixed size, or cut the file before it",
}
"""What to do about an operator that will not be read."""

Refusal = tuple[str, UnsupportedError]
"""The name of a node, and why it is not read."""


def one_error(refusals: Sequence[Refusal], before: Sequence[str] = ()) -> UnsupportedError:
    """One error for them all: each operator, domain, operator set and reason with its nodes.

    That of a single node is as it is. `before` are the values that are read up to them: where these
    are few, it says how to read the network so far.
    """
    cut = f"; {_cut(before)}" if 0 < len(before) <= MOST_CUT else ""
    if len(refusals) == 1:
        ((name, error),) = refusals
        return UnsupportedError(f"{error.message}{cut}").at(plain(name))  # type: ignore[return-value]  # its own kind
    kinds: dict[str, list[str]] = {}
    for name, error in refusals:
        kinds.setdefault(error.message.removeprefix("unsupported: "), []).append(name)
    rows = [f"{printable(what, LONGEST)} ({_nodes(names)})" for what, names in kinds.items()]
    more = f"; and {len(rows) - MOST_KINDS} other kinds" if len(rows) > MOST_KINDS else ""
    kind = "kind" if len(rows) == 1 else "kinds"
    count = f"unsupported, {len(refusals):,} nodes of {len(rows):,} {kind}: "
    return UnsupportedError(count + "; ".join(rows[:MOST_KINDS]) + more + cut)


def _cut(names: Sequence[str]) -> str:
    """How to read what comes before."""
    return f"load with outputs=[{', '.join(map(shown, names))}] for what comes before"


def _nodes(names: Sequence[str]) -> str:
    """The names of nodes, a few of many."""
    named = [plain(name) for name in names if name]
    shown = ", ".join(named[:MOST_NODES])
    if len(names) == 1:
        return shown or "1 node"
    rest = ", ..." if len(named) > MOST_NODES else ""
    return f"{len(names):,} nodes: {shown}{rest}" if shown else f"{len(names):,} nodes"
