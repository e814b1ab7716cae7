"""The table of frameworks: what each can be called for, and what its programs import."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from allconv.conventions import jax, keras, onnx, opencv, scipy, tensorflow, torch
from allconv.conventions.problem import Problem
from allconv.errors import UnsupportedError


@dataclass(frozen=True)
class Framework:
    """One framework: the lines of a call by the kind of layer, and the imports of its programs.

    An import is needed where its text occurs in the lines: "" always. Only JAX has zeros between
    the cells of an input.
    """

    title: str
    writers: Mapping[str, Callable[[Problem], list[str]]]
    imports: Mapping[str, str]
    has_input_dilation: bool = False

    def program(self, problem: Problem) -> list[str]:
        """The lines of a program for a layer; UnsupportedError where there is none."""
        if problem.kind not in self.writers:
            raise UnsupportedError(
                f"{self.title} has no call for layers of this kind: {problem.kind}"
            )
        is_spread = any(axis.input_dilation > 1 for axis in problem.window.axes)
        if is_spread and not self.has_input_dilation:
            raise UnsupportedError(
                f"{self.title} has no input dilation; JAX has, or use a transposed convolution"
            )
        lines = self.writers[problem.kind](problem)
        used = [line for text, line in self.imports.items() if any(text in each for each in lines)]
        return [*used, "", *lines]


NUMPY = {"np.": "import numpy as np"}
PROGRAMS = {
    "torch": Framework(
        "torch", torch.WRITERS, {"": "import torch\nfrom torch.nn import functional as F"}
    ),
    "tensorflow": Framework(
        "TensorFlow", tensorflow.WRITERS, {**NUMPY, "": "import tensorflow as tf"}
    ),
    "keras": Framework("Keras", keras.WRITERS, {"": "import keras", **NUMPY}),
    "jax": Framework(
        "JAX", jax.WRITERS, {"jnp.": "import jax.numpy as jnp", "": "from jax import lax"},
        has_input_dilation=True,
    ),
    "onnx": Framework(
        "ONNX", onnx.WRITERS,
        {**NUMPY, "": "from onnx import helper\nfrom onnx.reference import ReferenceEvaluator"},
    ),
    "scipy": Framework(
        "SciPy", scipy.WRITERS,
        {"": "import numpy as np", "ndimage.": "from scipy import ndimage",
         "signal.": "from scipy import signal"},
    ),
    "opencv": Framework("OpenCV", opencv.WRITERS, {"": "import cv2", **NUMPY}),
}  # fmt: skip
