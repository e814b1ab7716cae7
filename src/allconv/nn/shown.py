"""Modules and summaries as HTML tables, which notebooks show. Nothing is run or drawn for them."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING

from allconv.picture.markup import Markup
from allconv.picture.table import LongTable, for_notebook, line, table
from allconv.text import counted, printable

if TYPE_CHECKING:
    from allconv.nn.module import Module
    from allconv.nn.parameter import Parameter
    from allconv.nn.summary import Summary

LONGEST = 60  # letters of a name or of settings


def module_html(module: Module) -> str:
    """A network: a row a layer. A layer by itself: its `repr`, and a row an array that it holds."""
    if not module._children():
        return for_notebook(line(_cut(repr(module), 4 * LONGEST)), *_arrays(module))
    layers = list(_layers(module))
    total = sum(count for *_, count in layers)
    said = f"{type(module).__name__}: {counted(len(layers), 'layer')}"

    def row(n: int) -> tuple[str, str, str, int]:
        name, layer, count = layers[n]
        return _cut(name), _kind(layer), _cut(_settings(layer)), count

    listing = LongTable(
        "layers",
        ("layer", "kind", "settings", "parameters"),
        [(_kind(layer), (count,)) for _, layer, count in layers],
        row,
        sums=("parameters",),
        foot=("all", "", "", total),
    )
    return for_notebook(line(printable(f"{said}, {counted(total, 'parameter')}")), listing.html())


def summary_html(summary: Summary) -> str:
    """The rows of a summary, and the totals."""
    rows = summary.rows
    head = ("layer", "kind", "output", "parameters", "multiply-adds")

    def row(n: int) -> tuple[str, str, str, int, int]:
        each = rows[n]
        shape = " x ".join(map(str, each.output))
        return _cut(each.name), _cut(each.kind), shape, each.parameters, each.multiply_adds

    listing = LongTable(
        "layers",
        head,
        [(_cut(each.kind), (each.parameters, each.multiply_adds)) for each in rows],
        row,
        sums=head[-2:],
        foot=("total", "", "", summary.parameters, summary.multiply_adds),
    )
    return for_notebook(listing.html())


def _layers(module: Module) -> Iterator[tuple[str, Module, int]]:
    """(name, layer, its parameters) of what has arrays of its own or nothing below it."""
    seen: set[int] = set()
    for name, each in module.named_modules():
        own = [place for place in each._places().values() if id(place) not in seen]
        seen.update(map(id, own))
        if each._places() or not each._children():
            yield name, each, sum(_size(place) for place in own if place.trainable)


def _arrays(layer: Module) -> list[Markup]:
    places = list(layer._places().items())
    if not places:
        return []
    rows = (
        (
            _cut(name),
            " x ".join(map(str, place.spec.shape)),
            place.spec.dtype,
            "changes" if place.trainable else "stays",
            _size(place),
        )
        for name, place in places
    )
    return [table(("array", "shape", "dtype", "in training", "numbers"), rows, count=len(places))]


def _size(place: Parameter) -> int:
    return prod(place.spec.shape)


def _settings(layer: Module) -> str:
    """A layer's settings as its `repr` has them, or what a `repr` of its own says."""
    if layer._children():
        return ""
    text = repr(layer).partition("\n")[0]
    begin, end = f"{type(layer).__name__}(", ")"
    return text[len(begin) : -len(end)] if text.startswith(begin) and text.endswith(end) else text


def _kind(layer: Module) -> str:
    return _cut(type(layer).__name__)


def _cut(text: str, longest: int = LONGEST) -> str:
    return printable(text, longest)
