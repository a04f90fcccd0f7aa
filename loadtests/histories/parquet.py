"""Histories as Parquet files: written row group by row group, read column by column.

The file is compressed with zstd, has the header under METADATA_KEY, and a checksum on every page, so that a
damaged column is refused and not read as something else. The same history gives the same bytes.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from loadtests.header import FORMAT, Header, header_from_plain
from loadtests.histories.columns import (
    ABSENT,
    COLUMNS,
    INTEGERS,
    NEVER,
    NOBODY,
    TEXTS,
    WORDS,
    Coded,
    Column,
    Columns,
    Fetch,
    Names,
    Uncoded,
    absent_from,
)
from loadtests.histories.sound import in_place, once, refusal, sound
from loadtests.histories.table import History
from sim.errors import complaint

METADATA_KEY: Final = "quotalab"
DICTIONARIES: Final = [name for name in (*TEXTS, *WORDS) if name != "key"]
"""Columns of texts that repeat; most keys differ, so that a dictionary of them is of no use anywhere."""
GROUP_ROWS: Final = 1 << 20
"""Rows that are written at once."""
BUFFER: Final = 1 << 20
"""Bytes of the file that are read at once, where it is read in batches."""


def write_parquet(history: History, path: Path) -> None:
    """Write the file, without the columns that nobody gave; OSError if there is no room."""
    written = [name for name in COLUMNS if name == "index" or not history.lacks(name)]
    types = {name: pa.int64() for name in INTEGERS} | {"given_back": pa.bool_()}
    header = json.dumps(history.header.as_plain(), sort_keys=True, ensure_ascii=False)
    schema = pa.schema([(name, types.get(name, pa.string())) for name in written])
    writer = pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        use_dictionary=[name for name in DICTIONARIES if name in written],
        dictionary_pagesize_limit=1 << 27,  # people come again: better one long dictionary than none
        store_schema=False,
        write_page_checksum=True,
    )
    with writer:
        for batch in _batches(history, schema):
            writer.write_batch(batch, row_group_size=GROUP_ROWS)
        writer.add_key_value_metadata({METADATA_KEY: header})


def _batches(history: History, schema: Any) -> Iterator[Any]:
    names = {name: history.coded(name).names.as_arrow() for name in TEXTS if name in schema.names}
    names |= {name: pa.array(words) for name, words in WORDS.items()}
    for begins in range(0, len(history), GROUP_ROWS):
        rows = slice(begins, begins + GROUP_ROWS)
        yield pa.record_batch([_written(history, name, rows, names) for name in schema.names], schema=schema)


def _written(history: History, name: str, rows: slice, names: dict[str, Any]) -> Any:
    """Some rows of a column, as they are written: texts in full, since codes depend on who coded."""
    column = history.coded(name).codes[rows] if name in TEXTS else history[name][rows]
    if name in INTEGERS:
        return pa.array(column, mask=column == (NEVER if name == "completed_ns" else ABSENT))
    if name == "given_back":
        return pa.array(column == 1, mask=column < 0)
    return names[name].take(pa.array(column, mask=column < 0))


def read_parquet(path: Path, *, in_batches: bool = False) -> History:
    """Read what every history must have; the other columns when they are asked for.

    `in_batches`: never a whole column as Arrow has it, for arrays that lie on disk (loadtests/spilling).
    """
    file = str(path)
    try:
        metadata = pq.read_metadata(path)
        there = metadata.schema.to_arrow_schema().names
        repeated = [name for name in DICTIONARIES if name in there and not in_batches]
        # Not mapped into memory: a file that is cut meanwhile would end the process.
        source = pq.ParquetFile(
            path,
            metadata=metadata,
            read_dictionary=repeated,
            page_checksum_verification=True,
            buffer_size=BUFFER if in_batches else 0,
        )
    except (pa.ArrowException, OSError, UnicodeDecodeError, KeyError) as error:
        raise complaint(f"not a Parquet file: {_first_line(error)}", file=file) from error
    header = _header((metadata.metadata or {}).get(METADATA_KEY.encode()), file)
    if strange := sorted({name for name in there if name not in COLUMNS or there.count(name) > 1}):
        raise complaint(f"unknown columns: {', '.join(strange)}", file=file, expected=", ".join(COLUMNS))
    fetching = _gathering if in_batches else _fetching
    given = {name: fetching(source, name, file) for name in there if name != "index"}
    history = sound(History(header, Columns(metadata.num_rows, given)), file)
    if "index" in there:
        index = fetching(source, "index", file)()
        assert isinstance(index, np.ndarray)
        in_place(index, file)
    once(history, file)
    pa.default_memory_pool().release_unused()  # what was read and put into arrays of ours
    return history


def glance(path: Path) -> tuple[Header, int]:
    """The header, and how many operations there are; BadInput if it is no Parquet file."""
    try:
        metadata = pq.read_metadata(path)
    except pa.ArrowException as error:
        raise complaint(f"not a Parquet file: {_first_line(error)}", file=str(path)) from error
    return _header((metadata.metadata or {}).get(METADATA_KEY.encode()), str(path)), metadata.num_rows


def _header(stored: bytes | None, file: str) -> Header:
    try:
        return header_from_plain(json.loads(stored) if stored else {"format": FORMAT}, file)
    except ValueError as error:
        raise complaint(f"the header is not JSON: {error}", file=file, key=METADATA_KEY) from error


def _fetching(source: Any, name: str, file: str) -> Fetch:
    return lambda: column_of(_read(source, name, file), name, file)


def _gathering(source: Any, name: str, file: str) -> Fetch:
    from loadtests.spilling.gathering import BATCH_ROWS, gathered

    def fetch() -> Column | Coded:
        try:
            batches = source.iter_batches(batch_size=BATCH_ROWS, columns=[name])
            return gathered((batch.column(0) for batch in batches), name, source.metadata.num_rows, file)
        except MemoryError:
            raise  # Arrow's is an exception of Arrow, too
        except (pa.ArrowException, OSError) as error:
            raise complaint(f"the column is damaged: {_first_line(error)}", file=file, key=name) from error

    return fetch


def column_of(found: Any, name: str, file: str) -> Column | Coded | Uncoded:
    """A column of ours from one of Arrow; BadInput if it cannot be."""
    try:
        if found.null_count == len(found) and name != "index":
            return absent_from(name, len(found))
        if name in INTEGERS:
            return _integers(found, name)
        if name == "given_back":
            return np.asarray(pc.fill_null(pc.cast(pc.cast(found, pa.bool_()), pa.int8()), -1))
        if name == "key" and not pa.types.is_dictionary(found.type):
            return _uncoded_texts(found)
        texts = _coded_texts(found)
    except MemoryError:
        raise  # Arrow's is an exception of Arrow, too
    except pa.ArrowException as error:
        raise complaint(f"it cannot be read: {_first_line(error)}", file=file, key=name) from error
    return words_of(texts, name, file) if name in WORDS else texts


def _read(source: Any, name: str, file: str) -> Any:
    try:
        found = source.read(columns=[name]).column(0)
        if len(found) != source.metadata.num_rows:
            raise pa.ArrowInvalid(f"it has {len(found):,} rows of {source.metadata.num_rows:,}")
    except MemoryError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise complaint(f"the column is damaged: {_first_line(error)}", file=file, key=name) from error
    return found


def _integers(found: Any, name: str) -> Column:
    if not (pa.types.is_integer(found.type) or pa.types.is_null(found.type)):
        raise pa.ArrowInvalid(f"not a column of whole numbers, but of {found.type}")
    whole = pc.cast(found, pa.int64())
    if whole.null_count:
        whole = pc.fill_null(whole, NEVER if name == "completed_ns" else ABSENT)
    return np.asarray(whole)


def _uncoded_texts(found: Any) -> Uncoded:
    texts = pc.cast(found, pa.string())
    texts.validate(full=True)
    return Uncoded(texts)


def _coded_texts(found: Any) -> Coded:
    """A column of Arrow as codes and the texts, which Arrow keeps; what is no text is made one."""
    if not pa.types.is_dictionary(found.type):
        found = pc.cast(found, pa.string()).dictionary_encode()
    elif found.type.value_type != pa.string():
        found = pc.cast(found, pa.dictionary(pa.int32(), pa.string()))
    if found.num_chunks == 0:
        return Coded(np.zeros(0, dtype=np.int32), Names(()))
    found = found.unify_dictionaries()
    names = found.chunk(0).dictionary
    names.validate(full=True)
    codes = np.empty(len(found), dtype=np.int32)
    begins = 0
    for chunk in found.chunks:
        said = chunk.indices if not chunk.null_count else pc.fill_null(chunk.indices, NOBODY)
        codes[begins : begins + len(chunk)] = said
        begins += len(chunk)
    if codes.max(initial=NOBODY) >= len(names):
        raise pa.ArrowInvalid("it refers to a text that is not there")
    return Coded(codes, Names(names))


def words_of(texts: Coded, name: str, file: str) -> Column:
    """The codes of the words that we know, from those of the file; BadInput for a word that is not known."""
    known = {word: code for code, word in enumerate(WORDS[name])}
    table = np.array([known.get(text, len(known)) for text in texts.names] + [NOBODY], dtype=np.int8)
    column = table[texts.codes]
    wrong = column == len(known)
    if wrong.any():
        row = int(np.argmax(wrong))
        expected = ", ".join(WORDS[name])
        raise refusal(row, f"{texts.at(row)!r} is not known", file=file, key=name, expected=expected)
    return column


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
