"""Every setting of every function, given what no setting can be: refused, and named.

The functions and their settings are read from the signatures, so that a new one is tried too.
"""

from __future__ import annotations

from collections.abc import Iterator
from inspect import Parameter, signature
from typing import Any

import numpy as np
import pytest

import allconv as ac
from allconv import functional as F
from allconv import nn
from allconv.errors import ArgumentError, Error, LimitError
from allconv.intake.settings import choice, flag, float_dtype, number, shape_of, short_repr, whole
from hostile.objects import Failing, deep_list, looped_list
from records import FUNCTIONS
from records.record import IMAGES

PLAIN = {
    "correlate": (np.ones(4), np.ones(2)),
    "convolve": (np.ones(4), np.ones(2)),
    "correlate_transpose": (np.ones(3), np.ones(2)),
    "correlate_weight": (np.ones(4), np.ones(3)),
}
ARRAYS = {"x", "y", "w", "weight", "bias", "running_mean", "running_var", "index", "indices",
          "target", "arrays"}  # fmt: skip
NONE_OF_A_SETTING = {
    "huge": 10**400,
    "minus huge": -(10**400),
    "longer than Python prints": 10**5000,
    "two numbers too many": np.arange(7),
    "an object": object(),
    "one that fails": Failing(),
    "a deep list": deep_list(),
    "a list that holds itself": looped_list(),
    "masked": np.ma.masked,
    "masked numbers": np.ma.array([1, 1], mask=[0, 1]),
    "a name": "no such name",
    "bytes": b"same",
    "endless": range(10**30),
    "complex": 1j,
    "a dict": {1: 2},
}


def calls() -> Iterator[tuple[str, str]]:
    """Every setting of every function."""
    for name in (*F.__all__, *PLAIN):
        function = getattr(ac if name in PLAIN else F, name)
        for setting in signature(function).parameters:
            if setting not in ARRAYS:
                yield name, setting


def call(name: str, setting: str, given: Any) -> Any:
    """A call that runs but for this setting."""
    function = getattr(F if name in F.__all__ else ac, name)
    parameters = signature(function).parameters
    axes = int(name[-2]) if name.endswith(("1d", "2d", "3d")) else 1
    places = PLAIN[name] if name in PLAIN else FUNCTIONS[name].given(axes)
    named = dict(zip(parameters, places, strict=False))
    alone = {p.name for p in parameters.values() if p.kind is Parameter.POSITIONAL_ONLY}
    if name == "dropout":
        named["seed"] = 0
    if (name, setting) == ("conv2d", "input_dilation"):
        named["padding"] = 1
    named[setting] = given
    first = [named.pop(key) for key in list(named) if key in alone]
    return function(*first, **named)


@pytest.mark.parametrize(("name", "setting"), list(calls()))
def test_refused_by_name(name: str, setting: str) -> None:
    """An error of ours names the function and the argument, in a sentence that can be read."""
    for kind, given in NONE_OF_A_SETTING.items():
        with pytest.raises(Error) as refused:
            call(name, setting, given)
        said = str(refused.value)
        assert said.startswith(f"{name}: {setting}"), (kind, said)
        assert len(said) < 500, kind
        assert said.isprintable(), kind


NEEDED = (("dropout", "seed"), ("interpolate", "size"))  # one of size and scale_factor


def defaults() -> Iterator[tuple[str, str, Any]]:
    """Every setting that has a default by which something is computed."""
    for name, setting in calls():
        default = signature(getattr(F if name in F.__all__ else ac, name)).parameters[setting]
        if default.default is not Parameter.empty and (name, setting) not in NEEDED:
            yield name, setting, default.default


@pytest.mark.parametrize(("name", "setting", "default"), list(defaults()))
def test_defaults_run(name: str, setting: str, default: Any) -> None:
    """What is refused is refused for that setting: the calls run with its default."""
    call(name, setting, default)


NUMBERS = [np.int8(2), np.int64(2), np.uint8(2), np.array(2), 2]


@pytest.mark.parametrize("given", NUMBERS, ids=lambda n: type(n).__name__)
def test_whole_numbers_of_any_kind(given: Any) -> None:
    """NumPy's whole numbers, and an array of one, are whole numbers of Python's."""
    assert whole("n", given) == 2
    assert type(whole("n", given)) is int
    assert type(number("n", given)) is float
    np.testing.assert_array_equal(F.max_pool1d(IMAGES[1], given), F.max_pool1d(IMAGES[1], 2))


@pytest.mark.parametrize("given", [True, np.bool_(True), 2.0, "2", None, 2j, [2], np.ma.masked])
def test_no_whole_numbers(given: Any) -> None:
    """Booleans, fractions and text count as none."""
    with pytest.raises(ArgumentError, match=r"^n is .*; a whole number is expected$"):
        whole("n", given)


@pytest.mark.parametrize("given", [np.nan, np.inf, -np.inf, 10**400, True, "1", None, 1j, [1.0]])
def test_no_numbers(given: Any) -> None:
    """NaN and infinities are refused unless a setting takes them."""
    with pytest.raises(ArgumentError, match=r"^n is .*; a number is expected$"):
        number("n", given)


