"""The weights of a layer as another framework lays them out, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from allconv import nn
from allconv.conventions.layouts import OURS, Layout, layout_of, letters, reorder
from allconv.conventions.problem import CONVOLUTIONS, LOCAL, NORMS, TRANSPOSED, is_depthwise
from allconv.errors import ArgumentError, ShapeError, UnsupportedError
from allconv.functional.correlate import flipped
from allconv.intake.arrays import take_array
from allconv.nn.module import Module
from allconv.operators.base import Array


def weights(layer: Module, framework: str) -> dict[str, Array]:
    """The arrays of a layer by the framework's names, in its layout; new and contiguous.

    Convolutional, transposed, linear and batch normalisation layers; what has no weights gives {}.
    A layer with `flip=True` gives a kernel that is flipped already, but to SciPy, which has
    a word for it.

    >>> {name: a.shape for name, a in weights(nn.Conv2d(3, 8, 5), "keras").items()}
    {'kernel': (5, 5, 3, 8), 'bias': (8,)}
    """
    return {
        theirs: _given(layer, framework, name, np.array(getattr(layer, name)))
        for name, theirs in _names(layer, layout_of(framework)).items()
    }


def from_weights(
    layer: Module, arrays: Mapping[str, Any] | Sequence[Any], framework: str
) -> dict[str, Array]:
    """A framework's arrays of such a layer as a state for `layer.load_state_dict(strict=False)`.

    `arrays` are by name, or in the order of `weights`, as the `get_weights` of Keras gives them.

    Errors: ArgumentError for names that are missing or too many, ShapeError for shapes of another
    layer.

    >>> layer = nn.Conv2d(3, 8, 5)
    >>> state = from_weights(layer, weights(layer, "jax"), "jax")
    >>> bool((state["weight"] == layer.weight).all())
    True
    """
    names = _names(layer, layout_of(framework))
    if isinstance(arrays, Sequence) and not isinstance(arrays, str) and len(arrays) == len(names):
        arrays = dict(zip(names.values(), arrays, strict=True))
    if not isinstance(arrays, Mapping):
        told = ", ".join(names.values())
        raise ArgumentError(f"arrays is a {type(arrays).__name__}; {told} are expected, by name")
    if set(arrays) != set(names.values()):
        given = ", ".join(map(repr, arrays)) or "none"
        raise ArgumentError(f"arrays are {given}; {', '.join(names.values())} are expected")
    state = {}
    for name, theirs in names.items():
        array = take_array(theirs, arrays[theirs])
        shape = np.shape(getattr(layer, name))
        expected = _given(layer, framework, name, np.broadcast_to(np.float32(0), shape)).shape
        if array.shape != expected:
            raise ShapeError(f"{theirs} is {array.shape}; {expected} is expected")
        state[name] = np.array(_taken(layer, framework, name, array, shape))
    return state


def _names(layer: Module, row: Layout) -> dict[str, str]:
    """Our name -> theirs, of the arrays that the layer has."""
    if isinstance(layer, NORMS):
        names = row.norm_names
    elif isinstance(layer, LOCAL) and not row.local:
        raise UnsupportedError(
            f"{type(layer).__name__} has no layout here; JAX alone has such a layer"
        )
    elif isinstance(layer, (*CONVOLUTIONS, *TRANSPOSED, *LOCAL, nn.Linear)):
        names = row.names
    elif isinstance(layer, Module) and not layer.state_dict():
        return {}
    else:
        raise UnsupportedError(f"{type(layer).__name__} has no layout here; give it layer by layer")
    return {name: theirs for name, theirs in names.items() if getattr(layer, name) is not None}


def _layouts(layer: Module, row: Layout, rank: int) -> tuple[str, str]:
    """The letters of a layer's kernel: ours, theirs."""
    axes = max(rank - 2, 0)
    if isinstance(layer, nn.Linear):
        return OURS.linear, row.linear
    role = "transposed" if isinstance(layer, TRANSPOSED) else "convolution"
    ours, theirs = (getattr(each, role) for each in (OURS, row))
    return letters(ours, axes), letters(theirs, axes)


def _turns(layer: Module, framework: str) -> bool:
    return framework != "scipy" and bool(getattr(layer, "flip", False))


def _splits(layer: Module, row: Layout, rank: int) -> bool:
    """Whether the kernel has an axis of channels and one of outputs a channel: (H, W, C, M)."""
    return (
        isinstance(layer, CONVOLUTIONS)
        and "M" in row.depthwise
        and is_depthwise(rank - 2, layer.in_channels, layer.groups)
    )


def _given(layer: Module, framework: str, name: str, w: Array) -> Array:
    """One of our arrays as theirs."""
    if isinstance(layer, LOCAL):
        return _local_given(layer, name, w)
    if name != "weight" or isinstance(layer, NORMS):
        return w
    row = layout_of(framework)
    if _turns(layer, framework):
        w = flipped(w, w.ndim - 2)
    if _splits(layer, row, w.ndim):  # (C*M, 1, H, W): the outputs of a channel lie side by side
        return reorder(w.reshape(layer.in_channels, -1, *w.shape[2:]), "IMHW", "HWIM")
    return reorder(w, *_layouts(layer, row, w.ndim))


def _taken(layer: Module, framework: str, name: str, w: Array, shape: tuple[int, ...]) -> Array:
    """One of their arrays as ours, which has this shape."""
    if isinstance(layer, LOCAL):
        back = ((-1, -2), (0, 1)) if name == "weight" else ((-1,), (0,))
        return np.moveaxis(w, *back).reshape(shape)
    if name != "weight" or isinstance(layer, NORMS):
        return w
    row = layout_of(framework)
    if _splits(layer, row, w.ndim):
        w = reorder(w, "HWIM", "IMHW").reshape(shape)
    else:
        ours, theirs = _layouts(layer, row, w.ndim)
        w = reorder(w, theirs, ours)
    return flipped(w, w.ndim - 2) if _turns(layer, framework) else w


def _local_given(layer: Any, name: str, w: Array) -> Array:
    """(O, C, *K, *P) -> (*P, C*K, O) and (O, *P) -> (*P, O)."""
    if name == "bias":
        return np.moveaxis(w, 0, -1).copy()
    flat = w.reshape(len(w), -1, *w.shape[2 + layer.axes :])
    return np.moveaxis(flat, (0, 1), (-1, -2)).copy()
