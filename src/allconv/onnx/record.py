"""A model recorded: its nodes as operators on the values of a trace."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np

from allconv import trace
from allconv.errors import ArgumentError, Error, FileError, ShapeError, UnsupportedError
from allconv.intake.arrays import frozen
from allconv.onnx.format.limits import MOST_CONSTANTS, Budget
from allconv.onnx.format.refusals import Refusal, one_error
from allconv.onnx.format.text import plain, shown
from allconv.onnx.model import Branch, Input, OnnxModel, OnnxNode, Sizes
from allconv.onnx.names import FOLDS, NAMES, named, since
from allconv.onnx.names.call import Bytes, Condition, NodeCall, Several, unsupported
from allconv.onnx.names.constants import KNOWN, OF_DATA
from allconv.onnx.names.local import LOCAL, read_local
from allconv.onnx.names.sequences import SEQUENCES
from allconv.onnx.read.external import Outside
from allconv.onnx.read.functions import defined
from allconv.onnx.read.nodes import NodeReader
from allconv.onnx.read.validate import check_order, checked
from allconv.operators.base import FLOATS, Array
from allconv.operators.elementary import ToWhole, Truth
from allconv.operators.pointwise import Select
from allconv.trace import Builder
from allconv.value import Value

MOST_FLOATS = 2**16
"""The floats of a node that is computed while one records."""

_ANY = ("CastLike", "If")  # taken with a condition, or a dtype, that may be known
_BY_OPERATORS = ("Expand", "Pad", "Tile")  # of floats in more modes or sizes than of integers
_OF_SEQUENCES = (*SEQUENCES, "Identity")
_EITHER = (
    "its condition is computed from the data; that is supported for one truth value, where both "
    "branches give floats of one shape"
)


@dataclass(frozen=True)
class Missing:
    """What a refused node would have made, of the data or not; what takes it is passed over."""

    of_data: bool


def record_model(model: OnnxModel, x: Sequence[Any], place: Callable[[str], Value]) -> Any:
    """The outputs of a model for these values; `place` gives its parameters and buffers.

    A static input is given as an array. All that is refused is told in one error.
    """
    check_inputs(model, x)
    builder = trace.current()
    if builder is None:
        raise UnsupportedError("a model is recorded inside a trace; call the network")
    known: dict[str, Any] = dict(model.arrays)
    known.update((name, place(name)) for name in (*model.parameters, *model.buffers))
    for each, value in zip(model.inputs, x, strict=True):
        known[each.name] = _taken(each, value)
    recorder = NodeRecorder(builder, Budget(sum(value.size for value in x)))
    try:
        recorder.nodes(model.nodes, known)
    except Error:
        if recorder.refusals:
            raise one_error(recorder.refusals, _before(model, known)) from None
        raise
    if recorder.refusals:
        raise one_error(recorder.refusals, _before(model, known))
    outputs = [_output(known[name], name) for name in model.outputs]
    return outputs[0] if len(outputs) == 1 else tuple(outputs)


def _before(model: OnnxModel, known: Mapping[str, Any]) -> list[str]:
    """The values of the data that nodes take which are missing, and outputs that are there."""
    given = {*model.arrays, *model.parameters, *model.buffers, *(x.name for x in model.inputs)}
    missing = [
        node
        for node in model.nodes
        if any(isinstance(known.get(n), Missing) for n in node.outputs if n)
    ]
    taken = (*(name for node in missing for name in node.uses), *model.outputs)
    return list(
        dict.fromkeys(n for n in taken if n not in given and isinstance(known.get(n), Value))
    )


def _taken(given: Input, value: Any) -> Any:
    """An input as the nodes take it."""
    if not given.static:
        if given.dtype == "bool":
            return Condition(value)
        return Bytes(value, given.dtype) if given.dtype in ("uint8", "int8") else value
    if not isinstance(value, np.ndarray):
        raise UnsupportedError(
            f"input {shown(given.name)} is {given.dtype}, and what is computed depends on its "
            "numbers: fix them with net.with_inputs"
        )
    return value


@dataclass
class NodeRecorder:
    """Records nodes one after the other, and keeps which are refused."""

    builder: Builder
    budget: Budget
    refusals: list[Refusal] = field(default_factory=list)
    lifted: dict[int, tuple[Array, Value]] = field(default_factory=dict)

    def lift(self, array: Array) -> Value:
        """A known array, of the file or computed from it, as a value: each once, and kept so that
        it stays itself."""
        if id(array) not in self.lifted:
            self.lifted[id(array)] = array, self.builder.constant(frozen(array))
        return self.lifted[id(array)][1]

    def nodes(self, nodes: Sequence[OnnxNode], known: dict[str, Any]) -> None:
        """Record nodes; what they make is put with what is known."""
        for node in nodes:
            try:
                missing = self._missing(node, known)
                found = None if missing else self.node(node, known)
            except UnsupportedError as error:
                self.refusals.append((node.name, error))
                found, missing = None, Missing(_of_data(node, known))
            known.update(found or dict.fromkeys(filter(None, node.outputs), missing))

    def _missing(self, node: OnnxNode, known: Mapping[str, Any]) -> Missing | None:
        """What a node makes that takes what is missing; None where all is there."""
        if node.refusal:
            raise node.refusal
        if not any(isinstance(known[name], Missing) for name in node.uses if name):
            return None
        of_data = _of_data(node, known)
        if of_data and named(node) is KNOWN and node.op not in _ANY:
            raise unsupported(node, OF_DATA)
        return Missing(of_data)

    def node(self, node: OnnxNode, known: dict[str, Any]) -> Any:
        """The results of a node by name."""
        operands = [known[name] if name else None for name in node.inputs]
        if any(isinstance(each, Several) for each in operands) and node.op not in _OF_SEQUENCES:
            raise unsupported(node, "of a sequence of arrays")
        if node.op == "If" and not node.domain:
            return self.branch(node, operands[0], known)
        name = None if node.domain else NAMES.get(node.op)
        if name is not None and name.defined:
            name.read(NodeCall(node, operands, self.lift, self.budget))
            return self.defined(node, operands)
        recorded = len(self.builder.nodes)
        with self.builder.at(plain(node.label)):
            found = _results(NodeCall(node, operands, self.lift, self.budget))
        self.budget.take_work(plain(node.label), self.builder.nodes[recorded:])
        return found

    def defined(self, node: OnnxNode, operands: Sequence[Any]) -> dict[str, Any]:
        """What the nodes make by which the format defines an operator."""
        body, taken = defined(node, operands)
        inside: dict[str, Any] = {name: operands[n] for name, n in taken.items()}
        nodes = NodeReader(body.version, Outside(None, 0), {}).body(body)
        self.budget.take_nodes(plain(node.label), len(nodes))
        results = {n: made for n, made in zip(node.outputs, body.outputs, strict=False) if n}
        check_order(nodes, set(inside), list(results.values()))
        self.nodes(list(map(checked, nodes)), inside)
        return {name: inside[made] for name, made in results.items()}

    def branch(self, node: OnnxNode, condition: Any, known: dict[str, Any]) -> Any:
        """What the graph makes that the known condition of an `If` chooses."""
        if isinstance(condition, Condition):
            return self._either(node, condition, known)
        if not isinstance(condition, np.ndarray) or condition.size != 1:
            raise unsupported(node, "its condition is computed from the data")
        return self._inside(
            node, "then_branch" if condition.reshape(-1)[0] else "else_branch", known
        )

    def _either(self, node: OnnxNode, condition: Condition, known: dict[str, Any]) -> Any:
        """What the data choose of what both graphs of an `If` make: both are computed."""
        if prod(condition.shape) != 1:
            raise unsupported(node, _EITHER)
        with self.builder.at(plain(node.label)):
            one = condition.value.reshape(())
        try:
            pairs = [
                self._inside(node, each, self._gated(node, each, one, known))
                for each in ("then_branch", "else_branch")
            ]
        except (FileError, ShapeError) as error:  # of a branch that this shape never chooses, say
            why = error.message.removesuffix("; export the network again")
            raise unsupported(node, f"{_EITHER}; here one does not fit: {why}") from None
        found = {}
        for name in pairs[0]:
            given = [pair[name] for pair in pairs]
            if any(isinstance(each, Missing) for each in given):
                found[name] = Missing(True)
                continue
            a, b = (self.lift(each) if _is_floats(each) else each for each in given)
            if not (isinstance(a, Value) and isinstance(b, Value) and a.shape == b.shape):
                raise unsupported(node, _EITHER)
            with self.builder.at(plain(node.label)):
                found[name] = trace.record(Select(), one, a, b)
        return found

    def _gated(
        self, node: OnnxNode, which: str, chosen: Value, known: Mapping[str, Any]
    ) -> dict[str, Any]:
        """What is known, where a graph takes 0 in place of values that it is not chosen for.

        So no gradient leaves a graph that is not chosen, not even NaN: its own there may be
        infinite, and 0 times that is NaN.
        """
        branch = node.attributes[which]
        names = branch.outside if isinstance(branch, Branch) else ()

        def gated(given: Any) -> Any:
            if isinstance(given, Several):
                return Several(tuple(map(gated, given.items)))
            if isinstance(given, Bytes):
                return replace(given, value=gated(given.value))
            if not isinstance(given, Value):
                return given
            pair = [given, self.lift(np.zeros((), given.dtype))]
            return trace.record(Select(), chosen, *(pair if which == "then_branch" else pair[::-1]))

        with self.builder.at(plain(node.label)):
            return {**known, **{name: gated(known[name]) for name in names if name}}

    def _inside(self, node: OnnxNode, which: str, known: Mapping[str, Any]) -> dict[str, Any]:
        """What one of the graphs of an `If` makes, by the names of the node's outputs."""
        branch = node.attributes[which]
        if not isinstance(branch, Branch) or len(branch.outputs) < len(node.outputs):
            raise unsupported(node, "a branch with fewer outputs than the node")
        inside = {**known, **branch.arrays}
        self.nodes([checked(each) for each in branch.nodes], inside)
        named_outputs = zip(node.outputs, branch.outputs, strict=False)
        return {name: inside[other] for name, other in named_outputs if name}


