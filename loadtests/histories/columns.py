"""The columns of a history: their names, how each is kept, and when.

A column is fetched when it is first asked for, and then kept. Columns of numbers, and of the words of op,
result and answer, are arrays of integers. A column of *texts* is *coded*: for every row the place of its
text in a list of the distinct ones, so that ten million rows are compared as integers, and a text is decoded
only where somebody wants to read it.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from loadtests.protocol import ANSWERS, OPS, RESULT, RESULTS

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]

NEVER: Final = 2**63 - 1
"""completed_ns of an operation that never completed: it may take effect at any later time."""
ABSENT: Final = -(2**63)
"""An integer that is not there."""
NOBODY: Final = -1
"""The code of a text that is not there."""
NOWHERE: Final = -2
"""What stands for the code of a text that no row has; never the code of a row."""

WORDS: Final[dict[str, tuple[str, ...]]] = {"op": OPS, "result": RESULTS, "answer": ANSWERS}
TEXTS: Final = ("host", "applicant", "stream", "intake", "key", "slot", "claim_id", "cap", "note")
INTEGERS: Final = (
    *("index", "worker", "client", "chain", "attempt"),
    *("due_ns", "invoked_ns", "completed_ns", "value", "position", "http_status"),
)
COLUMNS: Final = (
    *("index", "host", "worker", "client", "applicant", "stream", "intake", "op", "key", "chain", "attempt"),
    *("due_ns", "invoked_ns", "completed_ns", "result", "answer", "value", "slot", "claim_id", "position"),
    *("cap", "given_back", "http_status", "note"),
)

Column: TypeAlias = NDArray[Any]
Fetch: TypeAlias = "Callable[[], Column | Coded | Uncoded]"


class Names(Sequence[str]):
    """The distinct texts of a column, by code; those of a file are decoded one by one, as they are read."""

    __slots__ = ("_texts",)

    def __init__(self, texts: "Sequence[str] | pa.StringArray") -> None:
        self._texts: Any = texts

    def __len__(self) -> int:
        return len(self._texts)

    def __getitem__(self, code: Any) -> Any:
        found = self._texts[code]
        return found if isinstance(found, str | list | tuple) else found.as_py()

    def starting(self, beginning: str) -> NDArray[np.bool_]:
        """Which of them begin so."""
        if isinstance(self._texts, list | tuple):
            return np.array([text.startswith(beginning) for text in self._texts], dtype=np.bool_)
        import pyarrow.compute  # type: ignore[import-untyped]

        return np.asarray(pyarrow.compute.starts_with(self._texts, beginning))

    def find(self, text: str) -> int:
        """The code of a text; NOWHERE if no row has it."""
        if isinstance(self._texts, list | tuple):
            return self._texts.index(text) if text in self._texts else NOWHERE
        import pyarrow.compute

        found = int(pyarrow.compute.index(self._texts, text).as_py())
        return found if found >= 0 else NOWHERE

    def among(self, texts: Collection[str]) -> NDArray[np.bool_]:
        """Which of them are among these texts."""
        if isinstance(self._texts, list | tuple):
            return np.array([text in texts for text in self._texts], dtype=np.bool_)
        import pyarrow.compute

        wanted = pyarrow.array(list(texts), pyarrow.string())
        return np.asarray(pyarrow.compute.is_in(self._texts, value_set=wanted))

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts if isinstance(self._texts, list | tuple) else self._texts.to_pylist())

    def as_arrow(self) -> "pa.StringArray":
        """The texts as Arrow keeps them."""
        import pyarrow

        is_plain = isinstance(self._texts, list | tuple)
        return pyarrow.array(self._texts, pyarrow.string()) if is_plain else self._texts


class Coded(NamedTuple):
    """A column of texts: the code of every row's text, and the texts."""

    codes: NDArray[np.int32]
    """For every row the place of its text in `names`; NOBODY where there is none."""
    names: Names
    """The distinct texts, in no order that means anything; some may be no row's."""

    def at(self, row: int) -> str | None:
        """The text of one row."""
        code = int(self.codes[row])
        return None if code < 0 else str(self.names[code])

    def is_text(self, text: str) -> NDArray[np.bool_]:
        """Which rows have this text."""
        return np.asarray(self.codes == self.names.find(text))

    def starting(self, beginning: str) -> NDArray[np.bool_]:
        """Which rows have a text that begins so."""
        return np.append(self.names.starting(beginning), False)[self.codes]

    def texts(self, rows: Any = slice(None)) -> Column:
        """The texts of rows as objects, None where there is none."""
        codes = self.codes[rows]
        if len(codes) < len(self.names) // 4:
            wanted, codes = np.unique(codes, return_inverse=True)
            return text_column([None if code < 0 else self.names[code] for code in wanted.tolist()], codes)
        return text_column(list(self.names), codes)


