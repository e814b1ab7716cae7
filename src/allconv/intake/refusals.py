"""What is said of a geometry that cannot be: each sentence once, for the library and its pages.

Python fills the names in braces by `str.format`, the pages' JavaScript by the same names.
"""

from __future__ import annotations

SENTENCES = {
    "kernel too large": (
        "the kernel of {kernel}{note} does not fit the padded input of {padded} "
        "({input} and padding {low}, {high}); use a smaller kernel or more padding"
    ),
    "its reach": " (dilation {dilation}: it reaches over {reach})",
    "starts outside": (
        "the kernel of {kernel} (dilation {dilation}) starts outside the input of {input}"
    ),
    "half of odd": (
        'padding="half" needs an even dilation*(kernel_size-1), '
        'got {dilation}*({kernel}-1); use "same" or a pair (low, high)'
    ),
    "output padding": (
        "output_padding is {extra}; it must be below the stride {stride} or dilation {dilation}"
    ),
    "size and output padding": (
        'padding="{padding}" says the size of the output; give output_padding or that, not both'
    ),
    "size out of range": (
        "output_size is {expected} on axis {axis}; {least} to {most} are possible"
    ),
    "no output": "the output would have {expected} cells on axis {axis}; use less padding",
    "pool padding": "padding is {padding}; at most half of kernel_size {kernel} is possible",
    "causal": 'padding="causal" is for one axis; give pairs (low, high)',
    "groups": "groups={groups} does not divide the channels, {inputs} in and {outputs} out",
    "too large to draw": "{what} is {given}; the page draws at most {most}",
}


def refusal(name: str, /, **values: object) -> str:
    """A sentence with its values.

    >>> refusal("pool padding", padding=2, kernel=3)
    'padding is 2; at most half of kernel_size 3 is possible'
    """
    return SENTENCES[name].format(**values)
