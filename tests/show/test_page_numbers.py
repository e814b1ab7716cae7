"""What the pages' scripts compute in a browser is what the library computes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from page_browser import Browser, needs_browser, step
from page_states import defined_vjp, states
from stage_states import address_of

from allconv.show.page.document import document
from allconv.show.page.modules import module_text
from allconv.show.page.shared import shared_data
from tiers import slow

COUNT = 420  # states that are drawn, of which at least 300 are computed
ANSWER = """
(addresses) => addresses.map((address) => {
  try {
    return $numbers.valued($numbers.fromAddress(address)).values;
  } catch (error) {
    if (!(error instanceof $shared.Refusal)) throw error;
    return null;
  }
})
"""
END = "})();\n"


def script() -> str:
    """The pages' own modules, joined as always, with one function for the test."""
    joined = module_text("numbers.js")
    assert joined.endswith(END)
    given = f"$shared.configure({json.dumps(shared_data())});\nglobalThis.answer = {ANSWER};\n"
    return joined.removesuffix(END) + given + END


@slow
@needs_browser()
def test_values_in_the_browser_are_those_of_the_library(tmp_path: Path) -> None:
    """y and the gradients of drawn states, computed by the joined script in Chromium."""
    taken, _ = states(range(COUNT))
    addresses = [address_of(state, arrays) for state, arrays in taken]
    path = tmp_path / "numbers.html"
    path.write_text(document("numbers", script=script()), "utf-8")
    code = f"answer({json.dumps(addresses)}).map((v) => JSON.stringify(v, (_, n) => " + (
        'n === -Infinity ? "-inf" : n))'
    )
    with Browser() as browser:
        visit = browser.visit(path, step("evaluate", code=code))
    assert not visit.errors
    compared = 0
    for (state, arrays), text in zip(taken, visit.results[-1], strict=True):
        found = json.loads(text)
        if found is None:
            continue  # too large to draw
        for name, array in state.computed(arrays, defined_vjp).items():
            given = np.array(found[name], float)
            message = f"{name} of {address_of(state, arrays)}"
            np.testing.assert_allclose(given, np.ravel(array), rtol=0, atol=1e-9, err_msg=message)
        compared += 1
    assert compared >= 300
