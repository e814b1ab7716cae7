"""What machine code is compiled for."""

from __future__ import annotations

import pytest

from allconv.engine.target import VARIABLE, Target, host, names, restricted
from allconv.errors import ArgumentError

WIDE = Target(512, 32, True, True, "", "")
NARROW = Target(256, 16, True, False, "", "")


def test_lanes_fill_a_register():
    """A register of 512 bits holds 16 float32 or 8 float64."""
    assert WIDE.lanes("float32") == 16
    assert WIDE.lanes("float64") == 8
    assert NARROW.lanes("float32") == 8


def test_host_is_the_widest_target(monkeypatch):
    """Without a setting the first of `names` is taken, and it is the widest."""
    monkeypatch.delenv(VARIABLE, raising=False)
    widths = [restricted(name).bits for name in names()]
    assert widths == sorted(widths, reverse=True)
    assert host() == restricted(names()[0])


def test_host_honours_the_variable(monkeypatch):
    """ALLCONV_TARGET names the target, and one that the machine lacks is refused by name."""
    monkeypatch.setenv(VARIABLE, names()[-1])
    assert host() == restricted(names()[-1])
    monkeypatch.setenv(VARIABLE, "avx4096")
    with pytest.raises(ArgumentError, match=r"ALLCONV_TARGET 'avx4096' cannot run here.*run "):
        host()


@pytest.mark.parametrize("name", ["avx2", "sse2"])
def test_restricted_features_name_nothing_wider(name):
    """No feature above the target is switched on, and each known one is switched off by name."""
    if name not in names():
        pytest.skip(f"needs a processor with {name}: run it on an x86-64 machine that has it")
    features = restricted(name).features.split(",")
    wider = ("+avx512",) if name == "avx2" else ("+avx", "+fma", "+f16c", "+bmi", "+vaes")
    assert not [f for f in features if f.startswith(wider)]
    assert "-avx512f" in features
