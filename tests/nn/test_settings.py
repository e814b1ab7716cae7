"""Each layer has the settings of its function, under the same names and with the same defaults."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

from allconv import functional, nn
from allconv.errors import ArgumentError, ShapeError, UnsupportedError
from allconv.nn.module import Module

FUNCTIONS = {  # of layers that are not derived from one
    **{f"BatchNorm{n}d": functional.batch_norm for n in (1, 2, 3)},
    **{f"InstanceNorm{n}d": functional.instance_norm for n in (1, 2, 3)},
    "LayerNorm": functional.layer_norm,
    "RMSNorm": functional.rms_norm,
    "GroupNorm": functional.group_norm,
    "PReLU": functional.prelu,
    "RReLU": functional.rrelu,
    "Dropout": functional.dropout,
    "Flatten": functional.flatten,
    "Linear": functional.linear,
} | {n: getattr(nn, n)._function for n in nn.__all__ if hasattr(getattr(nn, n), "_function")}
# What a layer holds itself, so that only the function has it, or only the layer.
HELD = {"weight", "bias", "running_mean", "running_var", "training", "seed", "layer"}
SIZES = {"in_channels", "out_channels", "kernel_size", "input_size", "in_features", "out_features",
         "num_features", "affine", "track_running_stats", "elementwise_affine", "num_channels",
         "use_input_stats", "num_parameters", "init"}  # fmt: skip
DIFFERENT = {  # as in PyTorch: a layer keeps the batch; indices are an array of each call
    "Flatten": {"start_dim"},
    **{f"MaxUnpool{n}d": {"indices"} for n in (1, 2, 3)},
    **{f"GlobalAvgPool{n}d": {"output_size"} for n in (1, 2, 3)},
    **{f"GlobalMaxPool{n}d": {"output_size", "return_indices"} for n in (1, 2, 3)},
}
ALONE = {"Module", "Parameter", "Buffer", "Sequential", "Identity"} | {
    f"{name}{n}d"
    for name in ("ZeroPad", "ConstantPad", "ReflectionPad", "ReplicationPad", "CircularPad")
    for n in (1, 2, 3)
}  # fmt: skip
TORCH = {  # the order of torch.nn, positional part
    "Conv2d": "in_channels out_channels kernel_size stride padding dilation groups",
    "ConvTranspose2d": "in_channels out_channels kernel_size stride padding output_padding groups",
    "MaxPool2d": "kernel_size stride padding dilation",
    "AvgPool2d": "kernel_size stride padding",
    "LPPool2d": "norm_type kernel_size stride",
    "AdaptiveMaxPool2d": "output_size",
    "MaxUnpool2d": "kernel_size stride padding",
    "Unfold": "kernel_size dilation padding stride",
    "Fold": "output_size kernel_size dilation padding stride",
    "ReflectionPad2d": "padding",
    "ConstantPad2d": "padding value",
    "LocalResponseNorm": "size alpha beta k",
    "BatchNorm2d": "num_features eps momentum",
    "LayerNorm": "normalized_shape eps",
    "RMSNorm": "normalized_shape eps",
    "GroupNorm": "num_groups num_channels eps",
    "InstanceNorm2d": "num_features eps momentum",
    "Linear": "in_features out_features",
    "Dropout": "p",
    "Flatten": "start_dim end_dim",
}


def settings(function: object) -> dict[str, object]:
    """Names and defaults of the arguments after the first."""
    parameters = list(inspect.signature(function).parameters.values())[1:]
    return {p.name: p.default for p in parameters}


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_layer_has_the_settings_of_its_function(name: str) -> None:
    """Names and defaults agree, but for what the layer holds."""
    layer = settings(getattr(nn, name).__init__)
    function = settings(FUNCTIONS[name])
    if getattr(nn, name).__init__ is object.__init__:
        layer = {}
    skipped = HELD | SIZES | DIFFERENT.get(name, set())
    assert {k: v for k, v in layer.items() if k not in skipped} == {
        k: v for k, v in function.items() if k not in skipped
    }


def test_every_layer_is_in_the_table() -> None:
    """A new layer is derived from a function, or named as what it has instead."""
    layers = {n for n in nn.__all__ if inspect.isclass(getattr(nn, n))}
    assert layers == set(FUNCTIONS) | ALONE


@pytest.mark.parametrize("name", sorted(TORCH))
def test_torch_order(name: str) -> None:
    """Positional settings stand in torch.nn's order; booleans are keyword-only."""
    parameters = list(inspect.signature(getattr(nn, name)).parameters.values())
    positional = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert positional == TORCH[name].split()
    assert all(p.kind is p.KEYWORD_ONLY for p in parameters if isinstance(p.default, bool))


