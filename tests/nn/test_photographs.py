"""The networks for photographs: parameters and costs as published, names as in torchvision."""

from __future__ import annotations

from math import prod

import numpy as np
import pytest

import allconv as ac
from allconv import nn
from allconv.engine.step import DefinitionStep
from allconv.errors import ShapeError
from allconv.nn import networks
from allconv.nn.networks.parts import Residual, SqueezeExcitation
from allconv.train.objective import Objective
from allconv.train.optimizers import SGD
from allconv.train.step import TrainingStep
from tiers import slow, slowed

# For images (3, 224, 224) and 1000 classes: parameters, entries of the state, millions of
# multiply-adds of convolutions and linear layers, blocks that are added to their input. Parameters
# are those of torchvision, of the MobileNet paper (4.2 million) and of TensorFlow's Lite0;
# multiply-adds lie within 2 % of the papers': 569 million of MobileNet, 300 of v2, 56 and 219 of
# v3, 390 of EfficientNet-B0, 1.8 and 3.8 billion of ResNets, the latter but for the stride of
# resnet-50, which stands where torchvision has it.
PUBLISHED = {
    "mobilenet-v1": (4_231_976, 27 * 6 + 2, 569, 0),
    "mobilenet-v2": (3_504_872, 314, 301, 10),
    "mobilenet-v3-small": (2_542_856, 244, 57, 6),
    "mobilenet-v3-large": (5_483_032, 312, 217, 10),
    "efficientnet-lite0": (4_652_008, 49 * 6 + 2, 385, 9),
    "efficientnet-b0": (5_288_548, 360, 386, 9),
    "resnet-18": (11_689_512, 122, 1814, 0),
    "resnet-50": (25_557_032, 320, 4089, 0),
}
NAMES = {  # some parameters by the names that torchvision has for them
    "mobilenet-v1": {"features.13.1.0.weight": (1024, 1024, 1, 1), "classifier.bias": (1000,)},
    "mobilenet-v2": {
        "features.0.0.weight": (32, 3, 3, 3),
        "features.1.conv.0.0.weight": (32, 1, 3, 3),
        "features.1.conv.1.weight": (16, 32, 1, 1),
        "features.2.conv.1.0.weight": (96, 1, 3, 3),
        "features.2.conv.3.running_mean": (24,),
        "features.18.1.bias": (1280,),
        "classifier.1.weight": (1000, 1280),
    },
    "mobilenet-v3-small": {
        "features.1.block.1.fc1.weight": (8, 16, 1, 1),
        "features.4.block.2.fc2.bias": (96,),
        "features.11.block.3.0.weight": (96, 576, 1, 1),
        "features.12.0.weight": (576, 96, 1, 1),
        "classifier.3.weight": (1000, 1024),
    },
    "mobilenet-v3-large": {
        "features.1.block.0.0.weight": (16, 1, 3, 3),
        "features.4.block.2.fc1.weight": (24, 72, 1, 1),
        "features.13.block.1.0.weight": (672, 1, 5, 5),
        "classifier.0.weight": (1280, 960),
    },
    "efficientnet-lite0": {
        "features.1.0.block.0.0.weight": (32, 1, 3, 3),
        "features.6.3.block.1.0.weight": (1152, 1, 5, 5),
        "features.8.0.weight": (1280, 320, 1, 1),
        "classifier.1.bias": (1000,),
    },
    "efficientnet-b0": {
        "features.0.0.weight": (32, 3, 3, 3),
        "features.1.0.block.0.0.weight": (32, 1, 3, 3),
        "features.1.0.block.1.fc1.weight": (8, 32, 1, 1),
        "features.1.0.block.2.0.weight": (16, 32, 1, 1),
        "features.2.0.block.2.fc1.weight": (4, 96, 1, 1),
        "features.2.0.block.3.1.num_batches_tracked": (),
        "features.6.3.block.1.0.weight": (1152, 1, 5, 5),
        "features.7.0.block.2.fc2.bias": (1152,),
        "features.8.1.running_var": (1280,),
        "classifier.1.weight": (1000, 1280),
    },
    "resnet-18": {
        "conv1.weight": (64, 3, 7, 7),
        "layer1.0.conv1.weight": (64, 64, 3, 3),
        "layer2.0.downsample.0.weight": (128, 64, 1, 1),
        "layer4.1.bn2.running_var": (512,),
        "fc.weight": (1000, 512),
    },
    "resnet-50": {
        "layer1.0.downsample.1.weight": (256,),
        "layer3.5.conv2.weight": (256, 256, 3, 3),
        "layer4.2.conv3.weight": (2048, 512, 1, 1),
        "fc.weight": (1000, 2048),
    },
}


def image(*shape: int) -> np.ndarray:
    """Normal draws."""
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def test_every_name_of_efficientnet_b0() -> None:
    """The names of torchvision's efficientnet_b0, spelled by its rules."""
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")

    def conv(path: str) -> list[str]:
        return [f"{path}.0.weight", *(f"{path}.1.{each}" for each in norm)]

    expected = conv("features.0")
    for stage, blocks in enumerate((1, 2, 2, 3, 3, 4, 1), 1):
        for number in range(blocks):
            path, first = f"features.{stage}.{number}.block", int(stage > 1)
            expected += conv(f"{path}.0") if first else []
            expected += conv(f"{path}.{first}")
            layers = [f"{path}.{first + 1}.{layer}" for layer in ("fc1", "fc2")]
            expected += [f"{layer}.{each}" for layer in layers for each in ("weight", "bias")]
            expected += conv(f"{path}.{first + 2}")
    expected += [*conv("features.8"), "classifier.1.weight", "classifier.1.bias"]
    assert list(networks.efficientnet_b0().named_places()) == expected


