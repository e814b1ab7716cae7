"""TIFF files whose zero is white, with 16 bits: Pillow opens some of them, and inverts none."""

from __future__ import annotations

from PIL.TiffImagePlugin import BITSPERSAMPLE, PHOTOMETRIC_INTERPRETATION, TiffImageFile

_WHITE_IS_ZERO, _BLACK_IS_ZERO = 0, 1


class Tiff(TiffImageFile):
    """A TIFF file; `is_negative` says that its values are still to be inverted."""

    is_negative = False

    def _setup(self) -> None:
        tags = self.tag_v2
        kind = tags.get(PHOTOMETRIC_INTERPRETATION, _WHITE_IS_ZERO)
        if kind == _WHITE_IS_ZERO and tags.get(BITSPERSAMPLE) in ((12,), (16,)):
            self.is_negative = True
            tags[PHOTOMETRIC_INTERPRETATION] = _BLACK_IS_ZERO
        super()._setup()

    @property
    def bits(self) -> int:
        """Bits of a sample, as the file has them."""
        return int(self.tag_v2.get(BITSPERSAMPLE, (1,))[0])

    @property
    def is_signed(self) -> bool:
        """Whether samples are signed integers."""
        return 2 in self.tag_v2.get(339, (1,))
