"""What users type: convolution and its family on arrays, with the names of torch.nn.functional.

Every family has a file, which lists the functions that it offers.
"""

from allconv.functional.activations import *
from allconv.functional.adaptive import *
from allconv.functional.arrange import *
from allconv.functional.correlate import *
from allconv.functional.dropout import *
from allconv.functional.grid import *
from allconv.functional.linear import *
from allconv.functional.local import *
from allconv.functional.loss import *
from allconv.functional.normalize import *
from allconv.functional.norms import *
from allconv.functional.patches import *
from allconv.functional.pointwise import *
from allconv.functional.pool import *
from allconv.functional.resize import *
from allconv.functional.shuffle import *
from allconv.functional.take import *
from allconv.functional.unpool import *

__all__ = sorted(name for name, each in vars().items() if callable(each) and name[0] != "_")
