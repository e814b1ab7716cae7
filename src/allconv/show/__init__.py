"""What a layer computes, shown: the working of every cell, as text and tables.

call        a layer or function on arrays, recorded
follow      its window, and which cells of whose arrays that reads and writes
place       an array of the window, and the user's array that it was made of
meetings    which cells of input, weights and output meet
cells       factors, terms and cells: the parts of a working
explain     cells made of meetings and numbers, forward and backward
working     `ac.working`
text, table a working as text and as HTML
"""
