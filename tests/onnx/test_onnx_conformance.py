"""The cases of the onnx wheel: declared ones agree, all others are refused by name."""

from __future__ import annotations

import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_declared import NODE_CASES, REFUSED_NETWORKS
from onnx_runs import run_defined, run_onnxruntime

import onnx
from allconv.errors import FileError, LimitError, UnsupportedError
from allconv.onnx import load
from allconv.onnx.module import OnnxModule, check_network
from allconv.onnx.names import NAMES
from allconv.onnx.read import parse_model
from onnx import numpy_helper
from tiers import slowed

DATA = Path(onnx.__file__).parent / "backend" / "test" / "data"


@cache
def node_cases() -> list[Any]:
    """The cases of single operators."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the numerical code of cases that are not ours
        from onnx.backend.test.case.node import collect_testcases

        return collect_testcases(None)


def array_of(given: Any) -> Any:
    """A tensor of a case as an array, where it is one."""
    if isinstance(given, onnx.TensorProto):
        return numpy_helper.to_array(given)
    return np.asarray(given) if isinstance(given, np.generic) else given


def with_settings(model: Any, arrays: list[Any]) -> tuple[Any, dict[str, Any]]:
    """A case with its integers and settings as initializers, where a network has them."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    data = dict(zip([each.name for each in copy.graph.input], map(array_of, arrays), strict=True))
    settings = {
        node.input[n]
        for node in copy.graph.node
        if node.op_type in NAMES
        for n in NAMES[node.op_type].settings
        if n < len(node.input)
    }
    for each in list(copy.graph.input):
        array = data.get(each.name)
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "iubf":
            continue
        if each.name in settings or (array.dtype.kind in "iu" and array.dtype != np.uint8):
            copy.graph.initializer.append(numpy_helper.from_array(data.pop(each.name), each.name))
            copy.graph.input.remove(each)
    return copy, data


def outputs_of(case: Any) -> tuple[Any, ...]:
    """What the reader makes of a case, by the definitions."""
    model, data = with_settings(case.model, list(case.data_sets[0][0]))
    net = OnnxModule(parse_model(model.SerializeToString()))
    check_network(net)
    return run_defined(net, *(data[each.name] for each in net.model.inputs))


@pytest.mark.slow
def test_node_cases() -> None:
    """Every declared case agrees within its own tolerance, and every other is refused."""
    agree, wrong = set(), []
    for case in node_cases():
        name = case.name.removeprefix("test_")
        try:
            given = outputs_of(case)
        except (UnsupportedError, FileError, LimitError):
            continue
        wanted = [array_of(each) for each in case.data_sets[0][1]]
        same = len(given) == len(wanted) and all(
            a.shape == b.shape
            and a.dtype == b.dtype
            and np.allclose(a, b, rtol=case.rtol, atol=case.atol, equal_nan=True)
            for a, b in zip(given, wanted, strict=True)
        )
        agree.add(name) if same else wrong.append(name)
    assert not wrong
    assert agree == NODE_CASES


@pytest.mark.slow
def test_every_operator_is_told_in_a_refusal() -> None:
    """A case of an operator that is not read is refused with operator, domain and operator set."""
    case = next(case for case in node_cases() if case.name == "test_det_2d")
    with pytest.raises(UnsupportedError, match=r"^unsupported: Det, domain ai\.onnx, opset \d+$"):
        outputs_of(case)


NETWORKS = sorted(path.parent for path in DATA.glob("pytorch-*/*/model.onnx"))


@pytest.mark.slow
def test_networks_made_by_pytorch() -> None:
    """Of the networks that PyTorch made, those of declared operators agree, others are refused."""
    refused, wrong = set(), []
    for folder in NETWORKS:
        try:
            net = load(folder / "model.onnx")
        except UnsupportedError:
            refused.add(folder.name.removeprefix("test_"))
            continue
        given = run_defined(net, *_arrays(folder, "input")[: len(net.model.inputs)])
        wanted = _arrays(folder, "output")
        fits = [
            a.shape == b.shape and np.allclose(a, b, rtol=1e-3, atol=1e-6, equal_nan=True)
            for a, b in zip(given, wanted, strict=True)
        ]
        if not all(fits):
            wrong.append(folder.name)
    assert len(NETWORKS) == 117
    assert not wrong
    assert refused == REFUSED_NETWORKS


def _arrays(folder: Path, kind: str) -> list[Any]:
    files = sorted((folder / "test_data_set_0").glob(f"{kind}_*.pb"))
    return [numpy_helper.to_array(onnx.TensorProto.FromString(f.read_bytes())) for f in files]


def with_weights(path: Path) -> onnx.ModelProto:
    """A network whose weights are one number each, with seeded draws in their place."""
    model = onnx.load(path)
    graph, random = model.graph, np.random.default_rng(0)
    shapes = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    nodes = [node for node in graph.node if node.op_type != "ConstantOfShape"]
    for node in graph.node:
        if node.op_type == "ConstantOfShape":
            shape = shapes[node.input[0]]
            array = random.uniform(0.5, 1.5, shape)
            if len(shape) > 1:
                array = random.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
            graph.initializer.append(
                numpy_helper.from_array(array.astype(np.float32), node.output[0])
            )
    del graph.node[:]
    graph.node.extend(nodes)
    return model


@pytest.mark.parametrize(
    "name", slowed(["resnet50", "inception_v1", "shufflenet", "squeezenet"], "squeezenet")
)
def test_whole_networks(name: str, tmp_path: Path) -> None:
    """Well-known networks with random weights give what ONNX Runtime gives."""
    path = tmp_path / "model.onnx"
    onnx.save(with_weights(DATA / "light" / f"light_{name}.onnx"), path)
    x = np.random.default_rng(1).standard_normal((1, 3, 224, 224)).astype(np.float32)
    np.testing.assert_allclose(load(path)(x), run_onnxruntime(path, x)[0], rtol=1e-4, atol=1e-5)


def test_constants_beyond_the_limit() -> None:
    """A constant of a hundred million cells, made from one number, is refused."""
    with pytest.raises(LimitError, match="102,760,448 constants; 10,000,000 are computed"):
        load(DATA / "light" / "light_vgg19.onnx")
