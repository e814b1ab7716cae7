"""A network from a file, as a module like any other."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from allconv.arrays import take_array
from allconv.errors import FileError, ShapeError
from allconv.nn.module import Module
from allconv.nn.new_head import Cut
from allconv.nn.parameter import Buffer, Parameter
from allconv.nn.tracing import trace_module
from allconv.onnx.head import opened, without_head, without_preparation
from allconv.onnx.model import Model
from allconv.onnx.read import SIZE_LIMIT, read_model, told
from allconv.onnx.record import record_model
from allconv.operators.base import Spec
from allconv.value import Value

_WHOLE = ("uint8", "bool")  # dtypes of inputs that are floats here


class OnnxModule(Module):
    """A network that a file describes: called, traced, compiled and trained as any module.

    Its parameters are the float initializers of the file under the file's names; the statistics of
    batch normalisations are buffers, and training does not move them. `classes` are the names of
    the classes and `preprocess` the preprocessing (JSON, for `data.Preprocess.from_json`), where
    the file has them. An input that the file declares as uint8 is given as uint8, or as float32
    with whole numbers from 0 to 255, and one of bool as bool, or as float32, true above 0.
    """

    def __init__(self, model: Model) -> None:
        settings = dict(model.arrays)  # what stays when parameters are replaced: no second copy
        for name in model.parameters:
            self._places()[name] = Parameter.holding(settings.pop(name))
        for name in model.buffers:
            self._places()[name] = Buffer.holding(settings.pop(name))
        self.model = replace(model, arrays=settings)
        self.classes = model.classes
        self.preprocess = model.preprocess

    def forward(self, *x: Any) -> Any:
        """The outputs of the file's graph; a tuple of several."""
        return record_model(self.model, x, self._bound)

    def _bound(self, name: str) -> Value:
        value: Value = Module.__getattr__(self, name)  # whatever attributes a name may shadow
        return value

    def _cut_head(self) -> Cut:
        """See `nn.new_head`."""
        model, weight, bias, name = without_head(self.model, self.state_dict())
        return Cut(self.with_model(model), weight, bias, name)

    def for_any_size(self, layout: str = "nchw") -> OnnxModule:
        """The same network for any number of images of any size, from prepared images on.

        A file that takes pixels loses the nodes that prepare them, and takes (N, C, H, W).
        """
        is_bytes = self.model.inputs[0].dtype == "uint8"
        model = without_preparation(self.model) if is_bytes else opened(self.model, layout)
        return self.with_model(model)

    def with_model(self, model: Model) -> OnnxModule:
        """Another model on this one's parameters and buffers."""
        state = self.state_dict()
        names = (*model.parameters, *model.buffers)
        arrays = {**model.arrays, **{name: state[name] for name in names}}
        return OnnxModule(replace(model, arrays=arrays))

    def __call__(self, *x: Any, training: bool | None = None, seed: int | None = None) -> Any:
        """The outputs for these inputs, as `nn.Module` computes them."""
        given = zip(self.model.inputs, x, strict=False)
        taken = [_floats(each) if expected.dtype in _WHOLE else each for expected, each in given]
        return super().__call__(*taken, *x[len(taken) :], training=training, seed=seed)


def _floats(x: Any) -> Any:
    """Bytes as float32, which holds them exactly; anything else as it is."""
    if isinstance(x, Value):
        return x
    array = take_array("x", x)
    return array.astype(np.float32) if array.dtype.name in _WHOLE else array


def load(path: str | os.PathLike[str], *, size_limit: int = SIZE_LIMIT) -> OnnxModule:
    """Read an ONNX file as a network.

    Nothing in the file runs. FileError for what is no legal network, UnsupportedError (with
    operator, domain and operator set) for what is not supported, LimitError above `size_limit`
    bytes and for a file that asks for more than `onnx.limits` allows: values of an array,
    constants to be made, multiply-adds. Where the file fixes all sizes but the batch, the network
    is recorded once, so that a file whose parts do not fit is refused here.

    >>> import tempfile
    >>> from allconv import nn
    >>> from allconv.onnx import save
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(nn.Linear(3, 2), f"{folder}/model.onnx", (None, 3))
    ...     sorted(load(f"{folder}/model.onnx").parameters())
    ['bias', 'weight']
    """
    net = OnnxModule(read_model(path, size_limit=size_limit))
    with told(Path(path)):
        check_network(net)
    return net


def check_network(net: OnnxModule) -> None:
    """Record a network once where its sizes are known; FileError where its parts do not fit.

    A batch declared as 0 is mostly one of any size, so that the network is recorded for 1; where
    it does not fit then, it may still be right for 0.
    """
    if any(each.shape is None or None in each.shape[1:] for each in net.model.inputs):
        return
    try:
        trace_module(net, *_specs(net.model, 1))
    except (ShapeError, FileError) as error:
        if any(each.empty for each in net.model.inputs):
            trace_module(net, *_specs(net.model, 0))
        elif isinstance(error, FileError):
            raise
        else:
            raise FileError(f"the parts of the network do not fit: {error}") from None


def _specs(model: Model, batch: int) -> list[Spec]:
    """The inputs of a model; a batch of any size is one, or `batch` where it is declared as 0."""
    specs = []
    for each in model.inputs:
        number = batch if each.empty else 1
        shape = tuple(number if n is None else n for n in each.shape or ())
        specs.append(Spec(shape, "float32" if each.dtype in _WHOLE else each.dtype))
    return specs
