"""The weights of a layer as another framework lays them out, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from allconv import nn
from allconv.conventions.frameworks import LAYOUTS, OURS, TABLE, framework_of
from allconv.conventions.layouts import SPATIAL, Layout, letters, reorder, transposed
from allconv.conventions.sized_layer import CONVOLUTIONS, LOCAL, NORMS, TRANSPOSED, is_depthwise
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
        theirs: np.array(_as_theirs(layer, framework, name, getattr(layer, name)), order="C")
        for name, theirs in _names(layer, framework_of(framework).layout).items()
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
    names = _names(layer, framework_of(framework).layout)
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
        state[name] = np.empty(np.shape(getattr(layer, name)), array.dtype)
        view = _as_theirs(layer, framework, name, state[name])
        if array.shape != view.shape:
            raise ShapeError(f"{theirs} is {array.shape}; {view.shape} is expected")
        view[...] = array
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


def _as_theirs(layer: Any, framework: str, name: str, w: Array) -> Array:
    """A view of one of our arrays as theirs: read from, and written through."""
    row = LAYOUTS[framework]
    if isinstance(layer, LOCAL):  # (O, C, *K, *P) -> (*P, C*K, O), and (O, *P) -> (*P, O)
        if name == "bias":
            return np.moveaxis(w, 0, -1)
        flat = w.reshape(len(w), -1, *w.shape[2 + layer.axes :])
        return np.moveaxis(flat, (0, 1), (-1, -2))
    if name != "weight" or isinstance(layer, NORMS):
        return w
    if isinstance(layer, nn.Linear):
        return transposed(w, OURS.linear, row.linear)
    axes = w.ndim - 2
    has_word = "true convolution" in TABLE[framework].calls
    if getattr(layer, "flip", False) and not has_word:
        w = flipped(w, axes)
    if isinstance(layer, TRANSPOSED):
        return transposed(w, letters(OURS.transposed, axes), letters(row.transposed, axes))
    if "M" in row.depthwise and is_depthwise(axes, layer.in_channels, layer.groups):
        # (C*M, 1, H, W): the outputs of a channel lie side by side
        return transposed(w.reshape(layer.in_channels, -1, *w.shape[2:]), "IMHW", "HWIM")
    return transposed(w, letters(OURS.convolution, axes), letters(row.convolution, axes))


def images(x: Any, source: str, target: str) -> Array:
    """A batch of images as another framework lays it out; "allconv" is the layout of this package.

    Shapes: (N, C, *I) or (N, *I, C), by the two frameworks; any dtype.

    >>> images(np.zeros((2, 3, 32, 28)), "allconv", "keras").shape
    (2, 32, 28, 3)
    """
    x = take_array("x", x)
    axes = x.ndim - 2
    if axes not in SPATIAL:
        raise ShapeError(f"x is {x.shape}; a batch, channels and up to 3 axes are expected")
    rows = [OURS if name == "allconv" else framework_of(name).layout for name in (source, target)]
    first, second = (letters(row.image, axes) for row in rows)
    return reorder(x, first, second)
