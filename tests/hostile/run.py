"""Run hostile calls and say what became of them: `python -m hostile.run SEED CALLS`, from tests/.

Every call ends in one of three ways: it runs, it is refused by an error of ours, or Python says
that its arguments do not fit the signature. The last line is the counts, as JSON; above it stands
every call that ended otherwise, with what it takes to repeat it.

The process has a limit on its memory, so that what is too large is refused by the system, and
every call one on its time.
"""

from __future__ import annotations

import json
import re
import resource
import signal
import sys
import warnings
from collections import Counter
from random import Random
from typing import Any

import numpy as np

from allconv.errors import Error

MEMORY = 4 << 30  # bytes of address space
SECONDS = 60
SIGNATURE = re.compile(
    r"\w+\(\) (got (an unexpected keyword|multiple values|some positional-only)|"
    r"missing \d+ required|takes \d+ positional|takes from \d+ to \d+ positional|"
    r"takes no arguments)"
)


class TooSlow(BaseException):
    """A call that does not come back."""


def outcome(text: str, words: dict[str, Any], *, careful: bool = False) -> str:
    """How a call ends; `careful`: with every floating-point warning of NumPy made an error."""
    signal.alarm(SECONDS)
    try:
        with np.errstate(all="raise" if careful else "warn"):
            eval(text, dict(words))  # noqa: S307 (text of our own)
    except Error as error:
        str(error)
        return "refused"
    except TypeError as error:
        return "signature" if SIGNATURE.search(str(error)) else _raw(error)
    except (Exception, TooSlow) as error:
        return _raw(error)
    finally:
        signal.alarm(0)
    return "ran"


def _raw(error: BaseException) -> str:
    return f"RAW {type(error).__name__}: {' '.join(str(error).split())[:150]}"


def main(seed: int, calls: int) -> int:
    """Draw calls by a seed, run them, print the counts and what went wrong."""
    from hostile.calls import draw_call
    from hostile.values import WORDS

    def ring(*args: Any) -> None:
        raise TooSlow(f"more than {SECONDS} s")

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGALRM, ring)
    warnings.simplefilter("error")
    counts: Counter[str] = Counter()
    for number in range(calls):
        draw = Random(f"{seed}/{number}")  # noqa: S311 (each call by itself)
        text, careful = draw_call(draw), draw.random() < 0.25
        print(f"# {seed}/{number} {text}", file=sys.stderr, flush=True)  # the last one, at a crash
        ended = outcome(text, WORDS, careful=careful)
        counts[ended.split()[0]] += 1
        if ended.startswith("RAW"):
            print(f"{seed}/{number}{' careful' * careful}: {ended}\n    {text}", flush=True)
    print(json.dumps(counts), flush=True)
    return int(counts["RAW"] > 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
