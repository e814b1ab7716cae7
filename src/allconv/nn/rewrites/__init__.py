"""Networks in, networks out: what `ac.rewrite` calls, one a file.

`graph_module.py` is what they give: a graph as a network, recorded anew for every size of input.
The rewrites of graphs that they are made of are in `allconv.rewrite`, below the layers.
"""
