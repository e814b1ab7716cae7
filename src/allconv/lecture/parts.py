"""The parts of the lecture, in its order: every one has at least one example."""

from __future__ import annotations

NETWORKS = "Convolution network vs. plain neural network"
COUNTS = "200x200 image, 40K hidden units"
LOCAL = "Locally connected; translational invariance; shared parameters"
ONE_AXIS = "Discrete 1-D: correlation and true convolution"
PADDING = "Half padding, stride 2"
CHANNELS = "2-D, channels and bias: the 2x4x4 example"
BACKWARD = "Backward: Jacobians and correlations"
TENSORFLOW = "TensorFlow listings and layouts"
DILATED = "Dilated convolution"
MATRIX = "Convolution as a sparse matrix"
TRANSPOSED = "Transposed convolution, 3x3 and stride 2"
DENSE = "Everything is a convolution"
POOLING = "Max pooling, forward and backward"
NO_POOLING = "No pooling: the all convolutional net"

PARTS = (
    NETWORKS,
    COUNTS,
    LOCAL,
    ONE_AXIS,
    PADDING,
    CHANNELS,
    BACKWARD,
    TENSORFLOW,
    DILATED,
    MATRIX,
    TRANSPOSED,
    DENSE,
    POOLING,
    NO_POOLING,
)
