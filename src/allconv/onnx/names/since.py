"""The operator sets since which an operator means something else than before.

Which attributes and inputs there are, and their defaults, is said by the format's own tables
(`format/schema`); what was an attribute and is an input now, by `NodeCall.listed`.
"""

REPEATED = 7  # operands are repeated as in NumPy; before, `broadcast` and `axis` say how
INFERENCE = 7  # BatchNormalization and Dropout are of inference; before, `is_test` says it
SCALES = 7  # Upsample has a scale for each axis; before, for the height and the width
SCALES_GIVEN = 9  # and they are an input; before, an attribute
MASK_OF_TRUTHS = 10  # the mask of Dropout is of bool; before, of floats
COORDINATES = 11  # Resize says where cells lie; before, i/s
ONE_AXIS = 13  # Softmax, LogSoftmax, Hardmax are of one axis; before, of all from `axis` on as one
UNEVEN = 18  # the last part of a Split without sizes may be smaller
OF_CHANNELS = 21  # GroupNormalization has its numbers a channel; before, a group
FLOORED = 28  # Mod of floats may have the divisor's sign; before, of whole numbers alone
