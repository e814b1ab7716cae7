"""What programs set on ONNX Runtime's sessions: taken, kept, and without effect here."""

from __future__ import annotations

from enum import IntEnum

PROVIDER = "CPUExecutionProvider"


class GraphOptimizationLevel(IntEnum):
    """How much a graph is rewritten; here it always is."""

    ORT_DISABLE_ALL = 0
    ORT_ENABLE_BASIC = 1
    ORT_ENABLE_EXTENDED = 2
    ORT_ENABLE_LAYOUT = 3
    ORT_ENABLE_ALL = 99


class ExecutionMode(IntEnum):
    """Whether branches of a graph run beside each other; here each step has all threads."""

    ORT_SEQUENTIAL = 0
    ORT_PARALLEL = 1


class SessionOptions:
    """Settings of a session: any attribute may be set, and none changes what is computed.

    >>> options = SessionOptions()
    >>> options.intra_op_num_threads = 1
    >>> options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    >>> options.get_session_config_entry("session.intra_op.allow_spinning")
    '0'
    """

    def __init__(self) -> None:
        self.intra_op_num_threads = 0
        self.inter_op_num_threads = 0
        self.log_severity_level = 2
        self.graph_optimization_level = GraphOptimizationLevel.ORT_ENABLE_ALL
        self.execution_mode = ExecutionMode.ORT_SEQUENTIAL
        self.enable_cpu_mem_arena = True
        self.enable_mem_pattern = True
        self.enable_profiling = False
        self._entries: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def add_session_config_entry(self, key: str, value: str) -> None:
        """Keep an entry."""
        self._entries[key] = value

    def get_session_config_entry(self, key: str) -> str:
        """An entry that was kept, or an empty text."""
        return self._entries.get(key, "")


class RunOptions:
    """Settings of a run: any attribute may be set, and none changes what is computed."""

    def __init__(self) -> None:
        self.log_severity_level = 2
        self.logid = ""


def get_available_providers() -> list[str]:
    """Where networks run: on this processor."""
    return [PROVIDER]


def get_device() -> str:
    """The kind of device: the processor."""
    return "CPU"