@pytest.mark.parametrize("name", sorted(set(nn.__all__) - {"networks", "Module", "Sequential"}))
def test_abstract_or_final(name: str) -> None:
    """No public layer is the base of another."""
    assert getattr(nn, name).__subclasses__() in ([], [nn.Buffer])


def images() -> np.ndarray[Any, Any]:
    """Two images of four channels, of sizes that differ."""
    return np.random.default_rng(0).standard_normal((2, 4, 9, 8)).astype(np.float32)


@pytest.mark.slow
def test_layers_pass_every_setting_on() -> None:
    """With every setting away from its default a layer equals its function."""
    x = images()
    conv = nn.Conv2d(4, 6, (3, 2), (2, 1), ((1, 0), (2, 1)), (1, 2), 2, bias=False,
                     input_dilation=(1, 2), flip=True)  # fmt: skip
    settings = {"stride": (2, 1), "padding": ((1, 0), (2, 1)), "dilation": (1, 2), "groups": 2}
    expected = functional.conv2d(x, conv.weight, **settings, input_dilation=(1, 2), flip=True)
    assert np.array_equal(conv(x), expected)
    up = nn.ConvTranspose2d(4, 6, 3, 3, 1, (1, 2), 2, dilation=2)
    up.bias = np.arange(6)
    expected = functional.conv_transpose2d(x, up.weight, up.bias, 3, 1, (1, 2), 2, 2)
    assert np.array_equal(up(x), expected)
    sized = nn.ConvTranspose2d(4, 6, 3, 2, "same", output_size=(17, 16))
    assert sized(x).shape == (2, 6, 17, 16)
    turned = nn.Conv2d(4, 6, 3, 2, 1, padding_mode="circular")
    expected = functional.conv2d(x, turned.weight, turned.bias, 2, 1, padding_mode="circular")
    assert np.array_equal(turned(x), expected)
    back = nn.LocallyConnectedTranspose2d(4, 2, 3, (9, 8), 2, 1, (1, 0), 2, dilation=2)
    back.bias = np.arange(back.bias.size).reshape(back.bias.shape)
    expected = functional.locally_connected_transpose2d(
        x, back.weight, back.bias, 2, 1, (1, 0), 2, 2
    )
    assert np.array_equal(back(x), expected)
    y, indices = nn.MaxPool2d(2, return_indices=True)(x)
    expected = functional.max_unpool2d(y, indices, 2, None, 0, (9, 8))
    unpool = nn.MaxUnpool2d(2, output_size=(9, 8))
    assert np.array_equal(unpool(y, indices), expected)
    (gx, none), _ = unpool.backward((y, indices), expected)
    assert np.array_equal(gx, y)
    assert none is None
    columns = nn.Unfold(2, 1, 0, 2)(x)
    expected = functional.fold(columns, (9, 8), 2, 1, 0, 2)
    assert np.array_equal(nn.Fold((9, 8), 2, 1, 0, 2)(columns), expected)
    local = nn.LocallyConnected2d(4, 2, 3, (9, 8), 2, 1, 2, 2)
    expected = functional.locally_connected2d(x, local.weight, local.bias, 2, 1, 2, 2)
    assert np.array_equal(local(x), expected)


