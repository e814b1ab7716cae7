"""What functions are called elsewhere: the names are there, and there is one for every function."""

from __future__ import annotations

import importlib
import re
from functools import reduce

import pytest

from allconv import conventions, functional, nn
from allconv.conventions.function_names import families
from allconv.errors import ArgumentError
from conventions.running import need


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("framework", ["torch", "keras", "jax"])
def test_names_are_there(framework: str) -> None:
    """Every name can be imported from the framework, where that is installed."""
    need(framework)
    found = 0
    for family in families():
        name = conventions.names(family).get(framework)
        if name is not None:
            package, *path = name.split(".")
            for depth in range(1, len(path)):
                importlib.import_module(".".join([package, *path[:depth]]))
            assert callable(reduce(getattr, path, importlib.import_module(package))), name
            found += 1
    assert found > 20


def test_onnx_has_the_operators() -> None:
    """Every name of ONNX is an operator of its standard."""
    from onnx import defs

    names = [conventions.names(family).get("onnx") for family in families()]
    assert all(defs.has(name) for name in names if name is not None)
    assert sum(name is not None for name in names) > 20


@pytest.mark.parametrize("name", functional.__all__)
def test_every_function_has_names(name: str) -> None:
    """Of one, two or three axes they are those of two; torch's name is ours, where it has one."""
    found = conventions.names(name)
    assert found == conventions.names(name.replace("1d", "2d").replace("3d", "2d"))
    assert set(found) <= {"torch", "keras", "jax", "onnx"}
    theirs = found.get("torch", "torch.nn.functional.x").rpartition(".")[2]
    wanted = name.replace("1d", "2d").replace("3d", "2d")
    assert theirs in (wanted, "x", "cat")


@pytest.mark.parametrize(
    ("function", "layer", "shape"),
    [
        ("conv2d", nn.Conv2d(2, 3, 3), (1, 2, 5, 5)),
        ("conv_transpose2d", nn.ConvTranspose2d(2, 3, 3), (1, 2, 5, 5)),
        ("locally_connected2d", nn.LocallyConnected2d(2, 3, 3, input_size=5), (1, 2, 5, 5)),
        ("linear", nn.Linear(4, 3), (1, 4)),
        ("max_pool2d", nn.MaxPool2d(2), (1, 2, 4, 4)),
        ("avg_pool2d", nn.AvgPool2d(2), (1, 2, 4, 4)),
        ("batch_norm", nn.BatchNorm2d(2), (1, 2, 4, 4)),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_names_are_those_that_calls_use(
    function: str, layer: nn.Module, shape: tuple[int, ...]
) -> None:
    """A name is the function of the written call, not what prepares its arrays."""
    found = conventions.names(function)
    assert found
    for framework, name in found.items():
        program = conventions.call(layer, framework, shape)
        assert name.rpartition(".")[2] in re.findall(r"\w+", program), (framework, program)


def test_what_is_given_is_ones_own() -> None:
    """Writing into the answer changes no other."""
    conventions.names("conv2d").clear()
    assert conventions.names("conv2d")["onnx"] == "Conv"


def test_other_functions_are_refused() -> None:
    """A name that is no function of ours is named."""
    with pytest.raises(ArgumentError, match="function is 'deconv2d'"):
        conventions.names("deconv2d")
