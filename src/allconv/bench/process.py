"""Workers as seen from here: started, asked, ended."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from types import MappingProxyType, TracebackType
from typing import Any, Self

from allconv.bench.engines import Engine
from allconv.bench.worker import Message
from allconv.errors import Error

TIMEOUT = 900.0  # seconds for one answer
SHOWN = 300  # characters of what an engine said that are told
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from allconv.bench.worker import main; main()"
)


class WorkerError(Error):
    """A worker could not do what it was asked, or is gone; the message says why."""


@contextmanager
def failing(failures: dict[str, str], engine: str) -> Iterator[None]:
    """Take down what a worker of this engine could not do, and go on."""
    try:
        yield
    except WorkerError as error:
        failures[engine] = str(error)


class WorkerProcess:
    """A process that runs one engine; it is started when it is first asked.

    It sees the same modules as this one. A worker that died or took too long is started anew by the
    next question, which must be "prepare" then.
    """

    def __init__(
        self,
        engine: Engine,
        threads: int,
        *,
        timeout: float = TIMEOUT,
        variables: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.engine = engine
        self.threads = threads
        self.timeout = timeout
        self._variables = variables
        self._process: subprocess.Popen[str] | None = None
        self._answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._said: Any = None

    def prepare(self, workload: Message) -> Message:
        """Have a workload made ready."""
        return self.ask(
            "prepare",
            engine=self.engine.module,
            variant=self.engine.variant,
            threads=self.threads,
            workload=workload,
        )

    def ask(self, do: str, **settings: Any) -> Message:
        """Send a message and wait for the answer; WorkerError where it is none."""
        process = self._process or self._start()
        try:
            assert process.stdin is not None  # noqa: S101 (it is a pipe)
            process.stdin.write(json.dumps({"do": do, **settings}) + "\n")
            process.stdin.flush()
            line = self._answers.get(timeout=self.timeout)
        except queue.Empty:
            self.end()
            raise WorkerError(f"no answer within {self.timeout:g} s") from None
        except OSError:
            line = None
        if line is None:
            raise WorkerError(self._death())
        answer: Message = json.loads(line)
        if not answer.pop("ok"):
            raise WorkerError(_short(answer["error"]))
        return answer

    def end(self) -> None:
        """End the process, whatever it is doing."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(OSError):
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        self._said.close()

    @property
    def process_id(self) -> int:
        """The number of the process, which runs."""
        return (self._process or self._start()).pid

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def _start(self) -> subprocess.Popen[str]:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 (closed by `end`)
        self._answers = queue.SimpleQueue()
        threads = str(self.threads)
        self._process = subprocess.Popen(  # noqa: S603 (our own text)
            [sys.executable, "-P", "-c", _START, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            encoding="utf-8",
            env={**os.environ, "OMP_NUM_THREADS": threads, **self._variables},
        )
        reader = threading.Thread(
            target=_read, args=(self._process.stdout, self._answers), daemon=True
        )
        reader.start()
        return self._process

    def _death(self) -> str:
        """Why the process is gone: its status and its last words."""
        process = self._process
        status = process.wait() if process is not None else 0
        self._said.seek(0)
        words = self._said.read().decode("utf-8", "replace").strip().splitlines()
        self.end()
        how = f"signal {-status}" if status < 0 else f"exit status {status}"
        return f"the process ended with {how}" + (f": {_short(words[-1])}" if words else "")


def _read(stream: Any, answers: queue.SimpleQueue[str | None]) -> None:
    """Pass lines on; None at the end."""
    with suppress(OSError, ValueError):
        for line in stream:
            answers.put(line)
    answers.put(None)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
