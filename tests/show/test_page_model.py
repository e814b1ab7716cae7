"""The values that the page's JavaScript computes are those of the library, and so are the
correlations that it draws of gradients."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from page_node import asked, needs_node
from page_states import Drawn, Vjp, defined_vjp, spread_out, states
from stage_states import address_of, state_of

import allconv as ac
from allconv.show.page.shared import OPERATORS, shared_data
from tiers import shares, slow

SHARES, EACH = 6, 91  # states; those of a share begin with every operator
COMPILED = 21  # of the first share


def answers(addresses: list[str], modules: Path) -> Any:
    """What the pages make of some addresses."""
    return asked("models.mjs", modules, {"shared": shared_data(), "addresses": addresses})


@needs_node
@pytest.mark.parametrize("share", shares(SHARES))
def test_values_are_those_of_the_library(share: int, modules: Path) -> None:
    """y, gx, gw and gb of drawn states, whose addresses come back as they were sent."""
    taken, refused = states(range(share * EACH, (share + 1) * EACH))
    addresses = [address_of(state, arrays) for state, arrays in taken]
    compared: Counter[str] = Counter()
    for pair, address, found in zip(taken, addresses, answers(addresses, modules), strict=True):
        assert found["again"] == address
        if "refusal" in found:  # the library would compute it
            assert "the page draws at most" in found["refusal"], (address, found["refusal"])
            continue
        compare(*pair, found, defined_vjp)
        compared[pair[0].op] += 1
    assert compared.keys() == set(OPERATORS)
    assert compared.total() >= 50, compared
    for state, found in zip(
        refused, answers([state_of(r).address() for r in refused], modules), strict=True
    ):
        assert found.get("refusal"), state


@slow
@needs_node
def test_values_are_those_of_compiled_layers(modules: Path) -> None:
    """The same by the compiled layers of users."""
    taken, _ = states(range(COMPILED))
    found = answers([address_of(state, arrays) for state, arrays in taken], modules)
    for pair, each in zip(taken, found, strict=True):
        if "refusal" not in each:
            compare(*pair, each, ac.vjp)


def compare(state: Drawn, arrays: dict[str, Any], found: dict[str, Any], vjp: Vjp) -> None:
    """One state: its values, and its gradients as correlations."""
    wanted = state.computed(arrays, vjp)
    for name, array in {**wanted, **arrays}.items():
        given = np.array(found["values"][name], float)  # "-inf" is read as the number
        message = f"{name} of {address_of(state, arrays)}"
        np.testing.assert_allclose(given, np.ravel(array), rtol=0, atol=1e-9, err_msg=message)
    roles = [role for role, channels in found["correlations"].items() if None not in channels]
    small = "x" if state.op == "conv_transpose" else "y"
    none = state.is_pool or state.op == "local"
    assert roles == [role for role in ("x", "w", "y") if role != small and not none]
    for role in roles:
        whole = np.ravel(wanted["y"] if role == "y" else wanted[f"g{role}"])
        if role == "y" and state.bias:  # added after the sum
            whole = np.ravel(wanted["y"] - arrays["b"].reshape((-1, *(1,) * state.dim)))
        for channel in found["correlations"][role]:
            check_correlation(channel, whole, vjp, f"{role} of {address_of(state, arrays)}")


def check_correlation(channel: dict[str, Any], whole: Any, vjp: Vjp, message: str) -> None:
    """The arrays of one channel, correlated, are the cells of the gradient that it names."""
    axes, count = channel["axes"], channel["count"]
    x = np.array(channel["x"], float).reshape((count, *(axis["input"] for axis in axes)))
    w = np.array(channel["w"], float).reshape((count, *(axis["kernel"] for axis in axes)))
    spread = spread_out(x, tuple(axis["spread"] for axis in axes))
    settings = {
        "stride": tuple(axis["stride"] for axis in axes),
        "dilation": tuple(axis["dilation"] for axis in axes),
        "padding": tuple((axis["low"], axis["high"]) for axis in axes),
    }

    def correlated(a: Any, b: Any) -> Any:
        return ac.correlate(a, b, **settings)

    total = sum(vjp(correlated, a, b)[0] for a, b in zip(spread, w, strict=True))
    assert total.shape == tuple(axis["output"] for axis in axes), message
    shown, back = np.array(channel["y"], float), np.array(channel["back"])
    np.testing.assert_allclose(total.ravel(), shown, rtol=0, atol=1e-9, err_msg=message)
    np.testing.assert_allclose(whole[back], shown, rtol=0, atol=1e-9, err_msg=message)
    sums = [sum(np.ravel(x)[a] * np.ravel(w)[b] for a, b in cell) for cell in channel["meets"]]
    np.testing.assert_allclose(sums, shown, rtol=0, atol=1e-9, err_msg=message)
    assert back[channel["at"]] == channel["asked"], message
