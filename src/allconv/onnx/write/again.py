"""A network from a file written again as it was: its nodes, names, operator set, what it says.

Only its parameters are those that it has now. What was converted on the way in, and a network with
other inputs or another dtype, is written from its graph instead (`write`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

import numpy as np

from allconv.errors import ArgumentError
from allconv.nn.tracing import network_dtype
from allconv.onnx.format.metadata import PRODUCER
from allconv.onnx.format.protos import IR_VERSION, check_size, node_proto, value_proto
from allconv.onnx.format.tensors import fill_tensor
from allconv.onnx.model import Declared, OnnxModel, OnnxNode
from allconv.onnx.module import OnnxModule
from allconv.onnx.names.local import LocalLayer, call_local
from allconv.onnx.write.network import Shape, network_of
from allconv.operators.base import FLOATS
from allconv.version import __version__
from onnx import ModelProto, TensorProto, ValueInfoProto, helper


def can_be_kept(net: Any) -> TypeGuard[OnnxModule]:
    """Whether a network can be written as the file had it."""
    if not isinstance(net, OnnxModule) or net.model.converted:
        return False
    model = net.model
    floats = {each.dtype for each in model.inputs if each.dtype in FLOATS}
    same = not net.parameters() or not floats or floats == {network_dtype(net)}
    return same and _of_set(model.nodes, model.opset)


def _of_set(nodes: Sequence[OnnxNode], opset: int) -> bool:
    """Whether all nodes are of one operator set: those of a function may be of another."""
    return all(
        node.version == opset and all(_of_set(each.nodes, opset) for each in node.branches)
        for node in nodes
    )


def to_proto_again(
    net: OnnxModule, shapes: Sequence[Shape] | None, entries: Mapping[str, str]
) -> ModelProto:
    """The model of a network from a file, for inputs of these shapes or, without, of any."""
    model, state = net.model, net.state_dict()
    if shapes is not None and len(model.inputs) != len(shapes):
        raise ArgumentError(
            f"the network takes {len(model.inputs)} arrays; give the shape of each, or leave shape "
            "out, and they are those of its file"
        )
    arrays = {**model.arrays, **state}
    check_size(arrays.values())
    made = ModelProto()
    graph = made.graph
    _values(graph, net, shapes)
    for name, array in arrays.items():
        fill_tensor(graph.initializer.add(), name, np.asarray(array))
    _about(made, model)
    for node in model.nodes:
        layer = LocalLayer.from_tag(node.tag) if node.domain else None
        graph.node.append(call_local(made, layer, node) if layer else node_proto(node))
    helper.set_model_props(made, {**model.metadata, **entries})
    return made


def _values(graph: Any, net: OnnxModule, shapes: Sequence[Shape] | None) -> None:
    """The inputs and outputs: as declared, or of the shapes that follow from those given."""
    model = net.model
    names = {each.name for each in model.inputs}
    inputs = [_value(each) for each in model.declared if each.name in names]
    outputs = [_value(each) for each in model.results]
    if shapes is not None:
        network = network_of(net, shapes)
        given = zip(model.inputs, shapes, strict=True)
        inputs = [value_proto(each.name, each.dtype, shape) for each, shape in given]
        pairs = zip(model.outputs, network.recorded.results, strict=True)
        outputs = [value_proto(n, value.dtype, network.shapes[value]) for n, value in pairs]
    graph.input.extend(inputs)
    graph.output.extend(outputs)


def _value(declared: Declared) -> ValueInfoProto:
    """An input or output as the file declared it."""
    code = dict(TensorProto.DataType.items()).get(declared.dtype.upper(), 0)
    return helper.make_tensor_value_info(declared.name, code, declared.shape)


def _about(made: ModelProto, model: OnnxModel) -> None:
    """The operator set, and what the file says about itself."""
    about = model.about
    made.opset_import.append(helper.make_opsetid("", model.opset))
    made.ir_version = max(IR_VERSION, helper.find_min_ir_version_for(made.opset_import, True))
    made.producer_name, made.producer_version = PRODUCER, __version__
    made.graph.name = about.graph or "allconv"
    made.graph.doc_string, made.doc_string = about.graph_doc, about.doc
    made.domain, made.model_version = about.domain, about.version
