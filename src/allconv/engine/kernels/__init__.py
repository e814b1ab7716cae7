"""How operators run: kernels, and the lowering of each operator to steps on them."""
