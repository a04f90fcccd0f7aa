"""Columns of a history gathered batch by batch, so that never more than a batch of a file is in memory.

What is gathered is what reading whole columns gives (loadtests/histories/parquet.py): the same numbers, and
the same texts under codes of their own.
"""

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from loadtests.histories.columns import ABSENT, INTEGERS, NOBODY, WORDS, Coded, Column, absent_from
from loadtests.histories.parquet import column_of, words_of
from loadtests.spilling.texts import Dictionary

BATCH_ROWS: Final = 1 << 16


class Gathered:
    """One column in the making: of so many rows, which are added in their order."""

    def __init__(self, name: str, count: int, file: str) -> None:
        self.name, self.count, self.file = name, count, file
        self.filled, self.is_said = 0, False
        self.is_number = name in INTEGERS or name == "given_back"
        self.numbers: Column = np.empty(0, dtype=np.int64)
        self.codes = np.empty(0, dtype=np.int32)
        self.texts = Dictionary()

    def add(self, batch: Any) -> None:
        """Add an array of Arrow; BadInput or ArrowException if it cannot be of this column."""
        rows = slice(self.filled, self.filled + len(batch))
        self.filled += len(batch)
        if self.filled > self.count:
            raise pa.ArrowInvalid(f"it has more than {self.count:,} rows")
        if not self.is_said and batch.null_count == len(batch):
            return  # most columns say nothing from their beginning to their end
        if not self.is_said:
            self._begin(rows.start)
        if not self.is_number:
            self._add_texts(batch, self.codes[rows])
            return
        self.numbers[rows] = column_of(pa.chunked_array([batch]), self.name, self.file)

    def _begin(self, rows: int) -> None:
        """Make room, now that something is said; so many rows before said nothing."""
        self.is_said = True
        if not self.is_number:
            self.codes = np.empty(self.count, dtype=np.int32)
            self.codes[:rows] = NOBODY
            return
        nothing = absent_from(self.name, rows)
        assert isinstance(nothing, np.ndarray)
        self.numbers = np.empty(self.count, dtype=nothing.dtype)
        self.numbers[:rows] = nothing if self.name != "index" else ABSENT

    def _add_texts(self, batch: Any, codes: Any) -> None:
        texts = batch.cast(pa.large_string())
        texts.validate(full=True)
        _, offsets, data = texts.buffers()
        bounds = np.frombuffer(offsets, dtype=np.int64)[texts.offset :][: len(texts) + 1]
        ends = np.where(np.asarray(texts.is_valid()), bounds[1:], bounds[:-1] - 1)
        held = np.frombuffer(data or b"", dtype=np.uint8)
        self.texts.add(bounds[:-1], ends, held, codes)

    def column(self) -> Column | Coded:
        """The whole column."""
        if self.filled < self.count:
            raise pa.ArrowInvalid(f"it has {self.filled:,} rows of {self.count:,}")
        if not self.is_said:
            return absent_from(self.name, self.count)
        if self.is_number:
            return self.numbers
        found = Coded(self.codes, self.texts.names())
        return words_of(found, self.name, self.file) if self.name in WORDS else found


def gathered(batches: Iterable[Any], name: str, count: int, file: str) -> Column | Coded:
    """A column of its batches."""
    found = Gathered(name, count, file)
    for batch in batches:
        found.add(batch)
    return found.column()
