"""Ctrl-C: while Python loads, while a command runs, and when it is over.

Python's own way, KeyboardInterrupt wherever the program is, is right only in between: while
modules load it comes up inside of them, where it is printed, turned into another error or lost.
"""

from __future__ import annotations

import os
import signal
import sys

TYPE_CHECKING = False  # see allconv.cli
if TYPE_CHECKING:
    from types import FrameType

STATUS = 128 + signal.SIGINT
AGAIN = 0.01  # seconds after which a Ctrl-C that got lost comes again


def end_at_once() -> None:
    """From now on Ctrl-C ends the process with a line: nothing is begun that could be half done."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


def end_silently() -> None:
    """From now on Ctrl-C ends the process as it ends others: all has been said and done."""
    if signal.getsignal(signal.SIGINT) in (signal.default_int_handler, _end):
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def _end(number: int, frame: FrameType | None) -> None:
    try:
        os.write(2, b"allconv: stopped\n")
    finally:
        os._exit(STATUS)


class Raised:
    """Ctrl-C is KeyboardInterrupt in here; one that comes up where Python drops it comes again."""

    def __enter__(self) -> None:
        if signal.getsignal(signal.SIGINT) is _end:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        self._before = sys.unraisablehook
        sys.unraisablehook = self._hook

    def __exit__(self, *ended: object) -> None:
        sys.unraisablehook = self._before

    def _hook(self, dropped: sys.UnraisableHookArgs) -> None:
        if not issubclass(dropped.exc_type, KeyboardInterrupt):
            self._before(dropped)
            return
        import threading

        timer = threading.Timer(AGAIN, _press)
        timer.daemon = True
        timer.start()


def _press() -> None:
    """Ctrl-C for the main thread, which wakes it where it waits."""
    import threading

    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        signal.pthread_kill(main, signal.SIGINT)
    else:
        signal.raise_signal(signal.SIGINT)


def is_interrupt(error: BaseException | None) -> bool:
    """Whether an error is KeyboardInterrupt, or what a module made of one while it was loaded."""
    seen = 0
    while error is not None and seen < 100:
        if isinstance(error, KeyboardInterrupt):
            return True
        error, seen = error.__cause__ or error.__context__, seen + 1
    return False
