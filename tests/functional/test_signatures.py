"""Names, order and defaults of arguments: those of PyTorch 2.13, from its documentation."""

from __future__ import annotations

import inspect

import pytest

from allconv import functional

CONV = "x weight bias=None stride=1 padding=0 dilation=1 groups=1"
TRANSPOSE = "x weight bias=None stride=1 padding=0 output_padding=0 groups=1 dilation=1"
MAX_POOL = "x kernel_size stride=None padding=0 dilation=1 ceil_mode=False return_indices=False"
AVG_POOL = (
    "x kernel_size stride=None padding=0 ceil_mode=False count_include_pad=True "
    "divisor_override=None"
)
TORCH = {
    **{f"conv{n}d": CONV for n in (1, 2, 3)},
    **{f"conv_transpose{n}d": TRANSPOSE for n in (1, 2, 3)},
    **{f"max_pool{n}d": MAX_POOL for n in (1, 2, 3)},
    **{f"avg_pool{n}d": AVG_POOL for n in (1, 2, 3)},
    **{f"adaptive_avg_pool{n}d": "x output_size" for n in (1, 2, 3)},
    **{f"adaptive_max_pool{n}d": "x output_size return_indices=False" for n in (1, 2, 3)},
    **{f"lp_pool{n}d": "x norm_type kernel_size stride=None ceil_mode=False" for n in (1, 2, 3)},
    **{
        f"max_unpool{n}d": "x indices kernel_size stride=None padding=0 output_size=None"
        for n in (1, 2, 3)
    },
    "unfold": "x kernel_size dilation=1 padding=0 stride=1",
    "fold": "x output_size kernel_size dilation=1 padding=0 stride=1",
    "linear": "x weight bias=None",
    "batch_norm": "x running_mean running_var weight=None bias=None training=False momentum=0.1 "
    "eps=1e-05",
    "local_response_norm": "x size alpha=0.0001 beta=0.75 k=1.0",
    "dropout": "x p=0.5 training=True",
    "relu": "x",
    "leaky_relu": "x negative_slope=0.01",
    "elu": "x alpha=1.0",
    "gelu": "x approximate='none'",
    "silu": "x",
    "sigmoid": "x",
    "tanh": "x",
    "softplus": "x beta=1.0 threshold=20.0",
    "hardtanh": "x min_val=-1.0 max_val=1.0",
    "relu6": "x",
    "hardswish": "x",
    "softmax": "x dim",
    "log_softmax": "x dim",
    "pad": "x pad mode='constant' value=0.0",
    "cross_entropy": "x target weight=None reduction='mean' label_smoothing=0.0",
}
OURS = {  # what torch has not, or has with another default
    "softmax": {"dim=1"},
    "log_softmax": {"dim=1"},
    "dropout": {"seed=None", "layer=0"},
    **{f"conv{n}d": {"padding_mode='zeros'", "input_dilation=1", "flip=False"} for n in (1, 2, 3)},
    **{f"conv_transpose{n}d": {"output_size=None"} for n in (1, 2, 3)},
}
NOT_IN_TORCH = {"concatenate", "flatten"} | {
    f"{name}{n}d"
    for name in ("locally_connected", "locally_connected_transpose")
    for n in (1, 2, 3)
}


def parameters(function: object) -> list[inspect.Parameter]:
    """The parameters of a function."""
    return list(inspect.signature(function).parameters.values())


def written(parameter: inspect.Parameter) -> str:
    """A parameter as the table writes it."""
    if parameter.default is parameter.empty:
        return parameter.name
    return f"{parameter.name}={parameter.default!r}"


@pytest.mark.parametrize("name", sorted(TORCH))
def test_torch_spelling(name: str) -> None:
    """Names, order and defaults are torch's, except what is keyword-only and what is ours."""
    ours = {each.split("=")[0] for each in OURS.get(name, set())}
    given = parameters(getattr(functional, name))
    shared = [p for p in given if p.name not in ours or name.endswith("softmax")]
    wanted = [each for each in TORCH[name].split() if each.split("=")[0] not in ours]
    if name.endswith("softmax"):
        wanted = ["x", "dim=1"]
    ordered = [p for p in shared if p.kind is not p.KEYWORD_ONLY]
    named = {p.name for p in shared if p.kind is p.KEYWORD_ONLY}
    assert [written(p) for p in ordered] == [w for w in wanted if w.split("=")[0] not in named]
    assert sorted(written(p) for p in shared) == sorted(wanted)


@pytest.mark.parametrize("name", sorted(OURS))
def test_ours_beside_torch(name: str) -> None:
    """What torch has not is exactly what the table says."""
    torch = {each.split("=")[0] for each in TORCH[name].split()}
    given = {written(p) for p in parameters(getattr(functional, name)) if p.name not in torch}
    assert given | {each for each in OURS[name] if each.split("=")[0] in torch} == OURS[name]


def test_every_function_is_in_the_table() -> None:
    """A new function joins the table, or is named as not in torch."""
    assert set(functional.__all__) == set(TORCH) | NOT_IN_TORCH


@pytest.mark.parametrize("name", functional.__all__)
def test_house_rules(name: str) -> None:
    """The first array is positional-only, booleans are keyword-only, and the docstring is there."""
    function = getattr(functional, name)
    first, *rest = parameters(function)
    assert first.kind is first.POSITIONAL_ONLY
    assert all(p.kind is p.KEYWORD_ONLY for p in rest if isinstance(p.default, bool))
    assert function.__name__ == name
    assert function.__doc__


FAMILIES = (
    *("conv", "conv_transpose", "locally_connected", "locally_connected_transpose", "max_pool"),
    *("avg_pool", "lp_pool", "adaptive_avg_pool", "adaptive_max_pool", "max_unpool"),
)


@pytest.mark.parametrize("family", FAMILIES)
def test_one_signature_for_all_dimensions(family: str) -> None:
    """The 1-D, 2-D and 3-D functions have one signature."""
    one, two, three = (inspect.signature(getattr(functional, f"{family}{n}d")) for n in (1, 2, 3))
    assert one == two == three
