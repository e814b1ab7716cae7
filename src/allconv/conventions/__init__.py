"""The same layer in torch, TensorFlow, Keras, JAX, ONNX, SciPy and OpenCV.

    ac.conventions.weights(layer, "keras")          its arrays in that framework's layout
    ac.conventions.from_weights(layer, arrays, "keras")     and back
    ac.conventions.images(x, "torch", "keras")      images: (N, C, H, W) -> (N, H, W, C)
    ac.conventions.call(layer, "keras", shape)      the text of the equivalent call
    ac.conventions.names("conv2d")                  what it is called elsewhere
    ac.conventions.table()                          who lays out what how
    ac.conventions.EXAMPLES                         the lecture's, with their numbers

No framework is imported here: a call is text, for you (or `exec`) to run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from allconv.conventions.arrays import from_weights, images, weights
from allconv.conventions.frameworks import LAYOUTS, TABLE, framework_of
from allconv.conventions.function_names import names
from allconv.conventions.layouts import Layout, reorder
from allconv.conventions.lecture import EXAMPLES, Example
from allconv.conventions.overview import table
from allconv.conventions.padding import same_padding
from allconv.conventions.sized_layer import sized_layer

__all__ = [
    "EXAMPLES",
    "FRAMEWORKS",
    "LAYOUTS",
    "Example",
    "Layout",
    "call",
    "from_weights",
    "images",
    "names",
    "reorder",
    "same_padding",
    "table",
    "weights",
]

FRAMEWORKS = tuple(TABLE)


def call(layer: Any, framework: str, input_shape: Sequence[int]) -> str:
    """The equivalent call in another framework, as the text of a Python program.

    `layer` is a layer of `nn` (convolutional, transposed, linear, pooling, batch normalisation) or
    an operator of `allconv.operators`; `input_shape` is (N, C, *I) as this package has it. The
    program reads `x`, laid out as `images(x, "allconv", framework)` gives it (a linear layer's as
    it is), and the arrays of `weights(layer, framework)` by their names; its result is in `y`.

    Errors: UnsupportedError where the framework has no such thing.

    >>> from allconv import nn
    >>> print(call(nn.Conv2d(1, 8, 5), "jax", (1, 1, 16, 16)))
    from jax import lax
    <BLANKLINE>
    y = lax.conv_general_dilated(x, kernel, window_strides=(1, 1), padding=((0, 0), (0, 0)),
        dimension_numbers=('NHWC', 'HWIO', 'NHWC')) + bias
    """
    row = framework_of(framework)
    return "\n".join(row.program(sized_layer(layer, input_shape, row.layout)))
