"""Compiling: IR to object bytes, object bytes to an address."""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Callable
from functools import cache

import llvmlite.binding as llvm

from allconv.engine.kernel import Routine
from allconv.engine.llvm import guarded, initialise
from allconv.errors import Error

on_compile: list[Callable[[Routine], None]] = []
"""Called with each routine before it is compiled, on the thread that compiles."""

_libraries = itertools.count()
_compilations = 0


def compilations() -> int:
    """How many routines this process has compiled; what came from the cache is not counted."""
    return _compilations


@guarded
def compile_object(routine: Routine) -> bytes:
    """The machine code of a routine as an object file."""
    global _compilations
    for notify in on_compile:
        notify(routine)
    module, machine = _parsed(routine)
    _compilations += 1
    return bytes(machine.emit_object(module))


@guarded
def assembly(routine: Routine) -> str:
    """The machine code of a routine as text."""
    module, machine = _parsed(routine)
    return str(machine.emit_assembly(module))


@guarded
def link(name: str, code: bytes) -> int:
    """The address of the function `name` of an object file, loaded for the life of the process."""
    if name.encode() not in code:
        raise Error(f"the object file of {name} has no symbol of that name")
    builder = llvm.JITLibraryBuilder().add_object_img(code).export_symbol(name)
    library = builder.link(_jit(), f"{name}.{next(_libraries)}")
    address = int(library[name])
    library.detach()  # the code stays: other threads may be running it whenever it is dropped
    return address


def _parsed(routine: Routine) -> tuple[llvm.ModuleRef, llvm.TargetMachine]:
    initialise()
    module = llvm.parse_assembly(routine.ir())
    module.verify()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    # No optimiser passes: the emitted SSA needs none, and they triple the time.
    machine = target.create_target_machine(
        cpu=routine.target.cpu, features=routine.target.features, opt=2
    )
    return module, machine


@cache
def _jit() -> llvm.LLJIT:
    initialise()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    jit = llvm.create_lljit_compiler(target.create_target_machine())
    # Never dropped, not even at exit, when a daemon thread may still be inside a kernel.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(jit))
    return jit
