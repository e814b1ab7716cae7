"""The layer of a state in other frameworks, as texts that can be copied: see `ac.conventions`."""

from __future__ import annotations

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
    settings: dict[str, Any] = {"stride": _axes(state, state.stride), "padding": _padding(state)}
    kernel, dim = _axes(state, state.kernel), state.dim
    if state.op in ("max_pool", "avg_pool"):
        settings |= {"ceil_mode": state.ceil, "padding": _pool_padding(state)}
        if state.op == "avg_pool":
            settings["count_include_pad"] = state.count_padding
        else:
            settings["dilation"] = _axes(state, state.dilation)
        pool = nn.MaxPool1d if state.op == "max_pool" else nn.AvgPool1d
        pool2 = nn.MaxPool2d if state.op == "max_pool" else nn.AvgPool2d
        return (pool if dim == 1 else pool2)(kernel, **settings)
    settings |= {"dilation": _axes(state, state.dilation)}
    settings |= {"groups": state.groups, "bias": state.bias}
    if state.op == "conv_transpose":
        settings["output_padding"] = _axes(state, state.output_padding)
        transposed = nn.ConvTranspose1d if dim == 1 else nn.ConvTranspose2d
        return transposed(inputs, outputs, kernel, **settings)
    if state.op == "local":
        local = nn.LocallyConnected1d if dim == 1 else nn.LocallyConnected2d
        return local(inputs, outputs, kernel, _axes(state, state.input), **settings)
    convolution = nn.Conv1d if dim == 1 else nn.Conv2d
    settings["input_dilation"] = _axes(state, state.spread)
    return convolution(inputs, outputs, kernel, flip=state.op == "true_conv", **settings)


def _axes(state: State, pair: tuple[int, int]) -> tuple[int, ...]:
    return pair if state.dim == 2 else pair[1:]


def _padding(state: State) -> Any:
    if isinstance(state.padding, str):
        return state.padding
    return tuple(state.padding[2 - state.dim :])


def _pool_padding(state: State) -> tuple[int, ...]:
    if isinstance(state.padding, str):
        return (0,) * state.dim
    return tuple(low for low, _ in state.padding[2 - state.dim :])
