"""The tables of workloads: what they say is what is made, and every engine gets the same."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import onnx
from allconv import nn
from allconv.bench.engines import ENGINES, OURS, peers_of
from allconv.bench.layers import (
    GRADIENTS,
    MAIN,
    OTHERS,
    THREE_BY_THREE,
    BenchLayer,
    layer_workloads,
    random_layers,
)
from allconv.bench.light import light_network
from allconv.bench.making import layer_model, make_files
from allconv.bench.memory import memory_workloads
from allconv.bench.networks import LIGHT, network_workloads
from allconv.bench.networks import OURS as OUR_NETWORKS
from allconv.bench.startup import startup_workloads
from allconv.bench.training import NETWORKS, built, training_workloads, without_dropout
from allconv.bench.workload import CHANNELS_LAST, Workload, chosen
from allconv.errors import ArgumentError
from allconv.nn import networks
from onnx import numpy_helper
from tiers import slow

ALL = [
    *layer_workloads(), *network_workloads((1, 16)), *training_workloads(), *startup_workloads(),
    *memory_workloads(),
]  # fmt: skip
LAYERS = [*THREE_BY_THREE, *(each for row in OTHERS.values() for each in row), *GRADIENTS]


def placements(layer: BenchLayer, axis: int) -> int:
    """Where a window fits on an axis, counted one by one."""
    low = -layer.paddings[axis]
    high = layer.size[axis] + layer.paddings[axis]
    last = layer.dilation * (layer.kernel[axis] - 1)
    return sum(start + last < high for start in range(low, high, layer.stride))


def multiply_adds(layer: BenchLayer) -> int:
    """Counted from what a cell sums, for every cell."""
    cells = layer.images * np.prod([placements(layer, axis) for axis in range(layer.axes)])
    taps = np.prod(layer.kernel) * layer.in_channels // layer.groups
    return int(cells * layer.out_channels * taps)


@pytest.mark.parametrize("layer", [*LAYERS, *random_layers(40, 1)], ids=lambda layer: layer.name)
def test_layers_are_possible_and_count_right(layer: BenchLayer) -> None:
    """Channels divide, windows fit, and the multiply-adds are those of all placements."""
    assert layer.in_channels % layer.groups == layer.out_channels % layer.groups == 0
    assert layer.y_shape[2:] == tuple(placements(layer, axis) for axis in range(layer.axes))
    assert min(layer.y_shape) > 0
    assert layer.multiply_adds == multiply_adds(layer)


def test_main_table_is_of_wide_layers_of_3x3_with_stride_1() -> None:
    """What the ratio of 3x3 layers is about."""
    assert all(
        layer.kernel == (3, 3) and layer.stride == layer.dilation == layer.groups == 1
        and layer.in_channels >= 64
        for layer in THREE_BY_THREE
    )  # fmt: skip
    made = [w for w in layer_workloads() if w.group == MAIN]
    assert {w.layout for w in made} == {"NCHW", CHANNELS_LAST}
    assert len(made) == 2 * len(THREE_BY_THREE)


def test_other_tables_hold_what_they_are_named_after() -> None:
    """A table of depthwise layers, say, has only those."""
    holds = {
        "lecture": lambda w: (w.x_shape, w.y_shape) == ((1, 1, 16, 16), (1, 8, 12, 12)),
        "1x1": lambda w: set(w.kernel) == {1},
        "depthwise": lambda w: w.groups == w.in_channels == w.out_channels,
        "first layers": lambda w: w.in_channels in (1, 3),
        "strided": lambda w: w.stride > 1,
        "5x5": lambda w: w.kernel == (5, 5),
        "dilated": lambda w: w.dilation > 1,
        "groups": lambda w: 1 < w.groups < w.in_channels,
        "1-D": lambda w: w.axes == 1,
        "3-D": lambda w: w.axes == 3,
        "odd channels": lambda w: {w.in_channels, w.out_channels} & {3, 17, 100},
    }
    assert set(holds) == set(OTHERS)
    for name, layers in OTHERS.items():
        assert all(holds[name](layer) for layer in layers), name


def test_random_layers_are_the_same_for_a_seed() -> None:
    """Figures before and after a change are of the same layers."""
    assert random_layers(20, 3) == random_layers(20, 3)
    assert random_layers(20, 3) != random_layers(20, 4)
    assert len(set(random_layers(20, 3))) == 20


def test_workloads_have_names_of_their_own() -> None:
    """Rows are told apart by them."""
    for suite in (layer_workloads(), network_workloads((1, 16)), training_workloads()):
        names = [(w.group, w.name, w.layout) for w in suite]
        assert len(set(names)) == len(names)


def test_every_workload_is_for_us_and_for_a_peer() -> None:
    """Nothing is measured that is compared with nothing."""
    for workload in ALL:
        engines = [engine.name for engine in ENGINES.values() if engine.runs(workload)]
        assert OURS in engines
        assert len(engines) > 1, workload.name


def test_peers_stand_for_their_variants() -> None:
    """PyTorch is contiguous, channels last and compiled, which may be left out."""
    assert [e.name for e in peers_of(["torch"], compiled=True)] == [
        "torch", "torch-last", "torch-compiled",
    ]  # fmt: skip
    assert [e.name for e in peers_of(["openvino", "torch"], compiled=False)] == [
        "torch", "torch-last", "openvino",
    ]  # fmt: skip
    with pytest.raises(ArgumentError, match="no peer 'mxnet'; torch, onnxruntime, openvino"):
        peers_of(["torch", "mxnet"], compiled=True)


def test_words_choose_workloads() -> None:
    """By name, group or layout, whatever the case."""
    found = chosen(layer_workloads(), "DEPTHWISE")
    assert {w.group for w in found} == {"depthwise"}
    assert chosen(layer_workloads(), "no such layer") == []
    assert chosen(training_workloads(), None) == training_workloads()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["squeezenet", "shufflenet", "densenet121", "inception-v1"])
def test_light_networks_have_drawn_weights_and_the_batch(name: str) -> None:
    """No node makes constants any more; all that is left fits together, for any batch."""
    one = light_network(LIGHT[name], np.random.default_rng(0))
    again = light_network(LIGHT[name], np.random.default_rng(0))
    many = light_network(LIGHT[name], np.random.default_rng(0), batch=3)
    assert one.SerializeToString() == again.SerializeToString()
    assert not [node for node in one.graph.node if node.op_type == "ConstantOfShape"]
    arrays = {each.name: numpy_helper.to_array(each) for each in one.graph.initializer}
    weights = [a for a in arrays.values() if a.dtype == np.float32 and a.ndim > 1]
    assert weights
    assert all(len(np.unique(a)) > 1 and np.isfinite(a).all() for a in weights)
    assert [each.name for each in one.graph.input if each.name in arrays] == []
    for model, batch in ((one, 1), (many, 3)):
        onnx.checker.check_model(model)
        inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True)
        shape = [d.dim_value for d in inferred.graph.output[0].type.tensor_type.shape.dim]
        assert shape[0] == batch


@slow
def test_our_networks_are_those_of_the_library() -> None:
    """Their names are known, and the sizes are such that they can be built."""
    for name, (channels, side, classes) in OUR_NETWORKS.items():
        assert name in networks.names()
        assert networks.build(name, channels, side, classes).parameters()


@pytest.mark.parametrize("name", ["convnet", "all-cnn", "all-cnn-c"])
def test_networks_to_train_are_those_of_the_library(name: str) -> None:
    """The same layers, in the same order, with the same shapes of weights."""
    channels, side = (3, 32) if name == "all-cnn-c" else (1, 28)
    theirs = networks.build(name, channels, side, 10)
    ours = built(NETWORKS[name], nn)
    shape = (2, channels, side, side)
    rows, expected = ours.summary(shape).rows, theirs.summary(shape).rows
    assert [row.output for row in rows] == [row.output for row in expected]
    kinds = [row.kind.replace("AdaptiveAvgPool2d", "GlobalAvgPool2d") for row in rows]
    assert kinds == [row.kind for row in expected]
    shapes = {n: a.shape for n, a in ours.parameters().items()}
    assert shapes == {n: a.shape for n, a in theirs.parameters().items()}


def test_comparing_leaves_dropout_out() -> None:
    """Else losses of engines could not agree."""
    for rows in NETWORKS.values():
        kept = without_dropout(rows)
        assert [row for row in kept if row[0] != "dropout"] == [
            row for row in rows if row[0] != "dropout"
        ]
        assert {row[1] for row in kept if row[0] == "dropout"} == {0.0}


@pytest.mark.parametrize(
    "workload",
    [w for w in ALL if w.multiply_adds < 5e7 and w.source.get("light") is None],
    ids=lambda w: f"{w.name}, {w.layout}",
)
def test_files_of_a_workload_fit_together(workload: Workload, tmp_path: Path) -> None:
    """The description is plain data; files are where it says, without pickles, the same again."""
    told = make_files(workload, tmp_path)
    assert json.loads(json.dumps(told)) == told
    assert told["kind"] == workload.kind
    if "arrays" in told:
        with np.load(told["arrays"], allow_pickle=False) as file:
            first = {name: file[name] for name in file.files}
        make_files(workload, tmp_path)
        with np.load(told["arrays"], allow_pickle=False) as file:
            assert all(np.array_equal(first[name], file[name]) for name in file.files)
    if "model" in told:
        onnx.checker.check_model(onnx.load(told["model"]))


def test_a_layer_becomes_the_convolution_it_describes() -> None:
    """Shapes by ONNX's own inference, for every combination of settings."""
    draw = np.random.default_rng(0)
    for stride, dilation, groups, axes in product((1, 2), (1, 2), (1, 4), (1, 2, 3)):
        layer = BenchLayer.of(2, 4, (11, 9, 8)[:axes], 8, 3, stride=stride, dilation=dilation,
                         groups=groups)  # fmt: skip
        model = layer_model(layer, draw)
        onnx.checker.check_model(model, full_check=True)
        del model.graph.output[0].type.tensor_type.shape.dim[:]
        model.graph.output[0].type.tensor_type.ClearField("shape")
        inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True)
        dims = inferred.graph.output[0].type.tensor_type.shape.dim
        assert tuple(d.dim_value for d in dims) == layer.y_shape
