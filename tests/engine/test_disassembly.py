"""The machine code of every kernel of a training step and of inference, read as text."""

from __future__ import annotations

import re

import numpy as np
import pytest

from allconv import nn
from allconv.engine import compiler, llvm
from allconv.engine.lowerings import LOWERINGS
from allconv.engine.plan import Planner
from allconv.engine.runner import Runner, Stopper, clock_name
from allconv.engine.step import KernelStep
from allconv.engine.target import names, restricted
from allconv.nn.networks.convnet import convnet
from allconv.operators.base import Spec
from allconv.rewrite.full_window import full_window
from allconv.train.objective import Objective, record_step
from allconv.train.optimizers import Adam

pytestmark = pytest.mark.slow  # two targets are compiled whole

LATER = {"andn", "bextr", "blsi", "blsmsk", "blsr", "bzhi", "mulx", "pdep", "pext", "rorx", "sarx",
         "shlx", "shrx"}  # BMI: general registers, but VEX-encoded  # fmt: skip
WIDE = re.compile(r"%zmm\d+|%k[0-7]|%[xy]mm(?:1[6-9]|[23]\d)")  # AVX-512 alone has these
CLASSES = {
    "MendBorder",
    "Copy", "CrossEntropyGradientRows", "CrossEntropyRows", "Direct", "Dropout", "GradientJoin",
    "GradientSums", "JoinBorder", "JoinLocal", "JoinWeight", "Map", "Moments", "MomentsJoin",
    "Pack", "Pool", "Runner", "Stopper", "SumRuns", "Transpose", "Weight", "Winograd",
    "WinogradInput", "WinogradWeights", "Depthwise", "DepthwiseWeight", "Planes",
}  # fmt: skip


def graphs():
    """A training step and inference of some networks; convolutions in float64, with an erf, too."""
    local = nn.Sequential(
        nn.LocallyConnected2d(3, 5, 3, (8, 8)), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(45, 10),
    )  # fmt: skip
    depthwise = nn.Sequential(
        nn.Conv2d(3, 16, 1), nn.Conv2d(16, 16, 3, padding=1, groups=16), nn.Flatten(),
        nn.Linear(1024, 10),
    )  # fmt: skip
    x = Spec((4, 3, 8, 8))
    for net in (convnet(3, (8, 8), 10), local, depthwise):
        yield record_step(net, Objective(Adam(), label_smoothing=0.1, clip=1.0), x).graph
        yield net.traced(x).graph
    yield nn.Conv2d(3, 8, 3, padding=1).traced(Spec((1, 3, 16, 16))).graph
    yield nn.Conv2d(256, 200, 3, padding=1).traced(Spec((1, 256, 12, 12))).graph
    wide = nn.Sequential(nn.Conv2d(3, 16, 3), nn.Conv2d(16, 16, 3, groups=16), nn.GELU())
    yield wide.astype(np.float64).traced(Spec((1, 3, 8, 8), "float64")).graph


def texts(name, *, start=""):
    """The assembly of the runner and of every kernel that is planned for a target, by name."""
    if name not in names():
        pytest.skip(f"needs a processor with {name}: run it on an x86-64 machine that has it")
    target = restricted(name)
    own = (target, llvm.processor()[0], clock_name())
    routines = {Runner(*own), Stopper(*own)}
    for graph in map(full_window, graphs()):
        count = len(graph.inputs) + len(graph.constants)
        rows = ("rows",) * count
        planner = Planner(LOWERINGS, graph, rows, keep_last=False, target=target).run()
        steps = [*planner.setup, *planner.steps]
        routines.update(s.kernel for s in steps if isinstance(s, KernelStep))
        assert all(isinstance(step, KernelStep) for step in steps)
    chosen = [routine for routine in routines if routine.name.startswith(start)]
    return {routine.name: compiler.assembly(routine) for routine in chosen}


def vex(text):
    """The VEX-encoded instructions of a text, without the suffix of their width."""
    found = set(re.findall(r"^\t([a-z]\w+)", text, re.MULTILINE))
    found |= {mnemonic.rstrip("lq") for mnemonic in found}
    return {mnemonic for mnemonic in found if mnemonic[0] == "v" or mnemonic in LATER}


def classes(routines):
    """The kernel classes of routines, by name."""
    return {routine.split("_")[0] for routine in routines}


def check_calls(whole):
    """Every kernel class that training and inference use is read, and everything is emitted: only
    the runner calls, the kernels and what yields the processor."""
    assert classes(whole) == CLASSES
    calling = {r for r, text in whole.items() if re.search(r"^\tcall", text, re.MULTILINE)}
    assert classes(calling) == {"Runner", "Stopper"}


def test_avx2_code_has_no_wider_registers():
    """For AVX2: no 512-bit register, no mask register, none of the upper sixteen; VEX encodings."""
    whole = texts("avx2")
    check_calls(whole)
    assert not {routine for routine, text in whole.items() if WIDE.search(text)}
    assert sum("%ymm" in text for text in whole.values()) > len(whole) / 2
    found = classes(routine for routine, text in whole.items() if vex(text))
    assert found >= CLASSES - {"Runner", "Stopper"}
    assert all("vfmadd" in text for routine, text in whole.items() if routine.startswith("Direct"))


def test_sse2_code_has_no_vex_encoding():
    """For SSE2: no VEX-encoded instruction and no register wider than 128 bits."""
    whole = texts("sse2")
    check_calls(whole)
    assert not {routine: vex(text) for routine, text in whole.items() if vex(text)}
    assert not {routine for routine, text in whole.items() if re.search(r"%[yz]mm|%k[0-7]", text)}
    assert sum("%xmm" in text for text in whole.values()) > len(whole) / 2


def test_avx512_code_has_the_widest_registers():
    """So the pattern that finds none above would find them."""
    direct = texts("avx512", start="Direct").values()
    assert direct
    assert all(WIDE.search(text) for text in direct)
