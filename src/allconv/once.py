"""What a process does once, and what a fork waits for: loading files, compiling, linking.

Names of a package that are loaded at first use (PEP 562) are loaded by `load`.

LLVM serves one thread at a time, and a child that is forked while another thread compiles, or is in
the middle of an import, would wait for that thread for ever: it is not in the child. So both are
done under one lock, which a fork takes; and a fork waits for other imports that it can see.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from importlib import import_module

TYPE_CHECKING = False  # as typing has it, which takes longer to load than all of this
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

ONCE = threading.RLock()

PATIENCE = 10.0
"""Seconds a fork waits for imports at most, should the thread that forks be importing itself."""

_LOADED_LATE = ("allconv", "llvmlite", "numpy", "onnx", "PIL", "platformdirs", "safetensors")


def _importing() -> bool:
    """Whether a file that is loaded at first use is being loaded."""
    for name, module in tuple(sys.modules.items()):
        if name.partition(".")[0] in _LOADED_LATE:
            spec = getattr(module, "__spec__", None)
            if getattr(spec, "_initializing", False):
                return True
    return False


def _before_fork() -> None:
    ONCE.acquire()
    end = time.monotonic() + PATIENCE
    while _importing() and time.monotonic() < end:
        ONCE.release()  # the import may be waiting for it
        time.sleep(0.0005)
        ONCE.acquire()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork, after_in_parent=ONCE.release, after_in_child=ONCE.release
    )


def load(package: str, modules: Mapping[str, str | None], name: str) -> Any:
    """The attribute `name` of a package, imported now: what a package's `__getattr__` returns.

    `modules` has, by name, the module of allconv that defines it ("engine.program"), or None for a
    module of the package itself. AttributeError for other names.
    """
    if name not in modules:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    module = modules[name]
    with ONCE:  # a fork waits for what is being loaded
        if module is None:
            return import_module(f"{package}.{name}")
        found = getattr(import_module(f"allconv.{module}"), name)
    setattr(sys.modules[package], name, found)
    return found
