"""What functions are called elsewhere: the names are there, and there is one for every function."""

from __future__ import annotations

import importlib
from functools import reduce

import pytest

from allconv import conventions, functional
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


def test_names_are_those_that_calls_use() -> None:
    """What is read off a written call is the function, not what prepares its arrays."""
    assert conventions.names("avg_pool2d") == {
        "torch": "torch.nn.functional.avg_pool2d",
        "keras": "keras.layers.AveragePooling2D",
        "jax": "jax.lax.reduce_window",
        "onnx": "AveragePool",
    }
    assert conventions.names("locally_connected_transpose3d") == {}


def test_what_is_given_is_ones_own() -> None:
    """Writing into the answer changes no other."""
    conventions.names("conv2d").clear()
    assert conventions.names("conv2d")["onnx"] == "Conv"


def test_other_functions_are_refused() -> None:
    """A name that is no function of ours is named."""
    with pytest.raises(ArgumentError, match="function is 'deconv2d'"):
        conventions.names("deconv2d")
