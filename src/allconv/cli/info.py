"""`allconv info`: what runs here."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

from allconv.cli.group import command as make
from allconv.cli.output import say
from allconv.text import counted

PACKAGES = ("numpy", "llvmlite", "onnx", "pillow", "safetensors")


@make("info", "allconv info")
def command() -> None:
    """Show versions, the processor, threads and folders."""
    rows = [*_versions(), *_machine(), *_folders()]
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        say(f"{name:<{width}}  {value}")


def _versions() -> list[tuple[str, str]]:
    from allconv.engine.llvm import llvm_version
    from allconv.version import __version__

    rows = [("allconv", __version__), ("Python", platform.python_version())]
    rows += [(name, _installed(name)) for name in PACKAGES]
    return [*rows, ("LLVM", llvm_version())]


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _machine() -> list[tuple[str, str]]:
    from allconv.engine import target, threads
    from allconv.engine.llvm import processor

    architecture, name, _ = processor()
    chosen = target.host()
    why = os.environ.get(target.VARIABLE)
    vectors = f"{chosen.bits}-bit vectors, {chosen.registers} registers"
    known = f"{', '.join(target.names())}; {vectors}" + (
        f" ({target.VARIABLE}={why})" if why else ""
    )
    count, free = threads.get_threads(), threads.available_cpus()
    setting = os.environ.get(threads.VARIABLE)
    because = (
        f"{threads.VARIABLE}={setting}" if setting else f"{counted(free, 'processor')} may be used"
    )
    return [
        ("system", f"{platform.system()} {platform.release()}, {architecture}"),
        ("processor", f"{name}, {os.cpu_count()} in this machine"),
        ("targets", known),
        ("threads", f"{count} ({because})"),
    ]


def _folders() -> list[tuple[str, str]]:
    from allconv.cli.cache import described
    from allconv.engine import cache

    return [("compiled code", described(cache.info()))]
