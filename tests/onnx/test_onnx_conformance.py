"""The cases of the onnx wheel, through `Backend`: declared ones pass, all others are refused."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from onnx_cases import DATA, array_of, network_outcome, node_outcomes
from onnx_declared import NODE_CASES, REASONS, REFUSED_NETWORKS, WRONG
from onnx_models import one_node
from onnx_runs import run_onnxruntime

import onnx
from allconv.errors import UnsupportedError
from allconv.onnx import Backend, load
from onnx import numpy_helper
from tiers import slowed


@pytest.mark.slow
def test_node_cases() -> None:
    """Every declared case passes as the suite itself compares, and every other is refused."""
    found = node_outcomes()
    told = {kind: {n for n, (k, _) in found.items() if k == kind} for kind in ("pass", "wrong")}
    assert told["wrong"] <= WRONG.keys()
    assert {name + how for name, (kind, how) in found.items() if kind == "pass"} == NODE_CASES
    refused = [why for kind, why in found.values() if kind == "refused"]
    counts = Counter(
        next(n for n, each in enumerate(REASONS) if re.search(each, w)) for w in refused
    )
    assert counts[len(REASONS) - 1] < 40  # what no reason stands for


def test_every_operator_is_told_in_a_refusal() -> None:
    """A case of an operator that is not read is refused with operator, domain and operator set."""
    model = one_node("Det", 22, np.zeros((2, 2), np.float32))
    with pytest.raises(UnsupportedError, match=r"^unsupported: Det, domain ai\.onnx, opset \d+$"):
        Backend.prepare(model)
    assert not Backend.is_compatible(model)


NETWORKS = sorted(path.parent for path in DATA.glob("pytorch-*/*/model.onnx"))


@pytest.mark.slow
def test_networks_made_by_pytorch() -> None:
    """Of the networks that PyTorch made, those of declared operators agree, others are refused."""
    found = {folder.name.removeprefix("test_"): network_outcome(folder) for folder in NETWORKS}
    assert len(NETWORKS) == 117
    assert not {name: why for name, (kind, why) in found.items() if kind == "wrong"}
    assert {name for name, (kind, _) in found.items() if kind == "refused"} == REFUSED_NETWORKS


LIGHT = sorted(path.stem for path in (DATA / "light").glob("*.onnx"))


@pytest.mark.slow
@pytest.mark.parametrize("name", LIGHT)
def test_light_networks(name: str) -> None:
    """Well-known networks as they are in the wheel give the results that are kept beside them."""
    prepared = Backend.prepare(onnx.load(DATA / "light" / f"{name}.onnx"))
    (given,) = prepared.session.get_inputs()
    count = int(np.prod(given.shape))
    x = (np.arange(count).reshape(given.shape) / count).astype(np.float32)
    path = DATA / "light" / f"{name}_output_0.pb"
    (y,) = prepared.run([x])
    wanted = array_of(onnx.TensorProto.FromString(path.read_bytes()))
    np.testing.assert_allclose(y, wanted, rtol=1e-3, atol=1e-7)


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
