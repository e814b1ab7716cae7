"""Memory as kernels address it: views that move by byte strides, and the rows of a tile."""

from __future__ import annotations

from collections.abc import Sequence

from llvmlite import ir

from allconv.engine.emit.code import Code
from allconv.engine.emit.integer import I32, Index
from allconv.engine.emit.vector import ELEMENTS, SIZES, Mask, suffix


class View:
    """An address with byte strides: view[i, j] moves, scalar and vector read, store writes.

    Elements have the kernel's dtype unless another is named; nothing is assumed to be aligned
    beyond one element.
    """

    def __init__(
        self, code: Code, address: Index, *strides: Index, dtype: str | None = None
    ) -> None:
        self.code = code
        self.address = address
        self.strides = strides
        self.dtype = dtype or code.dtype
        self.size = SIZES[self.dtype]

    def __getitem__(self, index: Index | tuple[Index, ...]) -> View:
        indices = index if isinstance(index, tuple) else (index,)
        steps = [self.code.mul(i, s) for i, s in zip(indices, self.strides, strict=False)]
        address = self.code.add(self.address, *steps)
        return View(self.code, address, *self.strides[len(indices) :], dtype=self.dtype)

    def moved(self, distance: Index) -> View:
        """The view `distance` bytes further on."""
        address = self.code.add(self.address, distance)
        return View(self.code, address, *self.strides, dtype=self.dtype)

    def anew(self) -> View:
        """The same view, whose address LLVM takes as it is: see `Integers.anew`."""
        address = self.code.anew(self.address)
        return View(self.code, address, *self.strides, dtype=self.dtype)

    def rows(self, offsets: Sequence[Index]) -> TileRows:
        """The rows of a tile at these byte offsets."""
        return TileRows(self, offsets)

    def scalar(self) -> ir.Value:
        """Read one element."""
        kind = ELEMENTS[self.dtype]
        return self.code.builder.load(self._pointer(), align=self.size, typ=kind)

    def store_scalar(self, x: ir.Value) -> None:
        """Write one element."""
        self.code.builder.store(x, self._pointer(), align=self.size)

    def vector(self, v: Index = 0, mask: Mask = None) -> ir.Value:
        """Read the v-th vector from here; lanes outside the mask are not touched and read as 0."""
        kind = self.code.vector_type(self.dtype)
        if mask is None:
            return self.code.builder.load(self._pointer(v), align=self.size, typ=kind)
        name = f"llvm.masked.load.{suffix(kind)}.p0"
        return self.code.intrinsic(name, kind, self._pointer(v), I32(self.size), mask, kind(None))

    def prefetch(self, *, near: bool = True) -> None:
        """Fetch the cache line of this address, if there is memory: it is read soon.

        With `near` into the first level, else into the second.
        """
        arguments = (self._pointer(), I32(0), I32(3 if near else 2), I32(1))  # to read, data
        self.code.intrinsic("llvm.prefetch.p0", ir.VoidType(), *arguments)

    def store(self, x: ir.Value, v: Index = 0, mask: Mask = None) -> None:
        """Write the v-th vector from here; lanes outside the mask are not touched."""
        if mask is None:
            self.code.builder.store(x, self._pointer(v), align=self.size)
            return
        name = f"llvm.masked.store.{suffix(x.type)}.p0"
        self.code.intrinsic(name, ir.VoidType(), x, self._pointer(v), I32(self.size), mask)

    def _pointer(self, v: Index = 0) -> ir.Value:
        code = self.code
        address = code.add(self.address, code.mul(v, code.lanes * self.size))
        return code.builder.inttoptr(code.value(address), ir.PointerType())


class TileRows:
    """One address a row of a tile: a view and byte offsets, which fold when Python knows them."""

    def __init__(self, base: View, offsets: Sequence[Index]) -> None:
        self.base = base
        self.offsets = offsets

    def __getitem__(self, row: int) -> View:
        return self.base.moved(self.offsets[row])

    def __len__(self) -> int:
        return len(self.offsets)

    def moved(self, distance: Index) -> TileRows:
        """The rows `distance` bytes further on."""
        return TileRows(self.base.moved(distance), self.offsets)
