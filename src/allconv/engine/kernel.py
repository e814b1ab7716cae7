"""What can be compiled: a description whose fields decide the machine code."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

from allconv.engine.arguments import Arguments
from allconv.engine.emit.code import Code
from allconv.engine.llvm import llvm_version
from allconv.engine.target import Target

FORMAT = 1  # of the machine code's calling convention and of the files it is kept in


@dataclass(frozen=True)
class Routine(ABC):
    """A piece of machine code, described by its fields."""

    target: Target

    @property
    def slots(self) -> tuple[str, ...]:
        """The names of the numbers of its argument block."""
        return ()

    @abstractmethod
    def ir(self) -> str:
        """The LLVM IR, which defines one function called `name`."""

    def key(self) -> str:
        """Everything that decides the machine code: fields, sources, versions, processor."""
        return _key(self)

    @property
    def name(self) -> str:
        """A readable name that is a C identifier and belongs to this key alone."""
        return f"{type(self).__name__}_{sha256(self.key().encode()).hexdigest()[:16]}"


@dataclass(frozen=True)
class Kernel(Routine):
    """A kernel `void name(const int64 *args, void *scratch, int64 chunk)` of one structure.

    Fields decide the code: dtype, tile, stride, epilogue. Sizes, strides and addresses come at run
    time from the argument block, which the class that it `takes` describes.
    """

    dtype: str

    takes: ClassVar[type[Arguments[Any]]] = Arguments

    @property
    def slots(self) -> tuple[str, ...]:
        return self.takes.names()

    @abstractmethod
    def emit(self, code: Code) -> None:
        """Write the body of the kernel."""

    def ir(self) -> str:
        """The LLVM IR of the kernel."""
        code = Code(self.target, self.dtype, self.name, self.slots)
        self.emit(code)
        return code.finish()


@cache
def _key(routine: Routine) -> str:
    kind = type(routine)
    lines = [
        f"format {FORMAT}",
        f"llvmlite {version('llvmlite')}, LLVM {llvm_version()}",
        f"sources {_sources(kind.__module__)}",
        f"{kind.__module__}.{kind.__qualname__}",
        *(f"{field.name} = {getattr(routine, field.name)!r}" for field in fields(routine)),
    ]
    return "\n".join(lines)


@cache
def _sources(module: str) -> str:
    """The digest of all sources of the engine, and of the file of a module outside of it."""
    digest = sha256()
    folder = Path(__file__).parent
    files = sorted(folder.rglob("*.py"))
    file = getattr(sys.modules.get(module), "__file__", None)
    if file and Path(file) not in files:
        files.append(Path(file))
    for path in files:
        digest.update(sha256(path.read_bytes()).digest())
    return digest.hexdigest()
