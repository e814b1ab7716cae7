"""A network run with the names of ONNX Runtime, so that a program can try this one instead.

import allconv.onnx as onnxruntime
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from allconv.errors import ArgumentError, ShapeError
from allconv.intake.arrays import take_array
from allconv.onnx.format.text import shown
from allconv.onnx.load import load
from allconv.onnx.model import Declared
from allconv.onnx.module import OnnxModule
from allconv.onnx.read.file import Given
from allconv.onnx.record import fits_sizes
from allconv.onnx.runtime.options import PROVIDER, SessionOptions
from allconv.operators.base import Array

_TYPES = {"float": "float32", "double": "float64"}
_SHOWN = 6


@dataclass(frozen=True)
class NodeArg:
    """An input or output: its name, its sizes (open ones by name, or None) and its type.

    `shape` is None where the file declares none.
    """

    name: str
    shape: list[int | str | None] | None
    type: str


@dataclass(frozen=True)
class ModelMetadata:
    """What a file says about itself."""

    custom_metadata_map: Mapping[str, str]
    description: str
    domain: str
    graph_description: str
    graph_name: str
    producer_name: str
    version: int


class InferenceSession:
    """A network from a file, its bytes or a `ModelProto`, run by the methods below, which
    are ONNX Runtime's; IO binding is not there.

    Settings of sessions and providers are taken and have no effect: it runs on this processor, with
    the threads of the process. `network` is the network itself. Errors are those of `onnx.load`,
    and ArgumentError or ShapeError, which name the input, for arrays that do not fit.

    >>> from allconv import nn
    >>> from allconv.onnx.write.file import to_bytes, to_proto
    >>> session = InferenceSession(to_bytes(to_proto(nn.ReLU(), (None, 3))))
    >>> session.get_inputs()
    [NodeArg(name='input', shape=['N', 3], type='tensor(float)')]
    >>> session.run(None, {"input": np.array([[1, -2, 3]], np.float32)})
    [array([[1., 0., 3.]], dtype=float32)]
    """

    def __init__(
        self,
        path_or_bytes: Given,
        sess_options: Any = None,
        providers: Any = None,
        provider_options: Any = None,
        **settings: Any,
    ) -> None:
        self.network: OnnxModule = load(path_or_bytes)
        self._options = sess_options

    def __repr__(self) -> str:
        return f"InferenceSession({self.network!r})"

    def get_inputs(self) -> list[NodeArg]:
        """The inputs, in order."""
        return [_argument(each) for each in self.network.model.declared]

    def get_outputs(self) -> list[NodeArg]:
        """The outputs, in order."""
        return [_argument(each) for each in self.network.model.results]

    def get_overridable_initializers(self) -> list[NodeArg]:
        """Arrays of the file that a call may replace: none."""
        return []

    def get_providers(self) -> list[str]:
        """Where it runs."""
        return [PROVIDER]

    def get_provider_options(self) -> dict[str, dict[str, str]]:
        """The settings of where it runs: none."""
        return {PROVIDER: {}}

    def set_providers(self, providers: Any = None, provider_options: Any = None) -> None:
        """Taken without effect: it runs on this processor."""

    def get_session_options(self) -> Any:
        """The settings that were given."""
        return self._options or SessionOptions()

    def get_modelmeta(self) -> ModelMetadata:
        """What the file says about itself."""
        model = self.network.model
        about = model.about
        return ModelMetadata(
            dict(model.metadata),
            about.doc,
            about.domain,
            about.graph_doc,
            about.graph,
            about.producer,
            about.version,
        )

    def run(
        self,
        output_names: Sequence[str] | None,
        input_feed: Mapping[str, Any],
        run_options: Any = None,
    ) -> list[Array]:
        """The outputs of these names, all for none, for the arrays by the names of the inputs."""
        results = self.network.model.results
        names = [each.name for each in results]
        if isinstance(output_names, str):
            raise ArgumentError("output_names is a text; a list of names, or None, is expected")
        wanted = list(output_names or names)
        for name in wanted:
            if name not in names:
                told = ", ".join(map(shown, names[:_SHOWN]))
                raise ArgumentError(
                    f"{shown(str(name))} is not an output; those of the network are {told}"
                )
        found = self.network(*self._arrays(input_feed))
        outputs = found if isinstance(found, tuple) else (found,)
        by_name = {
            each.name: _returned(each, array) for each, array in zip(results, outputs, strict=True)
        }
        return [by_name[name] for name in wanted]

    def _arrays(self, feed: Mapping[str, Any]) -> list[Array]:
        """The inputs in order, each of the dtype that the file declares."""
        declared = {each.name: each for each in self.network.model.declared}
        if not isinstance(feed, Mapping):
            raise ArgumentError(
                f"input_feed is {type(feed).__name__}; arrays by the names of inputs are expected"
            )
        missing = [name for name in declared if name not in feed]
        extra = [str(name) for name in feed if name not in declared]
        if missing or extra:
            told = "".join(
                f"; {what} {', '.join(map(shown, names[:_SHOWN]))}"
                for what, names in (("it lacks", missing), ("no inputs are", extra))
                if names
            )
            raise ArgumentError(
                "input_feed gives other names than those of the inputs: "
                f"{', '.join(map(shown, list(declared)[:_SHOWN]))}{told}"
            )
        return [_taken(each, feed[name]) for name, each in declared.items()]


def _argument(given: Declared) -> NodeArg:
    if given.shape is None:
        return NodeArg(given.name, None, given.type)
    sizes = [None if isinstance(n, int) and n < 0 else n for n in given.shape]
    return NodeArg(given.name, sizes, given.type)


def _dtype(given: Declared) -> str:
    """The name of a dtype in NumPy: "float32" for "tensor(float)"."""
    return _TYPES.get(given.dtype, given.dtype)


def _taken(expected: Declared, given: Any) -> Array:
    """An array of the declared dtype and shape; any other is refused."""
    array, dtype = take_array(expected.name, given), _dtype(expected)
    if isinstance(given, list | tuple) and array.dtype.kind in "iufb" and dtype != "bfloat16":
        array = array.astype(dtype)  # numbers of Python have no dtype of their own
    if dtype != "bfloat16" and array.dtype.name != dtype:
        raise ArgumentError(f"{shown(expected.name)} is {array.dtype.name}; {dtype} is expected")
    if not fits_sizes(expected.shape, array.shape):
        raise ShapeError(f"{shown(expected.name)} is {array.shape}; {expected.shape} is expected")
    return array


def _returned(declared: Declared, array: Any) -> Array:
    """An output; of the two bytes that the file declares where it does."""
    if _dtype(declared) == "float16":
        with np.errstate(over="ignore"):
            return np.asarray(array, np.float16)
    return np.asarray(array)
