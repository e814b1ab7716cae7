"""Calls with hostile arguments, drawn by the signatures of what is called."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, isclass, signature
from random import Random
from typing import Any

import allconv as ac
from allconv import functional, nn, sizes
from hostile.values import SHAPES, draw_array, hostile, plain

FUNCTIONS = (
    "lambda x: x", "lambda x: x * 2.0", "lambda x: (x * x).sum()", "lambda x: F.relu(x).mean()",
    "lambda x: F.softplus(x).sum()", "lambda x, y: (x * y).sum()", "lambda x: (x, x)",
    "lambda x: {'a': x}", "lambda x: None", "lambda x: 3", "lambda x: 'a'", "lambda: 1.0",
    "lambda x: deep_list()", "lambda x: looped_list()", "lambda x: np.ones(3)",
    "lambda x: np.ones(3, int)", "lambda x: np.full(3, None)",
    "F.relu", "F.softmax", "nn.ReLU()", "nn.Linear(5, 2)", "nn.Conv1d(2, 2, 3)", "Inside()",
    "deep_network()", "nn.Sequential()", "nn.Sequential(nn.Dropout(), nn.Flatten())",
    "nn.BatchNorm1d(2)",
)  # fmt: skip
USES = (  # of a value x of a trace and something hostile h
    "x + h", "h - x", "x * h", "h / x", "x ** h", "h ** x", "x @ h", "h @ x", "x[h]", "x[h:]",
    "x[0, h]", "x.reshape(h)", "x.reshape(2, h)", "x.sum(h)", "x.mean(h, keepdims=True)",
    "x.sum(0, keepdims=h)", "x.transpose(h)", "x.astype(h)", "np.concatenate([x, h])",
    "np.concatenate([x, x], h)", "np.transpose(x, h)", "np.sum(x, h)", "np.maximum(x, h)",
    "F.conv1d(x, h)", "F.pad(x, h)", "F.concatenate([x, h], 0)", "F.linear(x, h)", "[x, h]",
    "F.softmax(x, h)", "F.leaky_relu(x, h)", "F.dropout(x, seed=h)", "F.cross_entropy(x, h)",
)  # fmt: skip
ASKED = (  # of a layer and something hostile h
    "{}(h)", "{}(np.ones((1, 2, 5), np.float32), training=h, seed=0)",
    "{}(h, training=True, seed=h)",
    "{}(np.ones((1, 2, 5), np.float32), training=True, seed=h)",
    "{}.backward(np.ones((1, 2, 5), np.float32), h)", "{}.backward(h, h)",
    "{}.backward((h,), np.ones((1, 2, 5), np.float32))", "{}.load_state_dict(h)",
    "{}.load_state_dict({{'weight': h}}, strict=False)", "{}.astype(h)", "{}.summary(h)",
    "{}.initialize(h)", "setattr({}, 'weight', h)", "setattr({}, 'other', h)", "repr({})",
    "nn.Sequential({}, h)", "{}.state_dict()", "str({}.summary((1, 2, 5)))", "{}(h, h)", "{}()",
    "nn.Parameter(h)", "nn.Buffer(h)", "nn.networks.build(h, 1, 8, 2)",
    "nn.networks.build('plain', h, h, 2)", "ac.as_matrix({}, h)", "ac.as_matrix({}, (1, 2, 5), h)",
    "ac.receptive_field({}, h)", "ac.receptive_field({}, (1, 2, 5), input=h)",
    "ac.receptive_field({})", "ac.rewrite.densify({}, h)", "ac.rewrite.fold_batchnorm({}, h)",
)  # fmt: skip


def draw_call(draw: Random) -> str:
    """The text of one call."""
    return draw.choice(_DRAWN)(draw)


def _functional(draw: Random) -> str:
    name = draw.choice(functional.__all__)
    return f"F.{name}({_arguments(draw, getattr(functional, name), _axes(draw, name))})"


def _plain(draw: Random) -> str:
    names = ("correlate", "convolve", "correlate_transpose", "correlate_weight", "count_layers")
    name = draw.choice(names)
    return f"ac.{name}({_arguments(draw, getattr(ac, name), 1)})"


def _sizes(draw: Random) -> str:
    names = ("output_size", "input_sizes", "paddings", "output_padding", "ceil_mode_adds")
    name = draw.choice(names)
    return f"sizes.{name}({_arguments(draw, getattr(sizes, name), 1)})"


def _layer(draw: Random) -> str:
    name = draw.choice([n for n in nn.__all__ if isclass(getattr(nn, n)) and n != "Module"])
    return f"nn.{name}({_arguments(draw, getattr(nn, name), _axes(draw, name))})"


def _layer_on_arrays(draw: Random) -> str:
    layer = _layer(draw)
    if layer.startswith(("nn.Parameter", "nn.Buffer")):
        return layer
    return f"{layer}({plain(draw, 'x', _axes(draw, layer.partition('(')[0]))})"


def _axes(draw: Random, name: str) -> int:
    """Of the images that a function or layer of this name takes."""
    return int(name[-2]) if name.endswith(("1d", "2d", "3d")) else draw.randrange(4)


def _asked(draw: Random) -> str:
    nets = ("nn.Linear(5, 2)", "nn.Conv1d(2, 2, 3)", "nn.BatchNorm1d(2)", "nn.Dropout()",
            "Inside()", "deep_network()", "nn.Sequential()", "nn.Flatten()",
            "nn.Sequential(nn.Conv1d(2, 3, 2), nn.ReLU())",
            "nn.MaxPool1d(2, return_indices=True)")  # fmt: skip
    return f"(lambda h: {draw.choice(ASKED).format(draw.choice(nets))})({hostile(draw)})"


def _compiled(draw: Random) -> str:
    given = draw.choice((hostile(draw), "(1, 2, 5)", "(1, 2, 5)", draw.choice(SHAPES)))
    settings = draw.choice(("", "", ", dtype=" + hostile(draw), ", exact=" + hostile(draw)))
    made = f"ac.compile({draw.choice(FUNCTIONS)}, {given}{settings})"
    out = draw.choice((hostile(draw), draw_array(draw)))
    array = draw.choice((draw_array(draw), "np.ones((1, 2, 5), np.float32)", hostile(draw)))
    return draw.choice((made, f"{made}({array})", f"{made}({array}, out={out})",
                        f"{made}.update({hostile(draw)})", f"{made}.plan()"))  # fmt: skip


def _differentiated(draw: Random) -> str:
    function, x = draw.choice(FUNCTIONS), draw.choice((draw_array(draw), plain(draw, "x", 1)))
    argnums = draw.choice(("", "", ", (0, 0)", f", {hostile(draw)}"))
    return draw.choice((
        f"ac.grad({function}{argnums})({x})", f"ac.grad(ac.grad({function}))({x})",
        f"ac.value_and_grad({function}{argnums})({x}, {hostile(draw)})",
        f"ac.vjp({function}, {x})[1]({hostile(draw)})", f"ac.vjp({function}, {hostile(draw)})",
        f"ac.jacobian({function}, {x}{argnums and ', argnums=' + argnums[2:]})",
        f"ac.compile(ac.grad({function}), {draw.choice(SHAPES)})", f"ac.grad({hostile(draw)})({x})",
    ))  # fmt: skip


def _traced(draw: Random) -> str:
    use, given = draw.choice(USES), hostile(draw)
    shape = draw.choice(("(2, 3)", "(1, 2, 5)"))
    return f"(lambda h: ac.compile(lambda x: {use}, {shape}))({given})"


def _arguments(draw: Random, function: Callable[..., Any], axes: int) -> str:
    """Arguments by name and place: none, one or two of them hostile, now and then one too many."""
    parameters = [p for p in signature(function).parameters.values() if p.name != "self"]
    several = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    given = [p for p in parameters if p.default is Parameter.empty or draw.random() < 0.35]
    odd = draw.sample(given, min(len(given), draw.choice((0, 1, 1, 1, 2))))
    parts = []
    for number, parameter in enumerate(parameters):
        if parameter.kind in several:
            parts += [hostile(draw)] * draw.randrange(3)
        elif parameter in given:
            chosen = plain(draw, parameter.name, axes, parameter.default)
            value = hostile(draw) if parameter in odd else chosen
            by_place = parameter.kind is not Parameter.KEYWORD_ONLY and len(parts) == number
            parts.append(value if by_place else f"{parameter.name}={value}")
    if draw.random() < 0.01:
        parts.append(f"unknown={hostile(draw)}")
    return ", ".join(parts)


_DRAWN = (
    *(_functional,) * 6, _plain, _sizes, *(_layer,) * 2, *(_layer_on_arrays,) * 2, *(_asked,) * 3,
    *(_compiled,) * 2, *(_differentiated,) * 2, *(_traced,) * 2,
)  # fmt: skip
