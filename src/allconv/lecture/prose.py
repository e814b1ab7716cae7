"""What the lecture's page says: how it begins, and its parts in their order."""

from __future__ import annotations

from allconv.lecture.prose_first import FIRST
from allconv.lecture.prose_second import SECOND

LEAD = (
    "Every example of the slides of “Deep Learning (for Computer Vision)” by Arjun Jain, in their "
    "order, computed when this page was written and set beside what the slides print. The figures "
    "can be stepped through and changed. The prose is not the lecturer's."
)

READING = (
    "Three arrays run through everything: the input *I*, blue; the kernel *W*, amber; and the "
    "output *O*, plum. Square cells are values, round ones are gradients: *dL/dO*, written *LO*, "
    "says how much the loss *L* changes with each output. In a figure, two of the three arrays are "
    "given and the dashed one is what they make. Indices count from 1, as on the slides, unless it "
    "says otherwise. Some listings call their arrays *n* and *m*, or *r* and *imgC*: in figures "
    "they are *I* and *O* all the same.",
    "Below each example are its calls. In programs indices count from 0, and the arrays are called "
    "`x`, `w` and `y`; `np` is NumPy, `ac` this package, `F` its functions, `nn` its layers. All "
    "inputs come as arrays, a single number, too: `int(side)` is that number.",
    "Press “Cover the results” to work them out first: each stays hidden until it is pressed, or "
    "until Enter is pressed on it.",
)

PLAN = (*FIRST, *SECOND)
