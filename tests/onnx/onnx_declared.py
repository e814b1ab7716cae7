"""The cases of the onnx wheel that must pass, and why others do not."""

from __future__ import annotations

from pathlib import Path

NODE_CASES = frozenset(Path(__file__).with_name("declared_cases.txt").read_text().split())
"""Names of the cases of single operators that must pass, without "test_": with "*" after the name
where a step runs by its definition, with "=" where all is known before it runs."""

WRONG = {
    "cast_FLOAT_to_BFLOAT16": "NumPy has no bfloat16: the result is the float32 before rounding",
    "castlike_FLOAT_to_BFLOAT16_expanded": "likewise",
}
"""Cases whose results differ, and why."""

REASONS = {
    r"Sequence\w*|SplitToSequence|ConcatFromSequence|Optional\w*|is not a tensor|is a sequence": (
        "sequences and optional values are not arrays"
    ),
    r"String\w*|RegexFullMatch|LabelEncoder|TfIdfVectorizer|is STRING": "text is not computed",
    r"ai\.onnx\.(ml|preview)\w*": "operators of other domains",
    r"FLOAT\dE\w+|U?INT[24]\b|FLOAT4\w+|FLOAT8\w+": "numbers of a byte or less are not held",
    r"bfloat16": "NumPy has no bfloat16, so that an input of it has none either",
    r"\b(Loop|Scan|If)\b": "control flow by data",
    r"\b(LSTM|GRU|RNN)\b": "recurrent networks",
    r"NonMaxSuppression|Unique|Compress|Bernoulli|Multinomial|Random\w+": (
        "the shape of the result, or the result, is not decided by shapes"
    ),
    r"\w*Attention|TensorScatter": "of language models: linear and flexible attention, caches",
    r"ImageDecoder|STFT|DFT|Mel\w+|\w+Window": "of files and sound",
    r"\w+Integer|QLinear\w+": "integer kernels",
    r"in training form|Gradient|Momentum|Ada\w+": "training is allconv's own",
    r"^unsupported[:,]|: unsupported[:,]": "an operator or setting that is not read",
    r"is (u?int\d+|bool|float16)|only (floats|networks)|integers|zero-size|by less than 0": (
        "integers of the data are not computed, and no case that the format leaves open"
    ),
    r"output .* is": "a truth value of the data as a result",
    r"": "refused by a rule of the format",
}
"""Why a case is refused: by what its error says, the first that is found."""

REFUSED_NETWORKS: frozenset[str] = frozenset()
"""Networks made by PyTorch, without "test_", that hold an operator that is not read."""
