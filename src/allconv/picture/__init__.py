"""Pictures as text: colours, SVG and HTML, with nothing known of networks.

palette   the colours of everything drawn, light and dark
markup    elements of SVG and HTML; every text is escaped
"""
