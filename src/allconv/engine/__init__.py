"""The engine: graphs become programs, and programs run on kernels of machine code.

What the rest of the library uses of it stands here and is loaded at first use, LLVM with it, so
that importing layers and functions stays cheap. Inside, every import stands at the top of its file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allconv.once import load

if TYPE_CHECKING:
    from allconv.engine.eager import run_operator
    from allconv.engine.program import Program
    from allconv.engine.programs import KeptProgram, keep
    from allconv.engine.weights import Weights

_DEFINED_IN = {
    "KeptProgram": "engine.programs",
    "Program": "engine.program",
    "Weights": "engine.weights",
    "keep": "engine.programs",
    "run_operator": "engine.eager",
}

__all__ = ["KeptProgram", "Program", "Weights", "keep", "run_operator"]


def __getattr__(name: str) -> Any:
    return load("allconv.engine", _DEFINED_IN, name)


def __dir__() -> list[str]:
    return __all__
