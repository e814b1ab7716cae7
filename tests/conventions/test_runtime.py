"""The nodes that the ONNX calls make, in another runtime; and random geometries in all of them."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import onnx
from allconv import conventions, nn
from allconv.errors import UnsupportedError
from conventions.running import CASES, Array, filled, need, outcome
from conventions.test_calls import REFUSED

AFTERWARDS = ("transposed2d groups", "transposed2d outside")  # lines follow that of the node


def by_onnxruntime(node: onnx.NodeProto, arrays: dict[str, Array]) -> Array:
    """One node run by ONNX Runtime."""
    value = onnx.helper.make_tensor_value_info
    inputs = [value(name, onnx.TensorProto.FLOAT, arrays[name].shape) for name in node.input]
    output = value("y", onnx.TensorProto.FLOAT, None)
    graph = onnx.helper.make_graph([node], "one", inputs, [output])
    opset = [onnx.helper.make_opsetid("", 19)]
    model = onnx.helper.make_model(graph, opset_imports=opset, ir_version=9)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return np.asarray(session.run(None, {name: arrays[name] for name in node.input})[0])


ONE_NODE = [name for name in CASES if not name.startswith((*REFUSED["onnx"], *AFTERWARDS))]


@pytest.mark.parametrize("name", ONE_NODE)
def test_the_node_gives_the_same_in_onnxruntime(name: str) -> None:
    """What is one node for the reference evaluator is the same node for ONNX Runtime."""
    layer, x = filled(name)
    space = outcome(layer, "onnx", x, conventions.weights(layer, "onnx"))
    theirs = by_onnxruntime(space["node"], space)
    np.testing.assert_allclose(theirs, layer(x), rtol=1e-5, atol=1e-5)


@st.composite
def layers(draw: st.DrawFn, images: bool) -> tuple[nn.Module, tuple[int, ...]]:
    """A convolution or transposed convolution of any geometry, and the shape of its input; of
    `images` only, convolutions over two axes."""
    axes = 2 if images else draw(st.integers(1, 2))
    several = st.tuples(*[st.integers(1, 3)] * axes)
    kernel, stride, dilation = draw(several), draw(several), draw(several)
    groups = draw(st.sampled_from([1, 1, 2]))
    wide, out = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    padding = tuple((draw(st.integers(-1, 3)), draw(st.integers(-1, 3))) for _ in range(axes))
    sizes = tuple(draw(st.integers(9, 11)) for _ in range(axes))
    settings = {"dilation": dilation, "groups": groups, "bias": draw(st.booleans())}
    shape = (draw(st.integers(1, 2)), wide, *sizes)
    if not images and draw(st.booleans()):
        kind = (nn.ConvTranspose1d, nn.ConvTranspose2d)[axes - 1]
        return kind(wide, out, kernel, stride, padding, **settings), shape
    settings["flip"] = draw(st.booleans())
    return (nn.Conv1d, nn.Conv2d)[axes - 1](wide, out, kernel, stride, padding, **settings), shape


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("framework", conventions.FRAMEWORKS)
def test_random_geometries(framework: str) -> None:
    """Calls with any strides, dilations, paddings and groups give what our layers give."""
    need(framework)
    compared = 0

    @settings(deadline=None, max_examples=40, database=None)
    @given(layers(framework == "opencv"), st.integers(0, 99))
    def compare(case: tuple[nn.Module, tuple[int, ...]], seed: int) -> None:
        nonlocal compared
        layer, shape = case
        numbers = np.random.default_rng(seed)
        state = {n: numbers.integers(-3, 4, w.shape) for n, w in layer.state_dict().items()}
        layer.load_state_dict(state)
        x = numbers.integers(-4, 5, shape).astype(np.float32)
        try:
            theirs = outcome(layer, framework, x, conventions.weights(layer, framework))["y"]
        except UnsupportedError:
            assert framework in ("keras", "scipy", "opencv")
            return
        np.testing.assert_allclose(theirs, layer(x), rtol=1e-5, atol=1e-4)
        compared += 1

    compare()
    assert compared >= 10
