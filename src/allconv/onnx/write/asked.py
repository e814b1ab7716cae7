"""What `save` is asked for: the shapes of the inputs, and the names of inputs and outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from allconv.errors import ArgumentError
from allconv.graph import Graph
from allconv.intake.settings import whole
from allconv.onnx.format.text import shown
from allconv.onnx.module import OnnxModule
from allconv.onnx.write.network import ExportedNetwork, Shape
from allconv.text import encodable, printable

SHAPES = "(None, 3, 224, 224), say, or a list of these for several inputs, is expected"


def checked_shapes(net: Any, shape: Any) -> tuple[Shape, ...]:
    """The shape of every input; None is a batch that is left open. A graph has its own."""
    if isinstance(net, Graph):
        return ()
    if shape is None and isinstance(net, OnnxModule):
        return tuple(_declared(each.name, each.shape) for each in net.model.inputs)
    if not isinstance(shape, tuple | list) or not shape:
        raise ArgumentError(f"shape is {shape!r}; {SHAPES}")
    if all(isinstance(each, tuple | list) for each in shape):
        return tuple(map(_checked, shape))
    return (_checked(shape),)


def _declared(name: str, shape: Shape | None) -> Shape:
    """The shape of an input as its file has it, where no more than the batch is open."""
    if shape is None or None in shape[1:]:
        raise ArgumentError(f"sizes of the input {shown(name)} are open; give its shape")
    return shape


def _checked(shape: Any) -> Shape:
    """One shape."""
    if not shape:
        raise ArgumentError(f"shape is {shape!r}; {SHAPES}")
    sizes = [None if n is None else whole("a size", n, least=1) for n in shape]
    if None in sizes[1:]:
        raise ArgumentError(f"shape is {shape!r}; only the batch, the first size, can be None")
    return tuple(sizes)


def input_names(net: Any, network: ExportedNetwork, input_name: str | None) -> list[str]:
    """The names of the inputs: as asked for, else as a file had them, else "input", "input_2"."""
    if isinstance(net, OnnxModule) and input_name is None:
        return list(net.input_names)
    return _numbered("input" if input_name is None else input_name, network.recorded.arguments)


def output_names(net: Any, network: ExportedNetwork, output_name: str | None) -> list[str]:
    """The names of the outputs, in the same way."""
    if isinstance(net, OnnxModule) and output_name is None:
        return list(net.output_names)
    count = len(network.recorded.results)
    return _numbered("output" if output_name is None else output_name, count)


def _numbered(name: str, count: int) -> list[str]:
    return [name, *(f"{name}_{n}" for n in range(2, count + 1))]


def check_names(network: ExportedNetwork, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """Refuse names that no file can hold, or that are a parameter's."""
    for name in network.arrays:
        if name != encodable(name):
            raise ArgumentError(
                f"the parameter {printable(name)} has a name that is not UTF-8; rename it"
            )
    for what, name in (
        ("input_name", inputs[0] if inputs else "input"),
        ("output_name", outputs[0]),
    ):
        if not isinstance(name, str) or not name or name in network.arrays:
            raise ArgumentError(f"{what} is {name!r}, empty or a parameter's; give another")
        if name != encodable(name):
            raise ArgumentError(f"{what} is {printable(name)}, which is not UTF-8; give another")
    if outputs[0] in inputs:
        raise ArgumentError(f"input_name and output_name are both {outputs[0]!r}")
