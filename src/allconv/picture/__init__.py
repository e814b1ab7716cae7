"""Pictures as text: colours, SVG and HTML, with nothing known of networks.

palette   the colours of everything drawn, light and dark
markup    elements of SVG and HTML; every text is escaped
chart     curves over epochs, or over anything counted
matrix    a matrix as cells in shades, with the names of its rows and columns
table     tables for notebooks, in their own colours and of bounded length
"""
