"""The engine: emitted kernels, their cache, and the runner and threads that execute them."""
