"""What a layer computes, shown: the working of every cell, as text and tables.

call            a layer or function on arrays, recorded
locate_window   its window, and which cells of whose arrays that reads and writes
operand         an array of the window, and the user's array that it was made of
terms           factors, terms and cells: the parts of a working
explain         cells made of meetings and numbers, forward and backward
padding_note    what takes part and is not shown: the zeros of padding
view            an array of which every cell can be explained
working         `ac.working`
text, table     a working as text and as HTML
"""
