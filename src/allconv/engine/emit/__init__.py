"""What kernels are written in: integers, vectors, loops, memory, tiles, mathematics."""