def test_defaults_are_those_of_imagenet() -> None:
    """Three channels and a thousand classes."""
    assert networks.resnet18().named_places()["fc.weight"].spec.shape == (1000, 512)
    for name in ("mobilenet_v1", "mobilenet_v2", "mobilenet_v3_small", "efficientnet_lite0"):
        assert getattr(networks, name)(classes=7).named_places()


def test_names() -> None:
    """They have names, and no others have."""
    assert [*networks.MOBILE, *networks.RESIDUAL] == list(PUBLISHED)
    assert set(PUBLISHED) < set(networks.names())


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_numbers(name: str) -> None:
    """Parameters, multiply-adds and names are those that others count."""
    parameters, entries, millions, sums = PUBLISHED[name]
    net = networks.build(name, 3, 224, 1000)
    places = net.named_places()
    assert sum(prod(place.spec.shape) for place in places.values() if place.trainable) == parameters
    assert len(places) == entries
    assert {path: places[path].spec.shape for path in NAMES[name]} == NAMES[name]
    summary = net.summary((1, 3, 224, 224))
    layers = [row for row in summary.rows if row.kind in ("Conv2d", "Linear")]
    assert round(sum(row.multiply_adds for row in layers) / 1e6) == millions
    assert layers[0].output[2:] == (112, 112)
    assert [row.output[2:] for row in summary.rows if row.output[2:] > (1, 1)][-1] == (7, 7)
    assert sum(isinstance(module, Residual) for _, module in net.named_modules()) == sums


@pytest.mark.parametrize("name", PUBLISHED)
def test_settings_of_normalisation_and_dropout(name: str) -> None:
    """As torchvision has them."""
    layers = [module for _, module in networks.build(name, 3, 32, 4).named_modules()]
    norms = {(m.eps, m.momentum) for m in layers if isinstance(m, nn.BatchNorm2d)}
    searched = name.startswith(("mobilenet-v3", "efficientnet-lite"))
    assert norms == ({(0.001, 0.01)} if searched else {(1e-5, 0.1)})
    dropped = [m.p for m in layers if isinstance(m, nn.Dropout)]
    assert dropped == (
        [0.2] if name.startswith(("mobilenet-v2", "mobilenet-v3", "efficientnet")) else []
    )


@pytest.mark.parametrize("name", slowed(PUBLISHED, "mobilenet-v1"))
def test_compiled(name: str) -> None:
    """No step runs by definition, and the compiled network is the network."""
    net = networks.build(name, 3, (32, 35), 4)
    compiled, x = ac.compile(net, (2, 3, 32, 35)), image(2, 3, 32, 35)
    assert "BY DEFINITION" not in str(compiled.plan())
    y = net(x)
    np.testing.assert_allclose(compiled(x), y, rtol=0, atol=1e-5 * max(1, np.abs(y).max()))


@slow
@pytest.mark.parametrize("name", PUBLISHED)
def test_trained(name: str) -> None:
    """A step is native, moves every parameter, and the loss stays a number."""
    net = networks.build(name, 3, 32, 3)
    before = {n: a.copy() for n, a in net.parameters().items()}
    step = TrainingStep(net, Objective(SGD()))
    x, labels = image(4, 3, 32, 32), np.array([0, 1, 2, 0])
    assert np.isfinite([step(x, labels, rate=0.01, step=n).loss for n in range(2)]).all()
    program = step.prepare(x.shape)[1]
    assert not [s for s in program.steps() if isinstance(s, DefinitionStep)]
    still = [n for n, a in before.items() if np.array_equal(a, step.state[n])]
    assert still == []


@pytest.mark.parametrize("name", PUBLISHED)
def test_smaller_images_are_refused(name: str) -> None:
    """The least size is named."""
    with pytest.raises(ShapeError, match=f"images are 40 x 31; {name} needs 32 x 32"):
        networks.build(name, 3, (40, 31), 10)


def test_squeeze_and_excitation() -> None:
    """Every channel is multiplied by its hard sigmoid, computed here once more."""
    layer, x = SqueezeExcitation(6, 2), 4 * image(2, 6, 5, 3)
    w1, b1, w2, b2 = layer.parameters().values()
    means = x.mean((2, 3), dtype=np.float64)
    hidden = np.maximum(means @ w1[:, :, 0, 0].T + b1, 0)
    scale = np.clip((hidden @ w2[:, :, 0, 0].T + b2 + 3) / 6, 0, 1)
    np.testing.assert_allclose(layer(x), x * scale[..., None, None], rtol=1e-5, atol=1e-6)


def test_a_residual_adds() -> None:
    """The input plus the result of the layers, under their names."""
    block, x = Residual(conv=nn.Conv2d(2, 2, 3, padding=1)), image(1, 2, 4, 5)
    assert list(block.parameters()) == ["conv.weight", "conv.bias"]
    np.testing.assert_array_equal(block(x), x + block.conv(x))
