"""Layers and networks: classes that keep settings and parameters and call `allconv.functional`.

Every family has a file, which lists the layers that it offers. `rewrites/` makes networks of
networks, for `ac.rewrite`; the other files are what modules are made of.
"""

from allconv.nn import networks
from allconv.nn.activations import *
from allconv.nn.arrange import *
from allconv.nn.correlate import *
from allconv.nn.dropout import *
from allconv.nn.linear import *
from allconv.nn.module import *
from allconv.nn.normalize import *
from allconv.nn.norms import *
from allconv.nn.padding import *
from allconv.nn.parameter import *
from allconv.nn.pool import *
from allconv.nn.sequential import *

__all__ = [
    *sorted(name for name, each in vars().items() if callable(each) and name[0] != "_"),
    "networks",
]
