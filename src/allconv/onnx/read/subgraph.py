"""A part of a file's network, cut out by the names of its values, before anything else is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any

from allconv.errors import ArgumentError
from allconv.intake.settings import is_sequence
from allconv.onnx.format.text import shown
from allconv.onnx.model import OnnxNode
from allconv.onnx.read.element_types import code_of, element_types
from allconv.text import encodable
from onnx import ValueInfoProto

_SHOWN = 6

Names = Sequence[str] | None
"""Names of values; None for those that the file has."""


@dataclass(frozen=True)
class Subgraph:
    """The part of a network that is read: from these inputs to these outputs."""

    inputs: Names = None
    outputs: Names = None

    def __post_init__(self) -> None:
        for role in ("inputs", "outputs"):
            given = getattr(self, role)
            if given is None:
                continue
            if not is_sequence(given):
                raise ArgumentError(
                    f"{role} are {type(given).__name__}; a list of names is expected"
                )
            for each in given:
                if not isinstance(each, str) or not each:
                    raise ArgumentError(f"{role} hold {each!r}; a list of names is expected")
            if not given or len(set(given)) < len(given):
                raise ArgumentError(f"{role} are {len(given)} names; give one or more, each once")

    def cut(
        self, graph: Any, nodes: list[OnnxNode], arrays: AbstractSet[str]
    ) -> tuple[list[OnnxNode], list[ValueInfoProto], list[ValueInfoProto]]:
        """The nodes of the subgraph, its inputs and its outputs."""
        inputs, outputs = list(graph.input), list(graph.output)
        if self.inputs is None and self.outputs is None:
            return nodes, inputs, outputs
        infos = {
            encodable(each.name): each for each in (*graph.value_info, *graph.output, *graph.input)
        }
        codes = _codes(graph, nodes, infos)
        made = {name for node in nodes for name in node.outputs}
        made |= {encodable(each.name) for each in inputs}
        for name in (*(self.inputs or ()), *(self.outputs or ())):
            if name not in made:
                raise ArgumentError(
                    f"{shown(name)} is not a value of the network{_alike(name, made)}"
                )
        if self.outputs is not None:
            outputs = [_info(name, infos, codes) for name in self.outputs]
        if self.inputs is not None:
            nodes = _from(nodes, set(self.inputs))
        nodes = _leading_to(nodes, {encodable(each.name) for each in outputs})
        taken = {name for node in nodes for name in node.uses}
        taken |= {encodable(each.name) for each in outputs}
        if self.inputs is None:
            return nodes, [each for each in inputs if encodable(each.name) in taken], outputs
        for each in inputs:
            name = encodable(each.name)
            if name in taken and name not in self.inputs and name not in arrays:
                raise ArgumentError(
                    f"the outputs need {shown(name)}, too; name it among the inputs"
                )
        return nodes, [_info(name, infos, codes) for name in self.inputs], outputs


WHOLE = Subgraph()


def _from(nodes: Sequence[OnnxNode], given: AbstractSet[str]) -> list[OnnxNode]:
    """The nodes, which no longer make what is given."""
    return [
        replace(node, outputs=tuple("" if name in given else name for name in node.outputs))
        if given & set(node.outputs)
        else node
        for node in nodes
    ]


def _leading_to(nodes: Sequence[OnnxNode], wanted: set[str]) -> list[OnnxNode]:
    """The nodes that make what is wanted, or what these take."""
    wanted, kept = set(wanted), []
    for node in reversed(nodes):
        if wanted.intersection(filter(None, node.outputs)):
            kept.append(node)
            wanted.update(node.uses)
    return kept[::-1]


def _codes(
    graph: Any, nodes: Sequence[OnnxNode], infos: Mapping[str, ValueInfoProto]
) -> dict[str, int]:
    """The element types of values, as far as they are declared or nodes tell them."""
    declared = {encodable(each.name): each.data_type for each in graph.initializer}
    declared.update((name, _declared(each)) for name, each in infos.items())
    return element_types(nodes, {name: code for name, code in declared.items() if code})


def _declared(info: ValueInfoProto) -> int:
    """An element type, negative of a sequence, 0 where none is told."""
    if info.type.WhichOneof("value") == "sequence_type":
        return -int(info.type.sequence_type.elem_type.tensor_type.elem_type)
    return int(info.type.tensor_type.elem_type)


def _info(
    name: str, infos: Mapping[str, ValueInfoProto], codes: Mapping[str, int]
) -> ValueInfoProto:
    """What a file says about a value; one of any shape where it says nothing."""
    if name in infos and _declared(infos[name]):
        return infos[name]
    info = ValueInfoProto(name=name)
    info.type.tensor_type.elem_type = code_of(name, codes)
    return info


def _alike(name: str, made: AbstractSet[str]) -> str:
    """Names that have to do with one that is not there."""
    found = sorted(each for each in made if each and (each in name or name in each))
    return f"; there are {', '.join(map(shown, found[:_SHOWN]))}" if found else ""
