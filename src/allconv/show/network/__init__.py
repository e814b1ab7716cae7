"""The page of one's own network: what it is made of, and what it does with a photograph.

layers        what is drawn: layers and what each takes, from a file or from a recorded network
read          an ONNX file, also one that cannot run
record        a network that can run: costs, kernels, receptive fields
layer_groups  layers by the parts of their names, so that thousands can be drawn
placement     where boxes stand: rows, few crossings, short lines
draw          a level of the network as SVG
values        what the layers give for an image
evidence      what speaks for a class: gradients, the last convolution, covering parts
section       what is said of one layer
photo         the image, what the network says of it, and what a unit sees of it
page          all of it as one HTML file of bounded size
"""
