"""One array of a MATLAB file of version 5, column by column, so that the whole of it is never in memory.

`scipy.io.loadmat` reads everything: 450 MB for the mitral spikes of a 2.8 MB file. The layout is that of MathWorks,
"MAT-File Format" (level 5): elements of a type, a length and data, most of them compressed with zlib.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

HEADER, MATRIX, COMPRESSED = 128, 14, 15
NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
CHUNK = 1 << 18  # bytes that are decompressed at a time


class _Element:
    """The bytes of an element, read on."""

    def __init__(self, file: BinaryIO, length: int, compressed: bool) -> None:
        self._file, self._left = file, length
        self._inflate = zlib.decompressobj() if compressed else None
        self._waiting = b""

    def take(self, number: int) -> bytes:
        parts, missing = [], number
        while missing:
            part = self._more(min(missing, CHUNK))
            if not part:
                raise ValueError("the file ends within an array")
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def _more(self, most: int) -> bytes:
        if self._inflate is None:
            part = self._file.read(min(most, self._left))
            self._left -= len(part)
            return part
        while True:
            if not self._waiting and self._left:
                self._waiting = self._file.read(min(CHUNK, self._left))
                self._left -= len(self._waiting)
                if not self._waiting:
                    return b""
            try:
                part = self._inflate.decompress(self._waiting, most)
            except zlib.error as error:
                raise ValueError(f"the file is damaged ({error})") from None
            self._waiting = self._inflate.unconsumed_tail
            if part or (not self._waiting and not self._left):
                return part

    def end(self) -> None:
        """Read on to the checksum, which tells whether what was read is what was written."""
        while self._inflate is not None and not self._inflate.eof:
            if not self._more(CHUNK) and not self._inflate.eof:
                raise ValueError("the file ends within an array")

    def tag(self, order: str) -> tuple[int, int, bytes]:
        """Type, length, and the data where they stand within the tag itself."""
        raw = self.take(8)
        kind, length = struct.unpack(f"{order}II", raw)
        if kind >> 16:  # a short element
            return kind & 0xFFFF, kind >> 16, raw[4 : 4 + (kind >> 16)]
        return kind, length, b""

    def data(self, order: str) -> bytes:
        """The data of a sub-element, which fills up to eight bytes."""
        _, length, short = self.tag(order)
        return short or self.take(-(-length // 8) * 8)[:length]


def columns(file: BinaryIO, name: str) -> Iterator[np.ndarray]:
    """Columns of a two-dimensional array of numbers, one after the other.

    Raises
    ------
    ValueError
        If the file is no MAT-file of version 5, has no such array of numbers, ends too early or is damaged.
    """
    header = file.read(HEADER)
    order = {b"IM": "<", b"MI": ">"}.get(header[126:128])
    if len(header) < HEADER or order is None:
        raise ValueError("it is no MAT-file of version 5")
    while len(tag := file.read(8)) == 8:
        kind, length = struct.unpack(f"{order}II", tag)
        following = file.tell() + length
        if kind in (MATRIX, COMPRESSED):
            element = _Element(file, length, kind == COMPRESSED)
            if kind == COMPRESSED:
                element.tag(order)
            element.data(order)  # flags
            shape = np.frombuffer(element.data(order), f"{order}i4")
            if element.data(order).decode("latin-1") == name:
                stored, size, short = element.tag(order)
                if len(shape) != 2 or stored not in NUMBERS:
                    raise ValueError(f"{name} is no two-dimensional array of numbers")
                number = np.dtype(order + NUMBERS[stored])
                rows, count = (int(extent) for extent in shape)
                if size != rows * count * number.itemsize:
                    raise ValueError(f"{name} holds {size} bytes, its shape asks for {rows * count * number.itemsize}")
                for column in range(count):
                    where = column * rows * number.itemsize
                    raw = short[where : where + rows * number.itemsize] if short else element.take(
                        rows * number.itemsize)  # fmt: skip
                    yield np.frombuffer(raw, number)
                element.end()
                return
        file.seek(following)
    raise ValueError(f"it has no array {name}")