class Uncoded(NamedTuple):
    """A column of texts as a file has it, most of which differ; coded when somebody asks, or only in part."""

    texts: "pa.ChunkedArray"

    def coded(self, rows: Any = slice(None)) -> Coded:
        """Codes of some rows, and the texts."""
        whole = rows == slice(None) if isinstance(rows, slice) else False
        found = (self.texts if whole else self.texts.take(rows)).combine_chunks().dictionary_encode()
        return Coded(np.asarray(found.indices.fill_null(NOBODY)), Names(found.dictionary))


def text_column(names: Sequence[str | None], which: Column) -> Column:
    """Words by their codes, as objects that share one string each; -1 is None."""
    table = np.empty(len(names) + 1, dtype=object)
    table[: len(names)] = names
    return table[which]


def coded(column: Column) -> Coded:
    """The codes of a column of objects, in the order of first appearance."""
    code: dict[str | None, int] = {}
    codes = np.array([code.setdefault(text, len(code)) for text in column.tolist()], dtype=np.int32)
    if None in code:
        none = code.pop(None)
        codes -= codes > none
        codes[column == np.array(None)] = NOBODY
    return Coded(codes, Names(list(code)))


def absent_from(name: str, count: int) -> Column | Coded:
    """The column of a history that says nothing of it."""
    return np.arange(count, dtype=np.int64) if name == "index" else _absent_from(name, count)


@lru_cache(maxsize=256)
def _absent_from(name: str, count: int) -> Column | Coded:
    """The same, of any but the index: one number that stands for the whole column, and is only read."""
    if name in TEXTS:
        return Coded(np.broadcast_to(np.int32(NOBODY), count), Names(()))
    if name in WORDS or name == "given_back":
        return np.broadcast_to(np.int8(RESULT["pending"] if name == "result" else -1), count)
    return np.broadcast_to(np.int64(NEVER if name == "completed_ns" else ABSENT), count)


class Columns(Mapping[str, Column]):
    """The columns of one history by name, each made or read when it is first asked for."""

    def __init__(self, count: int, given: Mapping[str, "Column | Coded | Uncoded | Fetch"]) -> None:
        """`given`: arrays, coded texts, or what fetches them; what it lacks is absent throughout."""
        self.count = count
        self._given = dict(given)
        self._texts: dict[str, Column] = {}

    def __len__(self) -> int:
        return len(COLUMNS)

    def __iter__(self) -> Iterator[str]:
        return iter(COLUMNS)

    def __getitem__(self, name: str) -> Column:
        if name not in COLUMNS:
            raise KeyError(name)
        if name in self._texts:
            return self._texts[name]
        column = self._fetched(name)
        if isinstance(column, Uncoded):
            column = self.coded(name)
        if not isinstance(column, Coded):
            return column
        # Whoever wrote into these objects would change them and not the codes.
        texts = self._texts[name] = column.texts()
        texts.flags.writeable = False
        return texts

    def lacks(self, name: str) -> bool:
        """Whether nothing is said of a column, so that every row is alike in it."""
        return name not in self._given

    def coded(self, name: str) -> Coded:
        """A column of texts by code."""
        assert name in TEXTS, f"{name} is no column of texts"
        column = self._fetched(name)
        if isinstance(column, Coded):
            return column
        if isinstance(column, Uncoded):
            found = column.coded()
        else:
            self._texts[name] = column
            column.flags.writeable = False
            found = coded(column)
        self._given[name] = found
        return found

    def coded_at(self, name: str, rows: NDArray[np.int64]) -> Coded:
        """The codes of some rows, without a look at the others where that can be."""
        column = self._fetched(name)
        if isinstance(column, Uncoded):
            return column.coded(rows)
        codes, names = self.coded(name)
        return Coded(codes[rows], names)

    def some(self, name: str, rows: Any) -> Column:
        """The column at some rows, without decoding the texts of all others."""
        column = self._texts[name] if name in self._texts else self._fetched(name)
        if isinstance(column, Uncoded) and not isinstance(rows, slice):
            return column.coded(rows).texts()
        if isinstance(column, Uncoded):
            column = self.coded(name)
        return column.texts(rows) if isinstance(column, Coded) else column[rows]

    def _fetched(self, name: str) -> Column | Coded | Uncoded:
        if name not in self._given:
            return absent_from(name, self.count)
        column = self._given[name]
        if not isinstance(column, np.ndarray | Coded | Uncoded):
            column = self._given[name] = column()
        held = column if isinstance(column, np.ndarray) else column[0]
        assert len(held) == self.count, (name, len(held), self.count)
        return column
