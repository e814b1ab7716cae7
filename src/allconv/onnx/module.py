"""A network from a file, as a module like any other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from allconv.errors import ArgumentError, LimitError
from allconv.intake.arrays import take_array
from allconv.nn.module import Module
from allconv.nn.parameter import Buffer, Parameter
from allconv.nn.rewrites.new_head import BaseAndHead
from allconv.nn.summary import Summary
from allconv.onnx.format.text import plain, shown
from allconv.onnx.head import opened, without_head, without_preparation
from allconv.onnx.model import Input, OnnxModel
from allconv.onnx.record import check_shape, record_model
from allconv.operators.base import FLOATS, Array
from allconv.value import Value

MOST_STATIC = 2**16
"""The numbers of an input of integers."""

_KEPT = 8  # networks with fixed inputs of integers
_SHOWN = 6
HELD = ("uint8", "int8", "bool")  # dtypes of inputs that are floats here


class OnnxModule(Module):
    """A network that a file describes: called, traced, compiled and trained as any module.

    Its parameters are the float initializers of the file under the file's names; the statistics of
    batch normalisations are buffers, and training does not move them. `classes` are the names of
    the classes and `preprocess` the preprocessing (JSON, for `data.Preprocess.from_json`), where
    the file has them; `notes` say what was converted. An image that the file declares as uint8 is
    given as uint8, or as float32 with whole numbers from 0 to 255.

    Inputs may be given by name. One of integers or truth values decides what is computed: a call
    takes it like any other, and `with_inputs` fixes it, so that the network can be traced.
    """

    def __init__(self, model: OnnxModel) -> None:
        settings = dict(model.arrays)  # what stays when parameters are replaced: no second copy
        for name in model.parameters:
            self._places()[name] = Parameter.holding(settings.pop(name))
        for name in model.buffers:
            self._places()[name] = Buffer.holding(settings.pop(name))
        self.model = replace(model, arrays=settings)
        self.classes = model.classes
        self.preprocess = model.preprocess
        self.notes = model.notes
        self._fixed: dict[Any, OnnxModule] = {}

    @property
    def input_names(self) -> tuple[str, ...]:
        """The names of the inputs, in order."""
        return tuple(each.name for each in self.model.inputs)

    @property
    def output_names(self) -> tuple[str, ...]:
        """The names of the outputs, in order."""
        return self.model.outputs

    @property
    def fixed_batch(self) -> int | None:
        """How many images the file takes and no other number of them; None: any."""
        shape = self.model.inputs[0].shape if self.model.inputs else None
        return shape[0] or None if shape else None

    def forward(self, *x: Any) -> Any:
        """The outputs of the file's graph; a tuple of several."""
        return record_model(self.model, x, self._bound)

    def _bound(self, name: str) -> Value:
        value: Value = Module.__getattr__(self, name)  # whatever attributes a name may shadow
        return value

    def summary(self, *shapes: tuple[int, ...]) -> Summary:
        """A table with a row a node that computes: output shape, parameters, multiply-adds.

        The shapes of the inputs include the batch; they may be left out where the file says them,
        but for the batch, which then is 1.
        """
        return super().summary(*(shapes or _declared_shapes(self.model)))

    def _recorded_as(self) -> list[str]:
        """The names of the nodes, those of branches, too."""
        nodes = list(self.model.nodes)
        for node in nodes:
            nodes.extend(inner for branch in node.branches for inner in branch.nodes)
        return [plain(node.label) for node in nodes]

    def _cut_head(self) -> BaseAndHead:
        """See `nn.rewrites.new_head`."""
        model, weight, bias, name = without_head(self.model, self.state_dict())
        return BaseAndHead(self.with_model(model), weight, bias, name)

    def for_any_size(self, layout: str = "nchw") -> OnnxModule:
        """The same network for any number of images of any size, from prepared images on.

        A file that takes pixels loses the nodes that prepare them, and takes (N, C, H, W).
        """
        is_bytes = self.model.inputs[0].dtype == "uint8"
        model = without_preparation(self.model) if is_bytes else opened(self.model, layout)
        return self.with_model(model)

    def with_model(self, model: OnnxModel) -> OnnxModule:
        """Another model on this one's parameters and buffers."""
        state = self.state_dict()
        names = (*model.parameters, *model.buffers)
        arrays = {**model.arrays, **{name: state[name] for name in names}}
        return OnnxModule(replace(model, arrays=arrays))

    def __call__(
        self, *x: Any, training: bool | None = None, seed: int | None = None, **named: Any
    ) -> Any:
        """The outputs for these inputs, in order or by name, as `nn.Module` computes them."""
        x = self._ordered(x, named)
        static = self._static(x)
        if static:
            rest = [each for n, each in enumerate(x) if not self._is_static(n)]
            return self._with(static)(*rest, training=training, seed=seed)
        given = zip(self.model.inputs, x, strict=False)
        taken = [_floats(expected, each) for expected, each in given]
        taken += x[len(taken) :]
        return super().__call__(*taken, training=training, seed=seed)

    def _is_static(self, number: int) -> bool:
        inputs = self.model.inputs
        return number < len(inputs) and inputs[number].static

    def _ordered(self, x: Sequence[Any], named: Mapping[str, Any]) -> tuple[Any, ...]:
        """Inputs given in order and by name, in order."""
        if not named:
            return tuple(x)
        rest = self.input_names[len(x) :]
        if set(rest) != set(named):
            names = ", ".join(map(shown, self.input_names[:_SHOWN]))
            raise ArgumentError(f"the inputs of the network are {names}; give each once")
        return (*x, *(named[name] for name in rest))

    def _static(self, x: Sequence[Any]) -> dict[str, Array]:
        """The inputs of integers and truth values, as arrays."""
        found = {}
        for each, given in zip(self.model.inputs, x, strict=False):
            if each.static and not isinstance(given, Value):
                found[each.name] = _fixed(each, given)
        return found

    def with_inputs(self, **arrays: Any) -> OnnxModule:
        """The network with some inputs fixed, on the same parameters.

        Inputs of integers must be fixed before a network is traced, compiled or written:

            net.with_inputs(sizes=[1, 3, 32, 32])
        """
        by_name = {each.name: each for each in self.model.inputs}
        for name in arrays:
            if name not in by_name:
                names = ", ".join(map(shown, list(by_name)[:_SHOWN]))
                raise ArgumentError(
                    f"{shown(name)} is not an input; those of the network are {names}"
                )
        return self._with({name: _fixed(by_name[name], each) for name, each in arrays.items()})

    def _with(self, arrays: Mapping[str, Array]) -> OnnxModule:
        """The network with these inputs as arrays: the last few are kept, with their programs."""
        key = tuple((n, a.shape, a.dtype.name, a.tobytes()) for n, a in sorted(arrays.items()))
        if key not in self._fixed:
            if len(self._fixed) == _KEPT:
                del self._fixed[next(iter(self._fixed))]
            net = OnnxModule.__new__(OnnxModule)
            net.__dict__.update(self.__getstate__())  # places are shared: one set of weights
            net.__dict__["_fixed"] = {}
            net.model = replace(
                self.model,
                inputs=tuple(each for each in self.model.inputs if each.name not in arrays),
                arrays={**self.model.arrays, **arrays},
            )
            self._fixed[key] = net
        return self._fixed[key]

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_fixed": {}}

    def _settings(self) -> Iterator[str]:
        model = self.model
        yield f"{', '.join(map(_told, model.inputs[:_SHOWN]))} -> " + ", ".join(
            plain(name) for name in model.outputs[:_SHOWN]
        )
        counts = Counter(plain(node.op) for node in model.nodes)
        kinds = [f"{op} x {n}" if n > 1 else op for op, n in counts.most_common(_SHOWN)]
        more = ", ..." if len(counts) > _SHOWN else ""
        yield f"{len(model.nodes):,} nodes: {', '.join(kinds)}{more}"
        held = sum(place.spec.size for place in self.named_places().values() if place.trainable)
        yield f"{held:,} parameters"


