"""What a layer computes, shown: the working of every cell, as text and tables.

call        a layer or function recorded: its window, and which cells of whose arrays it reads
meetings    which cells of input, weights and output meet
cells       factors, terms and cells: the parts of a working
explain     cells made of meetings and numbers, forward and backward
working     `ac.working`
text, table a working as text and as HTML
"""
