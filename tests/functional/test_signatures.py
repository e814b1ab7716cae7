"""Names, order and defaults of arguments: those of PyTorch 2.13's documentation (see `records`)."""

from __future__ import annotations

import inspect

import pytest

from allconv import functional
from records import FUNCTIONS


def parameters(function: object) -> list[inspect.Parameter]:
    """The parameters of a function."""
    return list(inspect.signature(function).parameters.values())


def written(parameter: inspect.Parameter) -> str:
    """A parameter as the table writes it."""
    if parameter.default is parameter.empty:
        return parameter.name
    return f"{parameter.name}={parameter.default!r}"


IN_TORCH = sorted(name for name, function in FUNCTIONS.items() if function.torch)


@pytest.mark.parametrize("name", IN_TORCH)
def test_torch_spelling(name: str) -> None:
    """Names, order and defaults are torch's, except what is keyword-only and what is ours."""
    function = FUNCTIONS[name]
    theirs = {each.partition("=")[0]: each for each in str(function.torch).split()}
    ours = {each.partition("=")[0]: each for each in function.ours}
    given = parameters(getattr(functional, name))
    assert {p.name: written(p) for p in given} == {**theirs, **ours}
    named = {p.name for p in given if p.kind is p.KEYWORD_ONLY}
    positional = [p.name for p in given if p.name not in named and p.name in theirs]
    assert positional == [each for each in theirs if each not in named]


def test_every_function_has_a_record() -> None:
    """A new function without one fails."""
    assert set(functional.__all__) == set(FUNCTIONS)


@pytest.mark.parametrize("name", functional.__all__)
def test_house_rules(name: str) -> None:
    """The first array is positional-only, booleans are keyword-only, and the docstring is there."""
    function = getattr(functional, name)
    first, *rest = parameters(function)
    assert first.kind is first.POSITIONAL_ONLY
    assert all(p.kind is p.KEYWORD_ONLY for p in rest if isinstance(p.default, bool))
    assert function.__name__ == name
    assert function.__doc__


SPATIAL = sorted({function.name for function in FUNCTIONS.values() if function.is_spatial})


@pytest.mark.parametrize("family", SPATIAL)
def test_one_signature_for_all_dimensions(family: str) -> None:
    """The 1-D, 2-D and 3-D functions have one signature."""
    one, two, three = (inspect.signature(getattr(functional, f"{family}{n}d")) for n in (1, 2, 3))
    assert one == two == three