def _declared_shapes(model: OnnxModel) -> list[tuple[int, ...]]:
    """The shapes of the inputs as the file says them."""
    found = []
    for each in model.inputs:
        shape = each.shape
        if shape is None or None in shape[1:]:
            raise ArgumentError(f"{_told(each)}: sizes are open; give the shapes of the inputs")
        found.append(tuple(n or 1 for n in shape))
    return found


def _told(given: Input) -> str:
    """An input in a few words."""
    shape = "any" if given.shape is None else given.shape
    return f"{plain(given.name)}: {given.dtype} {shape}".replace("None", "any")


def _floats(expected: Input, x: Any) -> Any:
    """Bytes, truth values and floats of two bytes as float32, which holds them exactly."""
    if isinstance(x, Value):
        return x
    array = take_array("x", x)
    half = array.dtype == np.float16 and expected.dtype == "float32"
    whole = array.dtype.name == expected.dtype and expected.dtype in HELD
    return array.astype(np.float32) if half or whole else array


def _fixed(expected: Input, given: Any) -> Array:
    """The numbers of an input that is fixed."""
    name = plain(expected.name)
    array = take_array(name, given)
    check_shape(expected, array.shape)
    if array.size > MOST_STATIC:
        raise LimitError(
            f"{name} has {array.size:,} numbers; at most {MOST_STATIC:,} are supported"
        )
    kinds = "iubf" if expected.dtype in FLOATS else "iub"
    if expected.static and array.dtype.kind not in kinds and array.size:
        raise ArgumentError(f"{name} is {array.dtype.name}; {expected.dtype} is expected")
    if np.dtype(expected.dtype).kind in "iu" and array.dtype.kind in "iu" and array.size:
        limits = np.iinfo(expected.dtype)
        if int(array.min()) < limits.min or int(array.max()) > limits.max:
            raise ArgumentError(f"{name} holds numbers that {expected.dtype} cannot hold")
    made = np.array(array, expected.dtype)
    made.flags.writeable = False
    return made
