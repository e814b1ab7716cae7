"""Analyses: what can be said of a graph, or a layer, without running it.

Each holds what it knows of every operator in one table at the end of its file
(`operators.rules`), and asks one rule which cells of a window meet (`window.Axis.meetings`).

meetings        which cells of input, weights and output meet, one by one
window_terms    all of them, as arrays: every product of the one form
moving          operators that only move values, followed by labels
matrix          `ac.as_matrix`; linear_map is one while it is put together, layer_matrix the result
receptive       `ac.receptive_field`; fields are what it finds
padding_reach   which answers of a map have seen padding
counts          `ac.count_layers`: weights, biases and multiply-adds of layers of one output
"""
