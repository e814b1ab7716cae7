"""`ac.load`: a network from a file that `net.save` wrote. Nothing in the file is code."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import Any

from allconv import nn
from allconv.errors import Error, FileError, LimitError
from allconv.nn.module import Module
from allconv.nn.networks.efficientnet import SmoothExcitation
from allconv.nn.networks.parts import Named, Residual, SqueezeExcitation
from allconv.nn.networks.resnet import BasicBlock, Bottleneck
from allconv.nn.sequential import Sequential
from allconv.nn.structure import CONTAINERS
from allconv.nn.weights_file import SIZE_LIMIT, load_weights
from allconv.operators.base import FLOATS
from allconv.text import printable

MOST_MODULES = 100_000
DEEPEST = 100
LONGEST = 200  # letters of a name


def load(path: str | os.PathLike[str], *, size_limit: int = SIZE_LIMIT) -> Module:
    """Read a network that `net.save` wrote: its layers, and their weights to the bit.

    The file names layers of `allconv.nn` and their settings, which are checked as in any call.
    A file of weights alone, PyTorch's too, is read by `net.load_state_dict(path)`. FileError for
    what is no such file, LimitError above `size_limit` bytes.

    >>> import tempfile
    >>> from allconv import nn
    >>> net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 10))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     net.save(f"{folder}/net.safetensors")
    ...     print(load(f"{folder}/net.safetensors"))
    Sequential(
      (0): Conv2d(1, 4, 3)
      (1): ReLU()
      (2): Flatten()
      (3): Linear(144, 10)
    )
    """
    arrays, about = load_weights(path, size_limit)
    try:
        if not isinstance(about, dict) or about.get("version") != 1:
            raise FileError(_weights_only("no network"))
        if about.get("structure") is None:
            raise FileError(_weights_only(f"not the layers of {about.get('text')!s}"))
        net = _Building().module(about["structure"], "", 0)
        for name, place in net.named_places().items():
            if name in arrays and place.spec.is_float and arrays[name].dtype.name in FLOATS:
                place.convert(arrays[name].dtype.name)
        net.load_state_dict(arrays)
    except Error as error:
        kind = LimitError if isinstance(error, LimitError) else FileError
        raise kind(f"{printable(path)}: {error.message}") from None
    return net


def _weights_only(what: str) -> str:
    return (
        f"it holds weights and {printable(what, LONGEST)}; make the network and call "
        "net.load_state_dict with the path"
    )


@cache
def _kinds() -> dict[str, Callable[..., Module]]:
    """The layers that a file may name."""
    found = {name: getattr(nn, name) for name in nn.__all__ if name != "networks"}
    layers = {n: c for n, c in found.items() if isinstance(c, type) and issubclass(c, Module)}
    for name in ("Module", *CONTAINERS):
        layers.pop(name, None)
    blocks = (SqueezeExcitation, SmoothExcitation, BasicBlock, Bottleneck)
    return {**layers, **{block.__name__: block for block in blocks}}


_CONTAINERS: dict[str, Callable[..., Sequential]] = {"Named": Named, "Residual": Residual}


class _Building:
    """A network being made of plain values, which may say anything."""

    def __init__(self) -> None:
        self.made: dict[str, Module] = {}
        self.count = 0

    def module(self, given: Any, name: str, depth: int) -> Module:
        """The module that is described."""
        self.count += 1
        if self.count > MOST_MODULES or depth > DEEPEST:
            raise LimitError(
                f"the network has more than {MOST_MODULES:,} layers, or {DEEPEST} inside each other"
            )
        if not isinstance(given, dict):
            raise self.wrong(name, "not a layer")
        if given.keys() == {"same"}:
            same = self.made.get(given["same"]) if isinstance(given["same"], str) else None
            if same is None:
                raise self.wrong(name, "a layer that is not before it")
            return same
        kind = given.get("kind")
        if kind in CONTAINERS and given.keys() == {"kind", "modules"}:
            made: Module = self.container(kind, given["modules"], name, depth)
        elif isinstance(kind, str) and kind in _kinds() and given.keys() == {"kind", "settings"}:
            made = self.layer(kind, given["settings"], name)
        else:
            raise self.wrong(name, f"{printable(str(kind), LONGEST)}, not a layer of this version")
        self.made[name] = made
        return made

    def container(self, kind: str, given: Any, name: str, depth: int) -> Sequential:
        """Modules in order."""
        if not isinstance(given, dict):
            raise self.wrong(name, "modules without names")
        inside = {}
        for key, each in given.items():
            fits = key.isidentifier() and not key.startswith("_") and not hasattr(Sequential, key)
            if not (fits or key.isdecimal()) or len(key) > LONGEST:
                raise self.wrong(name, f"a module of the name {printable(key, LONGEST)}")
            inside[key] = self.module(each, f"{name}.{key}" if name else key, depth + 1)
        if kind != "Sequential":
            return _CONTAINERS[kind](**inside)
        if list(inside) != [str(n) for n in range(len(inside))]:
            return self.renamed(inside)
        return Sequential(*inside.values())

    @staticmethod
    def renamed(inside: dict[str, Module]) -> Sequential:
        """A Sequential whose modules have other names than their numbers."""
        made = Sequential()
        for key, each in inside.items():
            setattr(made, key, each)
        return made

    def layer(self, kind: str, given: Any, name: str) -> Module:
        """A layer by its settings."""
        if not isinstance(given, dict) or not all(map(_is_setting, given.values())):
            raise self.wrong(name, f"{kind} with settings that no layer has")
        settings = {key: _tuples(value) for key, value in given.items()}
        try:
            return _kinds()[kind](**settings)
        except Error as error:
            raise error.at(f"{name} ({kind})" if name else kind) from None
        except (TypeError, ValueError, ArithmeticError, MemoryError) as error:
            raise self.wrong(name, f"{kind} with settings that do not fit: {error}") from None

    @staticmethod
    def wrong(name: str, what: str) -> FileError:
        """The error for a description that cannot be read."""
        where = f"'{printable(name, LONGEST)}'" if name else "the network"
        return FileError(f"{where} is {printable(what, LONGEST)}; save the network again")


def _is_setting(value: Any, depth: int = 0) -> bool:
    if isinstance(value, list):
        return depth < 3 and len(value) <= 64 and all(_is_setting(v, depth + 1) for v in value)
    return value is None or isinstance(value, bool | int | float | str)


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
