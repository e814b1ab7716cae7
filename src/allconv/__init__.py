"""Convolutional networks from the ground up.

    import allconv as ac
    from allconv import nn, functional as F

Names are loaded when they are first used, so that importing the package costs little more than
importing NumPy.
"""

from __future__ import annotations

from allconv.version import __version__

TYPE_CHECKING = False  # as typing has it, which takes longer to load than all of this
if TYPE_CHECKING:
    from typing import Any

    from allconv import conventions, errors, functional, nn, rewrite, sizes, testing
    from allconv.analysis.counts import count_layers
    from allconv.analysis.matrix import as_matrix
    from allconv.engine.compile import compile
    from allconv.engine.threads import get_threads, set_threads
    from allconv.functional.differentiate import grad, jacobian, value_and_grad, vjp
    from allconv.functional.plain import (
        convolve,
        correlate,
        correlate_transpose,
        correlate_weight,
    )
    from allconv.nn.saved import load
    from allconv.show.explain import explain

_DEFINED_IN = {  # where each name is defined; None: it is a module of its own
    "ImageClassifier": "train",
    "as_matrix": "analysis.matrix",
    "compile": "engine.compile",
    "conventions": None,
    "convolve": "functional.plain",
    "correlate": "functional.plain",
    "correlate_transpose": "functional.plain",
    "correlate_weight": "functional.plain",
    "count_layers": "analysis.counts",
    "errors": None,
    "explain": "show.explain",
    "fit": "train",
    "functional": None,
    "get_threads": "engine.threads",
    "grad": "functional.differentiate",
    "jacobian": "functional.differentiate",
    "lecture": None,
    "load": "nn.saved",
    "nn": None,
    "onnx": None,
    "receptive_field": "analysis.receptive",
    "rewrite": None,
    "set_threads": "engine.threads",
    "sizes": None,
    "testing": None,
    "value_and_grad": "functional.differentiate",
    "vjp": "functional.differentiate",
    "working": "show.working",
}

__all__ = [
    "ImageClassifier",
    "__version__",
    "as_matrix",
    "compile",
    "conventions",
    "convolve",
    "correlate",
    "correlate_transpose",
    "correlate_weight",
    "count_layers",
    "errors",
    "explain",
    "fit",
    "functional",
    "get_threads",
    "grad",
    "jacobian",
    "lecture",
    "load",
    "nn",
    "onnx",
    "receptive_field",
    "rewrite",
    "set_threads",
    "sizes",
    "testing",
    "value_and_grad",
    "vjp",
    "working",
]


def __getattr__(name: str) -> Any:
    from allconv.once import load

    return load("allconv", _DEFINED_IN, name)


def __dir__() -> list[str]:
    return __all__
