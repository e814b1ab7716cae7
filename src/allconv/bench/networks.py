"""Networks to measure: the light ones of the onnx package with weights drawn, and our own."""

from __future__ import annotations

from allconv.bench.workload import NETWORK, Workload

LIGHT = {
    "vgg19": "light_vgg19",
    "resnet50": "light_resnet50",
    "densenet121": "light_densenet121",
    "squeezenet": "light_squeezenet",
    "shufflenet": "light_shufflenet",
    "inception-v1": "light_inception_v1",
    "inception-v2": "light_inception_v2",
    "alexnet": "light_bvlc_alexnet",
    "zfnet": "light_zfnet512",
}
"""Files in `onnx/backend/test/data/light`, by the names of the networks."""

OURS = {  # name: channels, side, classes
    "plain": (1, 28, 10),
    "local": (1, 28, 10),
    "convnet": (1, 28, 10),
    "all-cnn": (1, 28, 10),
    "base-c": (3, 32, 10),
    "all-cnn-c": (3, 32, 10),
    "mobilenet-v1": (3, 224, 1000),
    "mobilenet-v2": (3, 224, 1000),
    "mobilenet-v3-small": (3, 224, 1000),
    "mobilenet-v3-large": (3, 224, 1000),
    "efficientnet-lite0": (3, 224, 1000),
    "resnet-18": (3, 224, 1000),
}


def network_workloads(batches: tuple[int, ...] = (1,)) -> list[Workload]:
    """The networks, for each batch."""
    made = []
    for batch in batches:
        group = f"batch {batch}"
        made += [
            Workload(name, group, NETWORK, {"light": file, "batch": batch})
            for name, file in LIGHT.items()
        ]
        for name, (channels, side, classes) in OURS.items():
            shape = (batch, channels, side, side)
            source = {"network": name, "shape": list(shape), "classes": classes}
            made.append(Workload(name, group, NETWORK, source))
    return made
