"""What users type: convolution and its family on arrays, with the names of torch.nn.functional."""

from allconv.functional.adaptive import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    adaptive_max_pool3d,
)
from allconv.functional.arrange import concatenate, flatten, pad
from allconv.functional.correlate import (
    conv1d,
    conv2d,
    conv3d,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
)
from allconv.functional.dropout import dropout
from allconv.functional.linear import linear
from allconv.functional.local import (
    locally_connected1d,
    locally_connected2d,
    locally_connected3d,
    locally_connected_transpose1d,
    locally_connected_transpose2d,
    locally_connected_transpose3d,
)
from allconv.functional.loss import cross_entropy, log_softmax, softmax
from allconv.functional.normalize import batch_norm, local_response_norm
from allconv.functional.patches import (
    fold,
    unfold,
)
from allconv.functional.pointwise import (
    elu,
    gelu,
    hardswish,
    hardtanh,
    leaky_relu,
    relu,
    relu6,
    sigmoid,
    silu,
    softplus,
    tanh,
)
from allconv.functional.pool import (
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    lp_pool1d,
    lp_pool2d,
    lp_pool3d,
    max_pool1d,
    max_pool2d,
    max_pool3d,
)
from allconv.functional.unpool import (
    max_unpool1d,
    max_unpool2d,
    max_unpool3d,
)

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "batch_norm",
    "concatenate",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "cross_entropy",
    "dropout",
    "elu",
    "flatten",
    "fold",
    "gelu",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "linear",
    "local_response_norm",
    "locally_connected1d",
    "locally_connected2d",
    "locally_connected3d",
    "locally_connected_transpose1d",
    "locally_connected_transpose2d",
    "locally_connected_transpose3d",
    "log_softmax",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
    "pad",
    "relu",
    "relu6",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "tanh",
    "unfold",
]
