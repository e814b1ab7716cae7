"""What layers and networks compute, shown: as text and tables, pictures, films and pages.

window_call     a layer or function on arrays, recorded: its window, and whose arrays that reads
operand         an array of the window, and the user's array that it was made of
terms           factors, terms and cells: the parts of a working
explanation     cells made of meetings and numbers, forward and backward
array_view      an array of which every cell can be explained
working         `ac.working`
text, table     a working as text and as HTML
explain         `ac.explain`: one layer as a live page, a picture or a film

stage           a layer's three arrays and what meets in them, as primitives that are drawn
page            the HTML files, and the JavaScript of the operator page
network         the page of a network
report          the pages of a training, and of networks that are compared
"""