@pytest.mark.slow
def test_layers_without_weights_pass_every_setting_on() -> None:
    """The same."""
    x = images()
    for layer, expected in (
        (nn.MaxPool2d(3, 2, 1, 2, ceil_mode=True),
         functional.max_pool2d(x, 3, 2, 1, 2, ceil_mode=True)),
        (nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False),
         functional.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False)),
        (nn.AdaptiveAvgPool2d((3, None)), functional.adaptive_avg_pool2d(x, (3, None))),
        (nn.GlobalAvgPool2d(), functional.adaptive_avg_pool2d(x, 1)),
        (nn.GlobalMaxPool2d(), functional.adaptive_max_pool2d(x, 1)),
        (nn.AdaptiveMaxPool2d((4, 3)), functional.adaptive_max_pool2d(x, (4, 3))),
        (nn.LPPool2d(2, 3, 2, ceil_mode=True),
         functional.lp_pool2d(x, 2, 3, 2, ceil_mode=True)),
        (nn.AvgPool2d(2, divisor_override=3),
         functional.avg_pool2d(x, 2, divisor_override=3)),
        (nn.Unfold((3, 2), (1, 2), 1, 2), functional.unfold(x, (3, 2), (1, 2), 1, 2)),
        (nn.ReflectionPad2d((1, 2, 3, 0)), functional.pad(x, (1, 2, 3, 0), "reflect")),
        (nn.ReplicationPad2d(2), functional.pad(x, (2,) * 4, "replicate")),
        (nn.CircularPad2d(1), functional.pad(x, (1,) * 4, "circular")),
        (nn.ZeroPad2d(-1), functional.pad(x, (-1,) * 4)),
        (nn.ConstantPad2d(1, 2.0), functional.pad(x, (1,) * 4, value=2.0)),
        (nn.Flatten(2), functional.flatten(x, 2)),
        (nn.ELU(2.0), functional.elu(x, 2.0)),
        (nn.GELU("tanh"), functional.gelu(x, "tanh")),
        (nn.LeakyReLU(0.3), functional.leaky_relu(x, 0.3)),
        (nn.Softplus(2.0, 3.0), functional.softplus(x, 2.0, 3.0)),
        (nn.Hardtanh(-0.5, 0.25), functional.hardtanh(x, -0.5, 0.25)),
        (nn.Softmax(-1), functional.softmax(x, -1)),
        (nn.Identity(), x),
    ):  # fmt: skip
        assert np.array_equal(layer(x), expected), layer


REFUSED = [
    (lambda: nn.Conv2d(0, 1, 3), ArgumentError, "in_channels is 0"),
    (lambda: nn.Conv2d(4, 6, 3, groups=4), ArgumentError, "groups is 4, which does not divide"),
    (lambda: nn.Conv2d(4, 6, 0), ArgumentError, "kernel_size is 0"),
    (lambda: nn.Conv2d(4, 6, (3, 3, 3)), ArgumentError, "one number, or 2 of them"),
    (lambda: nn.Conv2d(4, 6, 3, padding_mode="mirror"), ArgumentError, "one of"),
    (lambda: nn.ReflectionPad2d((1, 2)), ArgumentError, "padding is (1, 2)"),
    (lambda: nn.LocallyConnectedTranspose1d(1, 1, 3, 3, 2, 0, 2), ArgumentError, "output_padding"),
    (lambda: nn.Linear(True, 1), ArgumentError, "in_features is True"),
    (lambda: nn.LocallyConnected2d(1, 1, 5, 3), ShapeError, "kernel of 5"),
    (lambda: nn.BatchNorm2d(3, momentum=None), UnsupportedError, "momentum"),
    (lambda: nn.GroupNorm(3, 4), ArgumentError, "num_groups is 3, which does not divide"),
    (lambda: nn.LayerNorm((3, 0)), ArgumentError, "normalized_shape is (3, 0)"),
    (lambda: nn.InstanceNorm2d(0), ArgumentError, "num_features is 0"),
    (lambda: nn.Dropout(1.5), ArgumentError, "p is 1.5"),
    (lambda: nn.MaxPool2d(-1), ArgumentError, "kernel_size is -1"),
    (lambda: nn.Sequential(nn.ReLU), ArgumentError, "use ReLU(...)"),
    (lambda: nn.Sequential(nn.ReLU(), functional.relu), ArgumentError, "module 1 is relu"),
]


@pytest.mark.parametrize(("make", "error", "message"), REFUSED, ids=[r[2] for r in REFUSED])
def test_refused_when_made(make, error, message) -> None:
    """A setting that can never do is refused when the layer is made."""
    with pytest.raises(error) as refused:
        make()
    assert message in str(refused.value)


def test_text() -> None:
    """A layer shows what differs from its defaults, a network its layers."""
    net = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.ReLU())
    assert repr(net) == "\n".join(
        [
            "Sequential(",
            "  (0): Conv2d(1, 4, 3, padding=1, bias=False)",
            "  (1): ReLU()",
            ")",
        ]
    )


def test_a_module_without_forward() -> None:
    """A subclass must say what it computes."""
    with pytest.raises(NotImplementedError, match="Module has no forward"):
        Module()(np.ones(1))
