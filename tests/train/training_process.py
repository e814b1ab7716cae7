"""A training in a process of its own, to be killed: OUT THREADS [the file sync to die at]."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from allconv.train import Callback, fit

from .making import small_network, striped_data

SETTINGS = {"epochs": 12, "batch_size": 16, "learning_rate": 0.02, "clip": 1.0, "seed": 3}


class Slow(Callback):
    """Says when it begins, and gives a killer time to come in every place."""

    def on_begin(self, begin):
        """See Callback."""
        print("begun", flush=True)

    def on_step(self, info):
        """See Callback."""
        time.sleep(0.002)


def main() -> None:
    """Train, or go on."""
    out, threads = Path(sys.argv[1]), int(sys.argv[2])
    if len(sys.argv) > 3:
        die_at_sync(int(sys.argv[3]))
    where = {"resume": out} if (out / "last.safetensors").exists() else {"out": out}
    fit(small_network(), striped_data(), threads=threads, callbacks=[Slow()], **where, **SETTINGS)


def die_at_sync(number: int) -> None:
    """Be killed when a file is synced for the n-th time: it is written, but not yet in place."""
    real, calls = os.fsync, []

    def fsync(handle):
        calls.append(handle)
        if len(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        real(handle)

    os.fsync = fsync


if __name__ == "__main__":
    main()
