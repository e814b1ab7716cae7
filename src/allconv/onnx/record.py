"""A model recorded: its nodes as operators on the values of a trace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from allconv import trace
from allconv.errors import ArgumentError, Error, ShapeError, UnsupportedError
from allconv.onnx.call import Bytes, Call, Condition, unsupported
from allconv.onnx.limits import Budget
from allconv.onnx.model import Input, Model
from allconv.onnx.names import LOCAL, NAMES
from allconv.onnx.names.constants import FOLDS
from allconv.onnx.names.local import read_local
from allconv.onnx.text import plain, shown
from allconv.operators.base import Array
from allconv.operators.elementary import Truth
from allconv.value import Value

_KINDS: dict[str, Callable[[Value], Any]] = {"bool": Condition, "uint8": Bytes}


def _as_it_is(value: Value) -> Value:
    return value


def record_model(model: Model, x: Sequence[Value], place: Callable[[str], Value]) -> Any:
    """The outputs of a model for these values; `place` gives its parameters and buffers."""
    check_inputs(model, x)
    builder = trace.current()
    if builder is None:
        raise UnsupportedError("a model is recorded inside a trace; call the network")
    lifted: dict[int, tuple[Array, Value]] = {}  # each array once, kept so that it stays itself

    def lift(array: Array) -> Value:
        if id(array) not in lifted:
            lifted[id(array)] = array, builder.constant(array)
        return lifted[id(array)][1]

    budget = Budget(sum(value.size for value in x))
    known: dict[str, Any] = dict(model.arrays)
    known.update((name, place(name)) for name in (*model.parameters, *model.buffers))
    for each, value in zip(model.inputs, x, strict=True):
        known[each.name] = _KINDS.get(each.dtype, _as_it_is)(value)
    for node in model.nodes:
        operands = [known[name] if name else None for name in node.inputs]
        recorded = len(builder.nodes)
        with builder.at(plain(node.label)):
            known.update(_results(Call(node, operands, lift, budget)))
        budget.take_work(plain(node.label), builder.nodes[recorded:])
    outputs = [_output(known[name], name) for name in model.outputs]
    return outputs[0] if len(outputs) == 1 else tuple(outputs)


def check_inputs(model: Model, x: Sequence[Any]) -> None:
    """Refuse values that are not the inputs that the file declares."""
    if len(x) != len(model.inputs):
        raise ShapeError(f"the network takes {len(model.inputs)} arrays, {len(x)} are given")
    for each, given in zip(model.inputs, x, strict=True):
        if not _fits(each, tuple(given.shape)):
            sizes = ", ".join("any" if n is None else str(n) for n in each.shape or ())
            raise ShapeError(f"{shown(each.name)} is {tuple(given.shape)}; ({sizes}) is expected")


def _fits(expected: Input, given: tuple[int, ...]) -> bool:
    if expected.shape is None:
        return True
    return len(expected.shape) == len(given) and all(
        n is None or n == m for n, m in zip(expected.shape, given, strict=True)
    )


def _results(call: Call) -> dict[str, Any]:
    """The results of a node by name, as numbers where all its operands are known integers."""
    node = call.node
    try:
        results = _read(call)
    except ArgumentError as error:
        raise unsupported(node, str(error)) from None
    except UnsupportedError as error:
        raise error.at(plain(node.name)) from None  # it names the operator itself
    except Error as error:
        raise error.at(plain(node.label)) from None
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise call.wrong(f"{plain(node.label)} breaks the rules of the format: {error}") from error
    except MemoryError:
        raise call.too_large("it needs more memory than there is").at(plain(node.label)) from None
    return {name: each for name, each in zip(node.outputs, results, strict=False) if name}


def _read(call: Call) -> tuple[Any, ...]:
    node = call.node
    if (node.domain, node.op) == LOCAL:
        return (read_local(call),)
    name = NAMES[node.op]
    folds = node.op in FOLDS and _is_known(call.operands)
    result = np.asarray(FOLDS[node.op](call)) if folds else name.read(call)
    call.check_all_read(name)
    results = result if isinstance(result, tuple) else (result,)
    if any(node.outputs[len(results) :]):
        raise call.unsupported(f"output {len(results) + 1}")
    for each in results:
        if isinstance(each, Value):
            call.check_shape(each.shape)
    return results


def _is_known(operands: Sequence[Any]) -> bool:
    """Whether all operands are arrays of integers, as in the arithmetic of shapes."""
    return all(x is None or (isinstance(x, np.ndarray) and x.dtype.kind in "iub") for x in operands)


def _output(result: Any, name: str) -> Value | Array:
    if isinstance(result, Value):
        return result
    if isinstance(result, np.ndarray) and result.dtype.kind == "f":
        return result
    if isinstance(result, Condition):
        truth: Value = trace.record(Truth(), result.value)
        return truth
    dtype = "uint8" if isinstance(result, Bytes) else result.dtype.name
    raise UnsupportedError(
        f"output {shown(name)} is {dtype}; only networks that return floats are supported"
    )
