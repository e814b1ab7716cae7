"""allconv itself, as its users call it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from allconv.bench.engines.prepared_workload import (
    InTurn,
    PreparedWorkload,
    Told,
    arrays_of,
    channels_last,
    images_of,
    state_of,
)
from allconv.bench.training import (
    COMPARED_STEPS,
    MOMENTUM,
    RATE,
    WEIGHT_DECAY,
    Row,
    built,
    without_dropout,
)
from allconv.bench.workload import FUNCTION_SIZES, GRADIENT, NETWORK, NETWORK_SIZES, STEP
from allconv.operators.base import Array


def prepare(told: Told, threads: int, variant: str) -> PreparedWorkload:
    """Make a workload ready."""
    return _KINDS[told["kind"]](told, threads)


def _said(threads: int, how: str) -> str:
    return f"{how}, threads={threads}"


def _running(program: Any, call: Callable[[], Any], threads: int, how: str) -> PreparedWorkload:
    """A call that runs one program."""
    from allconv.bench.profile import profile_call

    def results() -> list[Array]:
        given = call()
        return [np.asarray(each) for each in (given if isinstance(given, tuple) else (given,))]

    def profile(repeats: int) -> list[dict[str, Any]]:
        return profile_call(program, call, repeats)

    return PreparedWorkload(call, results, _said(threads, how), profile)


def _network(told: Told, threads: int) -> PreparedWorkload:
    from allconv import compile, onnx

    net = onnx.load(told["model"])
    x = arrays_of(told)["x"]
    dtype = "float32" if x.dtype == np.uint8 else x.dtype.name
    compiled = compile(net, x.shape, dtype=dtype, threads=threads)

    def call() -> Any:
        return compiled(x)

    def converted() -> Any:  # a part of each call, as it is in `predict`
        return compiled(x.astype(np.float32))

    run = converted if x.dtype == np.uint8 else call
    return _running(compiled.program, run, threads, "onnx.load, compile")


def _gradient(told: Told, threads: int) -> PreparedWorkload:
    from allconv import compile, vjp
    from allconv.functional import conv2d

    arrays, settings = arrays_of(told), told["settings"]

    def of_input(x: Any, w: Any, gy: Any) -> Any:
        return vjp(lambda x: conv2d(x, w, **settings), x)[1](gy)[0]

    def of_weight(x: Any, w: Any, gy: Any) -> Any:
        return vjp(lambda w: conv2d(x, w, **settings), w)[1](gy)[0]

    operands = [arrays["x"], arrays["w"], arrays["gy"]]
    function = of_input if told["of"] == "input" else of_weight
    compiled = compile(function, *(a.shape for a in operands), threads=threads)
    return _running(compiled.program, lambda: compiled(*operands), threads, "vjp, compile")


def _step(told: Told, threads: int) -> PreparedWorkload:
    from allconv import nn
    from allconv.train.objective import Objective
    from allconv.train.optimizers import SGD, AdamW
    from allconv.train.step import TrainingStep

    arrays = arrays_of(told)
    x, labels = channels_last(arrays["x"]), arrays["labels"]
    optimizer = (
        SGD(momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
        if told["optimizer"] == "sgd"
        else AdamW(weight_decay=WEIGHT_DECAY)
    )

    def made(rows: list[Row]) -> TrainingStep:
        net = built(rows, nn)
        net.load_state_dict(state_of(arrays), strict=False)
        return TrainingStep(net, Objective(optimizer), threads=threads)

    def results() -> list[Array]:
        step = made(without_dropout(told["layers"]))
        losses = [step(x, labels, rate=RATE, step=n).loss for n in range(COMPARED_STEPS)]
        return [np.array(losses)]

    step = made(told["layers"])
    done = iter(range(2**62))

    def call() -> Any:
        return step(x, labels, rate=RATE, step=next(done))

    _, program = step.prepare(x.shape)
    running = _running(program, call, threads, "TrainingStep, channels-last images")
    return replace(running, results=results)


def _network_sizes(told: Told, threads: int) -> PreparedWorkload:
    from allconv import onnx, set_threads

    set_threads(threads)
    turns = InTurn(onnx.load(told["model"]), images_of(told))
    return PreparedWorkload(turns, turns.results, _said(threads, "onnx.load, called"))


def _function_sizes(told: Told, threads: int) -> PreparedWorkload:
    from allconv import set_threads
    from allconv.functional import conv2d

    set_threads(threads)
    arrays = arrays_of(told)

    def function(x: Array) -> Any:
        return conv2d(x, arrays["w"], arrays["b"], padding=1)

    turns = InTurn(function, images_of(told))
    return PreparedWorkload(turns, turns.results, _said(threads, "functional.conv2d"))


_KINDS = {
    NETWORK: _network,
    GRADIENT: _gradient,
    STEP: _step,
    NETWORK_SIZES: _network_sizes,
    FUNCTION_SIZES: _function_sizes,
}
