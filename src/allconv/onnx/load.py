"""A file as a network: read, and recorded once where its sizes are known, to refuse it here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from allconv.errors import Error, FileError, ShapeError, UnsupportedError
from allconv.nn.tracing import trace_module
from allconv.onnx.format.refusals import one_error
from allconv.onnx.model import OnnxModel
from allconv.onnx.module import HELD, OnnxModule
from allconv.onnx.read.file import SIZE_LIMIT, Given, naming_file, read_model
from allconv.onnx.read.subgraph import Subgraph
from allconv.operators.base import Spec

_GUESSES = (224, 64)
_NUMBERS = (1, 0)


def load(
    path: Given,
    *,
    inputs: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
    size_limit: int = SIZE_LIMIT,
) -> OnnxModule:
    """Read an ONNX file as a network: its path, its bytes, or an `onnx.ModelProto`.

    Nothing in the file runs. `inputs` and `outputs` name values of the network: the part between
    them is read, and what lies outside may be anything. An input of which the file declares
    nothing has the type that its node tells, float32 where that is no operator of the format, and
    any shape. FileError for what is no legal network, UnsupportedError for what is not supported:
    one, which lists every operator with its domain, operator set, reason and nodes; ArgumentError
    for a name that is no value of the network; LimitError above `size_limit` bytes and for a file
    that asks for more than `onnx.limits` allows: values of an array, constants to be made,
    multiply-adds. Where the file fixes all sizes but the batch, the network is recorded once, so
    that a file whose parts do not fit is refused here.

    >>> import tempfile
    >>> from allconv import nn
    >>> from allconv.onnx import save
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(nn.Linear(3, 2), f"{folder}/model.onnx", (None, 3))
    ...     sorted(load(f"{folder}/model.onnx").parameters())
    ['bias', 'weight']
    """
    subgraph = Subgraph(inputs, outputs)
    with naming_file(path):
        model = read_model(path, size_limit=size_limit, subgraph=subgraph)
        net = OnnxModule(model)
        check_network(net)
        if model.refused:
            raise one_error([(n.name, n.refusal) for n in model.refused if n.refusal])
    return net


def check_network(net: OnnxModule) -> None:
    """Record a network once where its sizes are known; FileError where its parts do not fit.

    A batch declared as 0 is mostly one of any size, so that the network is recorded for 1; where
    it does not fit then, it may still be right for 0. Where sizes, or the numbers of integer
    inputs, are open, two guesses are tried: it is refused if both fail for nodes that are not
    supported.
    """
    inputs = net.model.inputs
    if any(each.static for each in inputs):
        _try(lambda number: check_network(_filled(net, number)), _NUMBERS)
        return
    if any(each.shape is None for each in inputs):
        return
    if any(None in (each.shape or ())[1:] for each in inputs):
        _try(lambda size: trace_module(net, *_specs(net.model, 1, size)), _GUESSES)
        return
    try:
        _record(net, 1)
    except FileError:
        if not any(each.empty for each in inputs):
            raise
        _record(net, 0)


def _record(net: OnnxModule, batch: int) -> None:
    """Record a network; FileError where its parts do not fit."""
    try:
        trace_module(net, *_specs(net.model, batch))
    except ShapeError as error:
        raise FileError(f"the parts of the network do not fit: {error}") from None


def _try(record: Callable[[int], Any], guesses: Sequence[int]) -> None:
    """Raise the first refusal where all guesses are refused; any other end says nothing."""
    refusals: list[UnsupportedError] = []
    for guess in guesses:
        try:
            record(guess)
        except UnsupportedError as error:
            refusals.append(error)
            continue
        except Error:
            return
        return
    raise refusals[0]


def _filled(net: OnnxModule, number: int) -> OnnxModule:
    """The network with this number everywhere in its inputs of integers."""
    given = {
        each.name: np.full([n or 1 for n in each.shape or ()], number, each.dtype)
        for each in net.model.inputs
        if each.static
    }
    return net.with_inputs(**given)


def _specs(model: OnnxModel, batch: int, size: int = 1) -> list[Spec]:
    """The inputs of a model; a batch of any size is one, or `batch` where it is declared as 0."""
    specs = []
    for each in model.inputs:
        number = batch if each.empty else 1
        shape = each.shape or ()
        sizes = tuple(
            n if n is not None else size if axis else number for axis, n in enumerate(shape)
        )
        specs.append(Spec(sizes, "float32" if each.dtype in HELD else each.dtype))
    return specs
