"""Engines by name: what they are called, what they can run, how they are installed.

Each has a file whose `prepare(workload, threads, variant)` makes a workload ready; that is called
in a worker, and imports the engine there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from allconv.bench.workload import (
    ANY,
    CHANNELS_LAST,
    FUNCTION_SIZES,
    GRADIENT,
    NCHW,
    NETWORK,
    NETWORK_SIZES,
    STEP,
    Workload,
)
from allconv.errors import ArgumentError


@dataclass(frozen=True)
class Engine:
    """An engine in one of its variants.

    `module` is imported by the worker; `package` is what users install (None: allconv itself);
    `kinds` and `layouts` are those of the workloads that it can run.
    """

    name: str
    title: str
    module: str
    package: str | None
    kinds: frozenset[str]
    layouts: frozenset[str]
    variant: str = ""

    def runs(self, workload: Workload) -> bool:
        """Whether a workload is for this engine."""
        return workload.kind in self.kinds and workload.layout in self.layouts

    @property
    def is_installed(self) -> bool:
        """Whether its package can be found; nothing is imported."""
        return self.package is None or find_spec(self.package) is not None


OURS = "allconv"
COMPILED = "torch-compiled"
_ROOM = "allconv.bench.engines"
_ALL = frozenset({NETWORK, GRADIENT, STEP, NETWORK_SIZES, FUNCTION_SIZES})
_FILES = frozenset({NETWORK, NETWORK_SIZES})
_AS_GIVEN, _LAST = frozenset({ANY, NCHW}), frozenset({ANY, CHANNELS_LAST})

ENGINES: dict[str, Engine] = {
    engine.name: engine
    for engine in (
        Engine(OURS, "allconv", f"{_ROOM}.ours", None, _ALL, _AS_GIVEN | _LAST),
        Engine("torch", "PyTorch", f"{_ROOM}.pytorch", "torch", _ALL, _AS_GIVEN),
        Engine(
            "torch-last", "PyTorch channels last", f"{_ROOM}.pytorch", "torch",
            _ALL - {NETWORK_SIZES, FUNCTION_SIZES}, _LAST, CHANNELS_LAST,
        ),
        Engine(
            COMPILED, "PyTorch compiled", f"{_ROOM}.pytorch", "torch",
            frozenset({NETWORK, STEP}), _AS_GIVEN, "compiled",
        ),
        Engine(
            "onnxruntime", "ONNX Runtime", f"{_ROOM}.onnx_runtime", "onnxruntime",
            _FILES, _AS_GIVEN,
        ),
        Engine(
            "openvino", "OpenVINO", f"{_ROOM}.open_vino", "openvino", _FILES, _AS_GIVEN
        ),
    )
}  # fmt: skip
PEERS = ("torch", "onnxruntime", "openvino")
"""What `--peers` takes: packages; PyTorch stands for all its variants."""


def peers_of(packages: Sequence[str], *, compiled: bool) -> list[Engine]:
    """The engines of packages, in the order of the tables; ArgumentError for an unknown one."""
    for name in packages:
        if name not in PEERS:
            known = ", ".join(PEERS)
            raise ArgumentError(f"there is no peer {name!r}; {known}, or none are expected")
    return [
        engine
        for engine in ENGINES.values()
        if engine.package in packages and (compiled or engine.name != COMPILED)
    ]
