"""The worked examples of the lecture: all agree, and none agrees with anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

import allconv as ac
from allconv.errors import ArgumentError
from allconv.lecture import Example
from allconv.lecture.prose import PLAN

EXAMPLES = ac.lecture.examples()
COMPUTED = [example for example in EXAMPLES if example.compute is not None]
by_name = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
computed = pytest.mark.parametrize("example", COMPUTED, ids=lambda example: example.name)


@by_name
def test_every_example_agrees(example: Example) -> None:
    """What is computed is what the slide prints, but for its slip and what it does not print."""
    result = example.check()
    assert result.agrees, result.reason
    wanted = "missing" if example.compute is None else "slip" if example.slips else "yes"
    assert result.verdict == wanted


def changes(example: Example, name: str) -> Iterator[tuple[tuple[int, ...], list[Example]]]:
    """Each cell of an input, and the example with that cell larger and smaller."""
    array = example.inputs[name]
    for place in np.ndindex(array.shape):
        number = array[place]
        others = (2 * number + 1, number - 1) if array.dtype.kind == "i" else (number + 9, -9.0)
        variants = []
        for other in others:
            changed = array.copy()
            changed[place] = other
            variants.append(example.changed(**{name: changed}))
        yield place, variants


def idle(example: Example) -> set[tuple[int, ...]]:
    """Pixels in corners of the 2x4x4 image that meet weights of 0 only."""
    if example.name == "conv2d-listing":
        return {(3, 3, 0)}
    return {(1, 0, 3), (1, 3, 0)} if example.slips else set()


@computed
def test_any_other_input_gives_no(example: Example) -> None:
    """Each single number of each input matters: raised or lowered, the answer is no."""
    for name in example.inputs:
        for place, variants in changes(example, name):
            verdicts = {variant.check().verdict for variant in variants}
            without_effect = name == "x" and place in idle(example)
            assert ("no" in verdicts) is not without_effect, (name, place)


@computed
def test_any_other_printed_number_gives_no(example: Example) -> None:
    """Another printed cell does not agree with what is computed."""
    printed = example.check().printed
    for place in np.ndindex(printed.shape):
        other = printed.astype(object)
        other[place] = "77.7"
        blocks = other.reshape(-1, other.shape[-2] if other.ndim > 1 else 1, other.shape[-1])
        text = "\n\n".join("\n".join(map(" ".join, block)) for block in blocks.tolist())
        changed = replace(example, printed=text, slips={})
        assert changed.check().verdict == "no"


@pytest.mark.slow
def test_the_slip_is_told_from_the_right_number() -> None:
    """-3.1 on the slide is 3.1, and all examples that print that table say so."""
    slips = [result for result in ac.lecture.check() if result.verdict == "slip"]
    assert {result.reason for result in slips} == {"the slide's -3.1 is 3.1"}
    assert "image-2x4x4" in [result.example.name for result in slips]
    for result in slips:
        assert result.ours is not None
        assert result.ours[0, 0, 0] == pytest.approx(3.1)


def test_what_cannot_be_recomputed_is_named() -> None:
    """Two outputs, whose weights and whose image the slides do not print."""
    missing = {each.name: each.lacking for each in EXAMPLES if each.compute is None}
    assert missing == {"forward-m": "the weights of conv1", "forward-imgc": "imgC"}


def test_every_part_of_the_lecture_has_an_example() -> None:
    """In the order of the slides; names are distinct and titles fit a line."""
    parts = [example.part for example in EXAMPLES]
    assert tuple(dict.fromkeys(parts)) == tuple(part.name for part in PLAN)
    assert len({example.name for example in EXAMPLES}) == len(EXAMPLES)
    assert all(len(example.title) < 90 and example.slide for example in EXAMPLES)


@computed
def test_an_example_tells_its_calls(example: Example) -> None:
    """The code is that of the function, without its head."""
    assert "return" in example.code
    assert "def " + example.name.replace("-", "_") not in example.code


def test_inputs_are_read_only_and_named() -> None:
    """An example cannot be changed in place, and another input is refused by name."""
    example = ac.lecture.find("correlation")
    with pytest.raises(ValueError, match="read-only"):
        example.inputs["x"][0] = 5
    with pytest.raises(ArgumentError, match="no input z; there are x, w"):
        example.changed(z=1)
    with pytest.raises(ArgumentError, match=r"no example 'corelation'; there are .*: correlation"):
        ac.lecture.find("corelation")
    assert example.check().verdict == "yes"


def test_what_is_refused_does_not_agree() -> None:
    """Where an input is refused the verdict is no, and the reason is the refusal."""
    result = ac.lecture.find("correlation").changed(w=np.zeros(9)).check()
    assert result.verdict == "no"
    assert "does not fit" in result.reason
    assert result.written().size == 0