def test_numbers_that_are_not_finite() -> None:
    """A border may hold them, a bound may be infinite, a slope may not."""
    assert np.isnan(F.pad(np.ones(1), (1, 0), value=np.nan)[0])
    assert F.hardtanh(np.array([1e300]), -np.inf, np.inf) == 1e300
    assert F.softplus(np.array([700.0]), threshold=np.inf) == 700
    for refused in (
        lambda: F.leaky_relu(np.ones(1), np.inf),
        lambda: F.elu(np.ones(1), np.nan),
        lambda: F.hardtanh(np.ones(1), np.nan, 1),
        lambda: F.softplus(np.ones(1), np.inf),
        lambda: F.softplus(np.ones(1), threshold=np.nan),
        lambda: F.batch_norm(IMAGES[1], np.zeros(2), np.ones(2), eps=np.inf),
        lambda: F.lp_pool1d(IMAGES[1], np.nan, 2),
    ):
        with pytest.raises(ArgumentError, match="is expected"):
            refused()


def test_shapes() -> None:
    """Whole numbers of any kind, of at least 0 each, that an array can have."""
    for given in ((2, 0), [np.int8(2), 0], np.array([2, 0]), range(2, -1, -2)):
        assert shape_of("shape", given) == (2, 0)
    for given in (
        None,
        3,
        3.5,
        True,
        (True, 3),
        (2, -1),
        (2.0,),
        "23",
        Failing(),
        [Failing()],
        range(10**12),
    ):
        with pytest.raises(ArgumentError, match=r"^shape is .*; a whole number for every axis"):
            shape_of("shape", given)
    for given in ((10**30,), (2**62, 2), [0, 2**62, 2**62], (1,) * 33, range(10**5)):
        with pytest.raises(LimitError, match=r"^shape (is|has) "):
            shape_of("shape", given)


def test_names_flags_and_dtypes() -> None:
    """A name is a string among the names, a flag True or False, a dtype anything that names it."""
    assert choice("mode", np.str_("same"), ("same",)) == "same"
    assert flag("on", np.bool_(False)) is False
    for given in ("float32", np.float32, np.dtype("float32"), ">f4", "f"):
        assert float_dtype("dtype", given) == "float32"
    for given in (None, "int32", np.ones(3), "no dtype", np.float16, Failing()):
        with pytest.raises(ArgumentError, match=r"^dtype is .*; float32 or float64 is expected"):
            float_dtype("dtype", given)


@pytest.mark.parametrize(
    "given",
    [10**5000, deep_list(), looped_list(), Failing(), [Failing()], np.ones((99, 99)), "x" * 10**6,
     list(range(10**5)), {n: n for n in range(10**4)}, "a\nb\x1b[31m"],
    ids=["huge", "deep", "looped", "failing", "its list", "array", "text", "list", "dict", "lines"],
)  # fmt: skip
def test_what_is_told_is_short(given: Any) -> None:
    """A message shows what was given in one line, whatever it is."""
    text = short_repr(given)
    assert 0 < len(text) <= 250
    assert text.isprintable()


@pytest.mark.parametrize(
    "call",
    [
        lambda endless: ac.correlate_transpose(np.ones((3, 3)), np.ones((2, 2)), padding=endless),
        lambda endless: F.max_pool2d(np.ones((1, 2, 5, 5), np.float32), endless),
        lambda endless: F.concatenate(endless),
        lambda endless: ac.compile(F.relu, endless),
        lambda endless: ac.onnx.save(F.relu, "never.onnx", endless),
    ],
)
@pytest.mark.parametrize("endless", [range(10**12), range(10**30)])
def test_settings_that_never_end_are_refused_at_once(call, endless):
    with pytest.raises(ArgumentError, match=r"range\(|a sequence"):
        call(endless)


@pytest.mark.parametrize("endless", [range(10**12), range(10**30)])
def test_class_names_that_never_end_are_refused_at_once(endless, tmp_path):
    net = nn.Linear(2, 2)
    with pytest.raises(LimitError, match=r"at most .* are supported"):
        ac.onnx.save(net, tmp_path / "never.onnx", (None, 2), classes=endless)


def test_settings_that_equal_remembered_ones_are_still_read() -> None:
    """True equals 1, and 1.0 too; neither is a stride, whatever was called before."""
    x, w = np.ones((1, 1, 5, 5)), np.ones((1, 1, 3, 3))
    for good, bad in ((1, True), (1, 1.0), ((1, 1), (1, True)), ((1, 1), (1.0, 1))):
        assert F.conv2d(x, w, stride=good).shape == (1, 1, 3, 3)
        with pytest.raises(ArgumentError, match="stride"):
            F.conv2d(x, w, stride=bad)
    for padding in ([1, 1], (1, 1), [(1, 1), (1, 1)], ((1, 1), (1, 1)), "half", np.array([1, 1])):
        assert F.conv2d(x, w, padding=padding).shape == (1, 1, 5, 5)