def _is_floats(given: Any) -> bool:
    return isinstance(given, np.ndarray) and given.dtype.name in FLOATS


def _of_data(node: OnnxNode, known: Mapping[str, Any]) -> bool:
    """Whether a node takes anything that is computed from the inputs."""
    taken = [known[name] for name in node.uses if name]
    return any(each.of_data for each in taken if isinstance(each, Missing)) or any(
        not isinstance(each, np.ndarray | Missing) for each in taken
    )


def check_inputs(model: OnnxModel, x: Sequence[Any]) -> None:
    """Refuse values that are not the inputs that the file declares."""
    if len(x) != len(model.inputs):
        raise ShapeError(f"the network takes {len(model.inputs)} arrays, {len(x)} are given")
    for each, given in zip(model.inputs, x, strict=True):
        check_shape(each, tuple(given.shape))


def check_shape(expected: Input, given: tuple[int, ...]) -> None:
    """Refuse a shape that is not as the file declares it."""
    if not fits_sizes(expected.shape, given):
        sizes = ", ".join("any" if n is None else str(n) for n in expected.shape or ())
        raise ShapeError(f"{shown(expected.name)} is {given}; ({sizes}) is expected")


def fits_sizes(expected: Sizes | None, given: Sequence[int]) -> bool:
    """Whether a shape has the sizes of another, where these are not open (or 0)."""
    if expected is None or len(expected) != len(given):
        return expected is None
    pairs = zip(expected, given, strict=True)
    return all(not isinstance(n, int) or n <= 0 or n == m for n, m in pairs)


