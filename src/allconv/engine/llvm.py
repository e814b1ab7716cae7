"""LLVM, one thread at a time; what it says of itself and of this machine's processor."""

from __future__ import annotations

import _thread
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from functools import cache, wraps
from typing import ParamSpec, TypeVar

import llvmlite.binding as llvm

from allconv.once import ONCE

_waited_for: list[_thread.LockType] = []  # by the main thread: a signal handler may wait in a wait

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


def guarded(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """Let one thread at a time into a function that uses LLVM, and none that can be interrupted.

    llvmlite frees an object twice when Ctrl-C strikes while it frees it. Only the main thread is
    ever interrupted: it waits for another one, which goes on to the end whatever happens. Where no
    thread can be started it does the work itself.
    """

    def locked(*args: _Arguments.args, **options: _Arguments.kwargs) -> _Result:
        with ONCE:
            return function(*args, **options)

    @wraps(function)
    def call(*args: _Arguments.args, **options: _Arguments.kwargs) -> _Result:
        if threading.get_ident() != threading.main_thread().ident:
            return locked(*args, **options)
        results: list[_Result] = []
        errors: list[BaseException] = []

        def work(done: _thread.LockType) -> None:
            try:
                results.append(locked(*args, **options))
            except BaseException as error:
                errors.append(error)
            finally:
                done.release()

        while not (results or errors):  # neither: in a forked child, where nobody works on it
            done = _thread.allocate_lock()
            done.acquire()
            _waited_for.append(done)
            context = copy_context()  # warnings are caught where they would have been
            try:
                # Not threading.Thread: a signal handler may be here while its lock is held.
                if not _started(context.run, work, done):
                    return locked(*args, **options)
                done.acquire()
            finally:
                _waited_for.remove(done)
        if errors:
            raise errors[0]
        return results[0]

    return call


def _started(function: Callable[..., object], *args: object) -> bool:
    """Run a function on a thread of its own, if one can be started."""
    try:
        _thread.start_new_thread(function, args)
    except RuntimeError:
        return False
    return True


def _wait_no_more() -> None:
    """In a child that a signal handler forked: the thread that is waited for is not there."""
    for done in _waited_for:
        with suppress(RuntimeError):  # it has ended
            done.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_wait_no_more)


@guarded
def processor() -> tuple[str, str, dict[str, bool]]:
    """The architecture, the name and the features of this machine's processor."""
    architecture = llvm.get_process_triple().split("-")[0]
    try:
        features = dict(llvm.get_host_cpu_features())
    except RuntimeError:  # LLVM cannot tell on some systems
        features = {}
    return architecture, llvm.get_host_cpu_name(), features


def llvm_version() -> str:
    """The version of LLVM, as in "22.1.0"."""
    return ".".join(map(str, llvm.llvm_version_info))


@cache
def initialise() -> None:
    """Make LLVM ready to compile for this machine."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
