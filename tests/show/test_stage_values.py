"""The stage's values are the library's, forward and backward, and so are those of its steps."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import replace
from math import isclose, prod
from typing import Any

import numpy as np
import pytest
from page_states import Drawn, defined_vjp, states
from stage_states import state_of, with_values

from allconv import functional as F
from allconv.errors import LimitError
from allconv.show.page.shared import OPERATORS
from allconv.show.stage.call import state_of_call
from allconv.show.stage.model import model_of
from allconv.show.stage.picture import StagePicture
from allconv.show.stage.state import State
from allconv.show.stage.step import step_of
from allconv.show.stage.values import Values, values_of
from allconv.show.window_call import record_call
from allconv.show.working import upstream, working

STATES = range(280)
LEAST = 200  # of them that both compute
STEPPED = range(0, 280, 5)
WORKED = range(70)


def taken(numbers: range) -> list[tuple[Drawn, dict[str, Any]]]:
    """The states of some numbers that a page draws, with values."""
    found = []
    for state, arrays in states(numbers)[0]:
        with suppress(LimitError):
            model_of(state_of(state))
            found.append((state, arrays))
    return found


def check(found: Values, wanted: dict[str, Any], message: str) -> None:
    for name, array in wanted.items():
        given = np.array(getattr(found, name))
        np.testing.assert_allclose(given, np.ravel(array), rtol=0, atol=1e-9, err_msg=message)


def test_values_are_those_of_the_library() -> None:
    """y, gx, gw and gb of every operator."""
    compared: Counter[str] = Counter()
    for state, arrays in taken(STATES):
        picture = StagePicture.of(with_values(state, arrays))
        check(picture.values, state.computed(arrays, defined_vjp), str(state))
        compared[state.op] += 1
    assert compared.keys() == set(OPERATORS)
    assert compared.total() >= LEAST, compared


def test_steps_add_up_to_the_values() -> None:
    """The terms of every cell of every array that can be left out, with bias and divisor."""
    count = 0
    for state, arrays in taken(STEPPED):
        for leave in ("x", "y") if state.is_pool else ("x", "w", "y"):
            picture = StagePicture.of(replace(with_values(state, arrays), leave=leave))
            for cell in range(0, picture.count, 3):
                check_step(picture, cell)
                count += 1
    assert count > 500


def check_step(picture: StagePicture, cell: int) -> None:
    step = step_of(picture, cell)
    assert step.value == picture.result[cell]
    added = [term.value for term in step.terms]
    if step.is_maximum:
        assert step.value == max(added, default=float("-inf"))
        assert sum(term.product == "the largest" for term in step.terms) == bool(added)
        return
    total = (sum(added) + (step.bias or 0)) / step.divisor
    assert isclose(total, step.value, abs_tol=1e-9), (picture.state, cell)


def recorded(state: Drawn, arrays: dict[str, Any]) -> State:
    """The state of the library's call with these arrays, and of the gradient that arrives."""
    given = [arrays[name] for name in ("x", "w", "b") if name in arrays]
    if state.op == "local" and state.bias:
        each = given[2].reshape((-1, *(1,) * state.dim))
        given[2] = np.broadcast_to(each, arrays["g"].shape).copy()
    call = record_call(state.called, given, {})
    return state_of_call(call, upstream(call.result, arrays["g"]), leave=state.leave)[0]


def test_calls_become_states() -> None:
    """A call of the library, recorded, is shown with the same numbers and the same results."""
    compared: Counter[str] = Counter()
    for state, arrays in taken(STATES):
        if state.op == "local" and max(state.spread) > 1:
            continue  # the library has no such layer
        try:
            shown = recorded(state, arrays)
        except LimitError:
            assert min(min(pair) for pair in state.ends) < -3 or state.op == "conv_transpose", state
            continue
        picture = StagePicture.of(shown)
        wanted = state.computed(arrays, defined_vjp) | arrays
        check(picture.values, wanted, f"{state}\n{shown.address()}")
        assert (shown.op, shown.leave) == (op_of(state), state.leave)
        compared[state.op] += 1
    assert compared.keys() == set(OPERATORS)
    assert compared.total() >= LEAST - 20, compared


def op_of(state: Drawn) -> str:
    """A kernel of one tap looks the same flipped."""
    is_one = state.op == "true_conv" and prod(state.kernel) == 1
    return "conv" if is_one else state.op


def test_totals_are_those_of_the_working() -> None:
    """`ac.working` says the same of a call: y, gx, gw, gb."""
    compared = 0
    for state, arrays in taken(WORKED):
        if state.op == "local":
            continue
        given = [arrays[name] for name in ("x", "w", "b") if name in arrays]
        made = working(state.called, *given, grad_output=arrays["g"])
        found = StagePicture.of(with_values(state, arrays)).values
        check(found, {view.name: view.totals() for view in made}, str(state))
        compared += 1
    assert compared >= 30


@pytest.mark.parametrize("ceil", [False, True])
@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize("padding", [0, 1])
def test_means_that_reach_beyond_their_padding(ceil: bool, counted: bool, padding: int) -> None:
    """Their zeros are taken into the input by the library, and are padding on the page."""
    x = np.arange(36.0).reshape(1, 1, 6, 6)
    settings = {
        "stride": 3, "padding": padding, "ceil_mode": ceil, "count_include_pad": counted,
    }  # fmt: skip
    call = record_call(F.avg_pool2d, (x, 2), settings)
    shown, _ = state_of_call(call)
    assert shown.input == (6, 6)
    model = model_of(shown)
    wanted = F.avg_pool2d(x, 2, **settings)
    assert values_of(shown, model).y == pytest.approx(wanted.ravel().tolist())