def _results(call: NodeCall) -> dict[str, Any]:
    """The results of a node by name, as numbers where all its operands are known."""
    node = call.node
    try:
        results = _read(call)
    except ArgumentError as error:
        raise unsupported(node, str(error)) from None
    except UnsupportedError as error:
        raise error.at(plain(node.name)) from None  # it names the operator itself
    except Error as error:
        known = call.is_known and isinstance(error, ShapeError)  # then the file itself is wrong
        raise (call.wrong(error.message) if known else error).at(plain(node.label)) from None
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise call.wrong(f"{plain(node.label)} breaks the rules of the format: {error}") from error
    except MemoryError:
        raise call.too_large("it needs more memory than there is").at(plain(node.label)) from None
    return {name: each for name, each in zip(node.outputs, results, strict=False) if name}


def _read(call: NodeCall) -> tuple[Any, ...]:
    node = call.node
    if (node.domain, node.op) == LOCAL:
        return (read_local(call),)
    name = NAMES.get(node.op) or SEQUENCES.get(node.op, KNOWN)
    call.is_known = _is_known(call)
    if call.is_known:
        found = FOLDS[node.op](call)
        result = found if isinstance(found, tuple) else np.asarray(found)
    else:
        result = name.read(call)
    call.check_all_read(name)
    results = result if isinstance(result, tuple) else (result,)
    if any(node.outputs[len(results) :]):
        raise call.unsupported(f"output {len(results) + 1}")
    for each in results:
        if isinstance(each, Value):
            call.check_shape(each.shape)
    return results


def _is_known(call: NodeCall) -> bool:
    """Whether a node is computed now: its operands are known integers, or few known floats."""
    op = call.node.op
    given = [x for x in call.operands if x is not None]
    arrays = [x for x in given if isinstance(x, np.ndarray)]
    like = op == "CastLike" and isinstance(call.operands[0], np.ndarray)
    if op not in FOLDS or not given or (len(arrays) < len(given) and not like):
        return False
    if all(x.dtype.kind != "f" for x in arrays):
        if max(x.size for x in arrays) > MOST_CONSTANTS:
            raise call.too_large(f"more than {MOST_CONSTANTS:,} known numbers")
        return True
    few = sum(x.size for x in arrays) <= MOST_FLOATS
    by_operators = op in _BY_OPERATORS and op in NAMES
    return few and call.version >= since.REPEATED and not by_operators


def _output(result: Any, name: str) -> Value | Array:
    if isinstance(result, Value | np.ndarray):
        return result
    if isinstance(result, Condition):
        truth: Value = trace.record(Truth(), result.value)
        return truth
    if isinstance(result, Bytes):
        whole: Value = trace.record(ToWhole(result.dtype), result.value)
        return whole
    raise UnsupportedError(
        f"output {shown(name)} is a sequence; only networks that return arrays are supported"
    )
