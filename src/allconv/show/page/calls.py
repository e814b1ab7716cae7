"""The layer of a state in other frameworks, as texts that can be copied: see `ac.conventions`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from allconv import conventions, nn
from allconv.errors import Error
from allconv.show.stage.state import State

TITLES = {
    "allconv": "allconv",
    "torch": "PyTorch",
    "tensorflow": "TensorFlow",
    "keras": "Keras",
    "jax": "JAX",
    "onnx": "ONNX",
    "scipy": "SciPy",
    "opencv": "OpenCV",
}
LAYERS = {
    "conv": "Conv",
    "true_conv": "Conv",
    "conv_transpose": "ConvTranspose",
    "local": "LocallyConnected",
    "max_pool": "MaxPool",
    "avg_pool": "AvgPool",
}
"""The layers of `nn`, each of one and of two axes."""


def calls_of(state: State) -> list[dict[str, str]]:
    """The calls of every framework that has such a layer: [{"name": "PyTorch", "text": ...}]."""
    found = []
    for framework in conventions.FRAMEWORKS:
        try:
            layer = layer_of(state)
            shape = (1, state.channels[0], *_axes(state, state.input))
            text = conventions.call(layer, framework, shape)
        except Error:
            continue
        found.append({"name": TITLES.get(framework, framework), "text": text})
    return found


def layer_of(state: State) -> nn.Module:
    """The layer of `nn` with the settings of a state."""
    inputs, outputs = state.channels
    if state.op == "linear":
        raise Error("a linear layer takes rows")
    make: Callable[..., nn.Module] = getattr(nn, f"{LAYERS[state.op]}{state.dim}d")
    own = partial(_axes, state)
    kernel, settings = own(state.kernel), {"stride": own(state.stride), "padding": _padding(state)}
    if state.op == "max_pool":
        return make(kernel, dilation=own(state.dilation), ceil_mode=state.ceil, **settings)
    if state.op == "avg_pool":
        counted = state.count_padding
        return make(kernel, ceil_mode=state.ceil, count_include_pad=counted, **settings)
    settings |= {"dilation": own(state.dilation), "groups": state.groups, "bias": state.bias}
    if state.op == "conv_transpose":
        return make(inputs, outputs, kernel, output_padding=own(state.output_padding), **settings)
    if state.op == "local":
        return make(inputs, outputs, kernel, own(state.input), **settings)
    settings |= {"input_dilation": own(state.spread), "flip": state.op == "true_conv"}
    return make(inputs, outputs, kernel, **settings)


def _axes(state: State, pair: tuple[int, int]) -> tuple[int, ...]:
    return pair if state.dim == 2 else pair[1:]


def _padding(state: State) -> Any:
    """As functions take it; of pooling a number an axis."""
    if isinstance(state.padding, str):
        return 0 if state.is_pool else state.padding
    sides = state.padding[2 - state.dim :]
    return tuple(low for low, _ in sides) if state.is_pool else sides
