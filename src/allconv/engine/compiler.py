"""The one door to LLVM: IR to object bytes, object bytes to an address."""

from __future__ import annotations

import ctypes
import itertools
import os
import threading
from collections.abc import Callable
from functools import cache

import llvmlite.binding as llvm

from allconv.engine.kernel import Routine
from allconv.errors import Error

on_compile: list[Callable[[Routine], None]] = []
"""Called with each routine before it is compiled, so that a command line can say so."""

# LLVM is not safe to use from several threads, nor from a child that was forked in the middle. The
# cache holds this lock too: with two of them a fork could wait for one while holding the other.
lock = threading.RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release
    )

_libraries = itertools.count()
_compilations = 0


def processor() -> tuple[str, str, dict[str, bool]]:
    """The architecture, the name and the features of this machine's processor."""
    with lock:
        architecture = llvm.get_process_triple().split("-")[0]
        try:
            features = dict(llvm.get_host_cpu_features())
        except RuntimeError:  # LLVM cannot tell on some systems
            features = {}
        return architecture, llvm.get_host_cpu_name(), features


def llvm_version() -> str:
    """The version of LLVM, as in "22.1.0"."""
    return ".".join(map(str, llvm.llvm_version_info))


def compilations() -> int:
    """How many routines this process has compiled; what came from the cache is not counted."""
    return _compilations


def compile_object(routine: Routine) -> bytes:
    """The machine code of a routine as an object file."""
    global _compilations
    for notify in on_compile:
        notify(routine)
    with lock:
        module, machine = _parsed(routine)
        _compilations += 1
        return bytes(machine.emit_object(module))


def assembly(routine: Routine) -> str:
    """The machine code of a routine as text."""
    with lock:
        module, machine = _parsed(routine)
        return str(machine.emit_assembly(module))


def link(name: str, code: bytes) -> int:
    """The address of the function `name` of an object file, loaded for the life of the process."""
    if name.encode() not in code:
        raise Error(f"the object file of {name} has no symbol of that name")
    with lock:
        builder = llvm.JITLibraryBuilder().add_object_img(code).export_symbol(name)
        library = builder.link(_jit(), f"{name}.{next(_libraries)}")
        address = int(library[name])
        library.detach()  # the code stays: other threads may be running it whenever it is dropped
        return address


def _parsed(routine: Routine) -> tuple[llvm.ModuleRef, llvm.TargetMachine]:
    _initialise()
    module = llvm.parse_assembly(routine.ir())
    module.verify()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    # No optimiser passes: the emitted SSA needs none, and they triple the time.
    machine = target.create_target_machine(
        cpu=routine.target.cpu, features=routine.target.features, opt=2
    )
    return module, machine


@cache
def _initialise() -> None:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()


@cache
def _jit() -> llvm.LLJIT:
    _initialise()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    jit = llvm.create_lljit_compiler(target.create_target_machine())
    # Never dropped, not even at exit, when a daemon thread may still be inside a kernel.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(jit))
    return jit
