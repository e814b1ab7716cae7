"""What the format has no operators for, in the words of those who wrote the network."""

from __future__ import annotations

from allconv.operators.arrange import Unslice
from allconv.operators.correlate import CorrelateWeight
from allconv.operators.dropout import Dropout
from allconv.operators.grid import CellNumber, CellSum
from allconv.operators.index import FlatIndex, OverImages, ReadAt, WriteAt
from allconv.operators.local import LocalTranspose, LocalWeight
from allconv.operators.loss import CrossEntropy, CrossEntropyGradient
from allconv.operators.normalize import BatchNorm, BatchNormGradient
from allconv.operators.order import PutAlong
from allconv.operators.pointwise import Heaviside, ReluGradient
from allconv.operators.pool import AveragePoolTranspose, GatherWindow, ScatterWindow
from allconv.operators.resize import ResizeTranspose
from allconv.operators.update import AdamUpdate, ClipFactor, MovingAverage, SgdUpdate

DERIVATIVE = "it is a derivative; write the network itself"
_STEP = "it is a step of training; write the network itself"
_INDICES = (
    "indices of max pooling (return_indices, MaxUnpool2d) are not in ONNX's inference; use "
    "ConvTranspose2d to enlarge an image"
)

UNWRITTEN: dict[type, str] = {
    AdamUpdate: _STEP,
    AveragePoolTranspose: DERIVATIVE,
    BatchNorm: "batch statistics belong to training; write the network in inference",
    BatchNormGradient: DERIVATIVE,
    CellNumber: DERIVATIVE,
    CellSum: DERIVATIVE,
    ClipFactor: _STEP,
    CorrelateWeight: DERIVATIVE,
    CrossEntropy: "F.cross_entropy is a loss; write the network that gives its scores",
    CrossEntropyGradient: DERIVATIVE,
    Dropout: "dropout with a seed belongs to training; write the network in inference",
    FlatIndex: _INDICES,
    ReluGradient: DERIVATIVE,
    GatherWindow: DERIVATIVE,
    LocalTranspose: (
        "a transposed locally connected layer is not in ONNX; use ConvTranspose2d, or save the "
        "parameters as safetensors"
    ),
    LocalWeight: DERIVATIVE,
    MovingAverage: _STEP,
    OverImages: _INDICES,
    PutAlong: DERIVATIVE,
    ReadAt: DERIVATIVE,
    ResizeTranspose: DERIVATIVE,
    ScatterWindow: DERIVATIVE,
    SgdUpdate: _STEP,
    Heaviside: DERIVATIVE,
    Unslice: DERIVATIVE,
    WriteAt: _INDICES,
}
"""Why an operator is not written, and what to write instead."""
