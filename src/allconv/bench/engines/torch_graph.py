"""An ONNX network as a PyTorch module, since PyTorch reads no ONNX files.

The nodes become a `torch.fx` graph, which is straight Python code, with modules for what has
weights; a batch normalisation behind a convolution is folded into it, as `torch.fx` does it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as f

import onnx
from allconv.bench.engines.prepared_workload import CannotRunError
from allconv.bench.engines.torch_operators import OPERATORS, Attributes
from allconv.operators.base import Array
from onnx import helper, numpy_helper


def torch_network(path: str) -> Any:
    """The module of a file, in evaluation; CannotRunError for an operator without a translation."""
    from torch.fx.experimental.optimization import fuse  # it warns while it loads

    network = TorchGraph(onnx.load(path))
    module = torch.fx.GraphModule(network.root, network.graph).eval()
    return fuse(module, no_trace=True)


class TorchGraph:
    """The graph while it is made; `OPERATORS` call its methods."""

    def __init__(self, model: Any) -> None:
        self.opset = max(e.version for e in model.opset_import if e.domain in ("", "ai.onnx"))
        self.root = torch.nn.Module()
        self.graph = torch.fx.Graph()
        self.arrays: dict[str, Array] = {
            each.name: numpy_helper.to_array(each) for each in model.graph.initializer
        }
        self.values: dict[str, Any] = {}
        for each in model.graph.input:
            if each.name not in self.arrays:
                self.values[each.name] = self.graph.placeholder(f"x{len(self.values)}")
        for node in model.graph.node:
            self._add(node)
        outputs = tuple(self.values[each.name] for each in model.graph.output)
        self.graph.output(outputs if len(outputs) > 1 else outputs[0])

    def _add(self, node: Any) -> None:
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        if node.op_type == "Constant":
            self.arrays[node.output[0]] = numpy_helper.to_array(attributes["value"])
            return
        if node.op_type == "Reshape" and node.input[0] in self.arrays:
            shape = self.integers(node.input[1])
            self.arrays[node.output[0]] = self.arrays[node.input[0]].reshape(shape)
            return
        if node.op_type not in OPERATORS or node.domain not in ("", "ai.onnx"):
            raise CannotRunError(f"the operator {node.op_type} has no translation to PyTorch here")
        self.values[node.output[0]] = OPERATORS[node.op_type](self, node.input, attributes)

    def value(self, name: str) -> Any:
        """A value of the graph; an initializer becomes a buffer."""
        if name not in self.values:
            buffer = f"c{len(list(self.root.buffers()))}"
            self.root.register_buffer(buffer, torch.from_numpy(np.array(self.array(name))))
            self.values[name] = self.graph.get_attr(buffer)
        return self.values[name]

    def array(self, name: str) -> Array:
        """A constant, which a setting or a weight has to be."""
        if name not in self.arrays:
            raise CannotRunError(f"{name} is computed; PyTorch's modules take constants there")
        return self.arrays[name]

    def integers(self, name: str) -> list[int]:
        """A constant of whole numbers."""
        return [int(n) for n in self.array(name).reshape(-1)]

    def call(self, function: Callable[..., Any], *arguments: Any, **settings: Any) -> Any:
        """A call of a function."""
        return self.graph.call_function(function, arguments, settings)

    def module(self, module: Any, arrays: dict[str, Array], x: Any) -> Any:
        """A call of a module whose weights are these arrays."""
        state = {n: torch.from_numpy(np.array(a)) for n, a in arrays.items()}
        module.load_state_dict(state, strict=False)
        name = f"m{len(list(self.root.children()))}"
        self.root.add_module(name, module)
        return self.graph.call_module(name, (x,))

    def padded(self, x: Any, attributes: Attributes, axes: int, fill: float) -> tuple[Any, Any]:
        """What `pads` and `auto_pad` say: the input, padded if need be, and PyTorch's padding."""
        if attributes.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
            raise CannotRunError("auto_pad has no translation to PyTorch here")
        pads = attributes.get("pads", [0] * 2 * axes)
        low, high = list(pads[:axes]), list(pads[axes:])
        if low == high:
            return x, low
        both = [n for pair in reversed(list(zip(low, high, strict=True))) for n in pair]
        return self.call(f.pad, x, both, value=fill), [0] * axes
