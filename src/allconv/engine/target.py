"""What machine code is compiled for: vector width, registers, features."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache

from allconv.engine.llvm import processor
from allconv.errors import ArgumentError

SIZES = {"float32": 4, "float64": 8}
VARIABLE = "ALLCONV_TARGET"

# Features that need VEX or EVEX encodings, by the beginning of their name.
_WIDER_THAN_AVX2 = ("avx512", "avx10", "amx")
_WIDER_THAN_SSE = (*_WIDER_THAN_AVX2, "avx", "fma", "f16c", "xop", "bmi", "tbm", "lwp", "vaes",
                   "vpclmul", "gfni", "sha512", "sm")  # fmt: skip


@dataclass(frozen=True)
class Target:
    """A processor as kernels see it.

    `bits` is the width of a vector register and `registers` how many there are; `fma` says that
    x*y + z is one instruction, `masks` that any lane of a load or store can be left out.
    """

    bits: int
    registers: int
    fma: bool
    masks: bool
    cpu: str
    features: str

    def lanes(self, dtype: str) -> int:
        """Elements of `dtype` ("float32" or "float64") in one vector."""
        return self.bits // (8 * SIZES[dtype])


def _described(name: str, cpu: str, features: dict[str, bool]) -> Target:
    """The target called `name` on a processor with these features."""

    def text(without: tuple[str, ...]) -> str:
        kept = {f: on and not f.startswith(without) for f, on in sorted(features.items())}
        return ",".join(("+" if on else "-") + feature for feature, on in kept.items())

    match name:
        case "avx512":
            return Target(512, 32, True, True, cpu, text(("amx",)) + ",-prefer-256-bit")
        case "avx2":
            return Target(256, 16, True, False, cpu, text(_WIDER_THAN_AVX2))
        case "sse2":
            return Target(128, 16, False, False, cpu, text(_WIDER_THAN_SSE))
        case "neon":
            return Target(128, 32, True, False, cpu, text(("sve", "sme")))
        case _:
            return Target(128, 16, False, False, cpu, text(()))


@cache
def _processor() -> tuple[str, str, dict[str, bool]]:
    return processor()


def names() -> tuple[str, ...]:
    """The targets this machine can run, the widest first."""
    architecture, _, features = _processor()
    if architecture in ("aarch64", "arm64"):
        return ("neon",)
    if architecture not in ("x86_64", "amd64"):
        return ("generic",)
    has = {feature for feature, on in features.items() if on}
    needs = {
        "avx512": {"avx512f", "avx512vl", "avx512bw", "avx512dq", "fma"},
        "avx2": {"avx2", "fma"},
        "sse2": {"sse2"},
    }
    return tuple(name for name, needed in needs.items() if needed <= has)


@cache
def restricted(name: str) -> Target:
    """The target called `name` ("avx512", "avx2", "sse2"), if this machine can run it."""
    if name not in names():
        raise ArgumentError(
            f"{VARIABLE} {name!r} cannot run here; this machine can run {', '.join(names())}"
        )
    _, cpu, features = _processor()
    return _described(name, cpu, features)


def host() -> Target:
    """The widest target of this machine, or the one named by ALLCONV_TARGET."""
    return restricted(os.environ.get(VARIABLE) or names()[0])
