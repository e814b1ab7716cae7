"""Reports as pages that stand alone: of one training, and of networks that are compared.

run         the page of a training
comparison  the page of networks beside each other
confusion   the confusion matrix; every number leads to the images that it counts
album       images as small pictures inside the page, until the page is large enough
settings    what was trained, on what, and how
usage       commands and programs that use the result
pieces      what several of these are made of

Everything is HTML and SVG without scripts. Names of classes and files are text, whatever they hold.
"""
