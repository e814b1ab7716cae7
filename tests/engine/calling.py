"""Write, compile and call a few lines of a kernel."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from allconv.engine import compiler
from allconv.engine.emit.code import Code
from allconv.engine.kernel import Routine
from allconv.engine.target import names, restricted

TARGETS = [restricted(name) for name in names()]
HOST = TARGETS[0]
DTYPES = ("float32", "float64")
KERNEL = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 3)


@dataclass(frozen=True)
class Written(Routine):
    """A kernel whose body is a function; never kept on disk."""

    dtype: str
    arguments: tuple[str, ...]
    body: Callable[[Code], None]

    def ir(self) -> str:
        code = Code(self.target, self.dtype, self.name, self.arguments)
        self.body(code)
        return code.finish()


def empty_code() -> Code:
    """The code of a kernel that does nothing yet."""
    return Code(HOST, "float32", "k", ())


def address_of(routine: Routine) -> int:
    """The address of a routine compiled now, past the cache."""
    return compiler.link(routine.name, compiler.compile_object(routine))


def written(target, dtype, arguments, body) -> Callable[..., None]:
    """A Python function of the named arguments (arrays or integers) that runs the body once."""
    function = KERNEL(address_of(Written(target, dtype, tuple(arguments), body)))

    def call(*values, scratch=0, chunk=0) -> None:
        assert len(values) == len(arguments)
        block = [x.ctypes.data if isinstance(x, np.ndarray) else x for x in values]
        args = np.array(block, np.int64)
        function(args.ctypes.data, scratch, chunk)

    return call
