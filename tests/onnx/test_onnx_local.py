"""Locally connected layers in files: functions of the file's own, read back as one operator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx_runs import check, run_onnxruntime

from allconv import nn
from allconv.nn.tracing import trace_module
from allconv.onnx import load, save
from allconv.onnx.read.functions import functions_of
from allconv.operators.base import Spec


def test_locally_connected_layers_are_functions(tmp_path: Path) -> None:
    """One node a layer and one function for layers alike; read as one operator, written again."""
    alike = [nn.LocallyConnected2d(2, 2, 3, (5, 4), padding=1) for _ in range(2)]
    net = nn.Sequential(*alike, nn.ReLU(), nn.LocallyConnected2d(2, 3, 2, (5, 4), bias=False))
    path, again = tmp_path / "model.onnx", tmp_path / "again.onnx"
    save(net, path, (None, 2, 5, 4))
    proto = check(path)
    ops = [(each.domain, each.op_type) for each in proto.graph.node]
    one, two = ("allconv", "LocallyConnected2d"), ("allconv", "LocallyConnected2d_2")
    assert ops == [one, one, ("", "Relu"), two]
    assert {(domain, name) for domain, name, _ in functions_of(proto)} == {one, two}
    back = load(path)
    assert [each.op for each in back.model.nodes].count("LocallyConnected") == 3
    spec = Spec((3, 2, 5, 4))
    assert trace_module(back, spec).graph.key() == trace_module(net, spec).graph.key()
    save(back, again)
    made = check(again)
    assert list(made.graph.node) == list(proto.graph.node)
    assert list(made.functions) == list(proto.functions)
    x = np.random.default_rng(0).standard_normal((3, 2, 5, 4)).astype(np.float32)
    for each in (path, again):
        np.testing.assert_allclose(run_onnxruntime(each, x)[0], net(x), rtol=1e-5, atol=1e-5)
