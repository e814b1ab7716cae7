"""The yardstick: networks, layers and training beside other engines, each in a process of its own.

Workers of other engines spin for a while after a call (ONNX Runtime for 35 ms, PyTorch for 7), and
engines in one process disturb each other. So each has its own process; blocks of calls take turns,
silence comes before each block, and the first calls of a block do not count.

workload, layers, networks, training    what is measured, as tables of plain data
making, light                           the files that a workload is made of
engines/                                one engine a file; each runs in a worker
worker, process                         a worker, and its end of the line in this process
turns, timing                           blocks in turn, and what their times say
startup, memory, profile, peaks         what else is measured
suites                                  all of the above, by the name of a suite
results, tables, markdown               what was found: JSON, text, pages

Nothing here is imported by the library, and PyTorch, ONNX Runtime and OpenVINO by workers alone.
"""
