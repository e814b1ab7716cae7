"""What must be the same for a run to be resumed: its recipe, its data, its network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from allconv.errors import ArgumentError
from allconv.nn.module import Module
from allconv.nn.tracing import network_dtype, trace_module
from allconv.operators.base import Spec
from allconv.text import printable
from allconv.train.feed import Feed
from allconv.train.recipe import Recipe

CLASSES, DATA = "classes", "training data"
FREE = ("epochs", "early_stopping", CLASSES)
"""Settings that may differ when a run is resumed: classes in their names only, see `check_classes`.
"""

_NAMES_TOLD, _LETTERS = 10, 40


def run_as_text(
    recipe: Recipe, train: Feed, validation: Feed | None, classes: tuple[str, ...] | None = None
) -> dict[str, Any]:
    """The recipe, the classes and digests of the data, as JSON can keep and compare them."""
    return {
        **recipe.as_text(),
        DATA: train.fingerprint(),
        "validation data": None if validation is None else validation.fingerprint(),
        CLASSES: None if classes is None else list(classes),
    }


def check_same(path: Path, saved: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Refuse to resume a run with other settings or data, which would give other numbers."""
    for name, value in given.items():
        if name not in FREE and saved.get(name) != value:
            if name.endswith("data"):
                raise ArgumentError(
                    f"{printable(path)} was made with other {name}; resume with the same"
                )
            raise ArgumentError(
                f"{printable(path)} was made with {name} {printable(str(saved.get(name)), 80)}, "
                f"now it is {value}; resume with the same, or begin another run"
            )


def check_classes(path: Path, saved: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Refuse to resume with other classes, by their names; classes renamed on equal data are fine.

    What earlier versions saved does not hold the names.
    """
    before, now = saved.get(CLASSES), given[CLASSES]
    if not isinstance(before, list) or now is None or sorted(map(str, before)) == sorted(now):
        return
    if len(before) != len(now) or saved.get(DATA) != given[DATA]:
        raise ArgumentError(
            f"{printable(path)} was made with {_told(before)}, now there are {_told(now)}; resume "
            "with the images of before, or begin another run for these classes"
        )


def _told(classes: Sequence[Any]) -> str:
    """How many classes, and the first of their names."""
    names = [printable(str(name), _LETTERS) for name in classes[:_NAMES_TOLD]]
    more = f" and {len(classes) - len(names):,} more" if len(classes) > len(names) else ""
    return f"{len(classes):,} classes ({', '.join(names)}{more})"


def describe(net: Module, shape: tuple[int, ...]) -> dict[str, str]:
    """A network in words, and a digest of its structure for samples of a shape."""
    parameters = net.parameters().values()
    count = sum(array.size for array in parameters)
    graph = trace_module(net, Spec((1, *shape), network_dtype(net))).graph
    return {
        "text": f"{type(net).__name__} for samples {shape} with {count:,} parameters in "
        f"{len(parameters)} arrays",
        "digest": sha256(str(graph).encode()).hexdigest(),
    }
