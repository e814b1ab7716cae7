"""Analyses: what can be said of a graph, or a layer, without running it.

Those that walk a graph (`matrix`, `receptive`, `padding_reach`) hold what they know of operators
in a table at the end of their file (`operators.rules`). Which cells meet, `window.Axis` says.

meetings        which cells of input, weights and output meet, one by one
window_terms    all of them, as arrays: every product of the one form
moving          operators that only move values, followed by labels
matrix          `ac.as_matrix`; linear_map is one while it is put together, layer_matrix the result
receptive       `ac.receptive_field`; fields are what it finds
padding_reach   which answers of a map have seen padding
counts          `ac.count_layers`: weights, biases and multiply-adds of layers of one output
"""
