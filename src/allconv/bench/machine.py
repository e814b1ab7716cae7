"""What machine this is, and what is installed: figures are worth nothing without."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("numpy", "llvmlite", "onnx", "torch", "onnxruntime", "openvino")
BUSY = 0.3  # processors in use by others above which figures are not to be trusted


def describe_machine() -> dict[str, Any]:
    """The processor, the system, and how busy it has been in the last minute."""
    return {
        "processor": _processor_name(),
        "processors": os.cpu_count() or 1,
        "memory": _memory(),
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0,
    }


def versions() -> dict[str, str]:
    """The versions of what takes part and is installed."""
    from allconv.version import __version__

    found = {"allconv": __version__, "Python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _processor_name() -> str:
    for line in _lines(Path("/proc/cpuinfo")):
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()


def _memory() -> int:
    """Bytes of memory; 0 where the system does not tell."""
    for line in _lines(Path("/proc/meminfo")):
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return 0


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
