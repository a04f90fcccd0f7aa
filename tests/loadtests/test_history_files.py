"""History files: read by column, and refused with place and reason where they are cut, moved or damaged."""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loadtests import checking
from loadtests.commands.check import check
from loadtests.histories import lines as line_files
from loadtests.histories.columns import Coded, Names
from loadtests.history import ABSENT, NEVER, NOBODY, NOWHERE, History, history_of, read, write
from loadtests.protocol import OP
from sim.errors import BadInput
from tests.loadtests.histories import drawn

TEXT = """
ana  claim  1-5    granted   slot=1 host=a worker=1
bo   claim  2-     -         host=a worker=1
cy   claim  3-9    full      cap=2022 host=a worker=2
-    read   10-12  count     value=1 host=a worker=1
ana  hold   20-20  done      slot=1
ana  hold   20-20  done      slot=1
"""


def written(folder: Path, suffix: str = ".parquet", text: str = TEXT) -> Path:
    write(drawn(text), folder / ("h" + suffix))
    return folder / ("h" + suffix)


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl"])
def test_texts_are_codes_until_somebody_reads_them(tmp_path: Path, suffix: str) -> None:
    history = read(written(tmp_path, suffix))
    for name in ("applicant", "key"):
        codes, names = history.coded(name)
        assert codes.dtype == np.int32
        assert codes[3] == NOBODY
        assert codes[0] == codes[4] or name == "key"
        told = [None if code < 0 else names[code] for code in codes.tolist()]
        assert told == history[name].tolist() == drawn(TEXT)[name].tolist()
        assert history.coded_at(name, np.array([3, 0])).texts().tolist() == [None, told[0]]
    assert history.coded("applicant").names.find("nobody") == NOWHERE
    assert history.coded("note").codes.tolist() == [NOBODY] * 6


def test_a_column_is_read_when_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path)
    asked: list[str] = []
    fetch = pq.ParquetFile.read

    def noted(source: pq.ParquetFile, columns: list[str]) -> pa.Table:
        asked.extend(columns)
        return fetch(source, columns=columns)

    monkeypatch.setattr(pq.ParquetFile, "read", noted)
    history = read(path)
    assert not {"applicant", "key", "slot", "note"} & set(asked)
    history["applicant"], history["applicant"], history.coded("applicant")
    assert asked.count("applicant") == 1


def test_texts_that_were_coded_cannot_be_written_over() -> None:
    whole = drawn(TEXT)
    history = History(whole.header, {name: column.copy() for name, column in whole.columns.items()})
    history["note"][:] = "changed in time"
    assert history.coded("note").at(0) == "changed in time"
    with pytest.raises(ValueError, match="read-only"):
        history["note"][:] = "too late"


def test_a_history_need_not_have_every_column() -> None:
    words = Coded(np.array([0, 1, -1], dtype=np.int32), Names(["2022", "2023"]))
    columns = {"op": np.full(3, OP["read"], dtype=np.int8), "invoked_ns": np.arange(3), "intake": words}
    history = History(drawn("").header, columns)
    assert history["intake"].tolist() == ["2022", "2023", None]
    assert (history["value"][1], history["completed_ns"][1], history["host"][1]) == (ABSENT, NEVER, None)
    assert history["index"].tolist() == [0, 1, 2]
    assert history.is_result("pending").all()


def test_the_bytes_do_not_depend_on_who_coded(tmp_path: Path) -> None:
    path = written(tmp_path)
    write(read(path), tmp_path / "again.parquet")
    assert (tmp_path / "again.parquet").read_bytes() == path.read_bytes()


def test_a_file_of_another_writer_may_have_other_types(tmp_path: Path) -> None:
    table = pa.table(
        {
            "op": ["claim", "read"],
            "invoked_ns": pa.array([1, 2], pa.int16()),
            "completed_ns": pa.array([4, None], pa.uint32()),
            "intake": pa.array([2022, 2023], pa.int32()),
            "applicant": pa.array(["ana", None], pa.large_string()),
            "given_back": pa.array([None, None]),
        }
    )
    pq.write_table(table, tmp_path / "h.parquet")
    history = read(tmp_path / "h.parquet")
    assert history["intake"].tolist() == ["2022", "2023"]
    assert history["applicant"].tolist() == ["ana", None]
    assert history["completed_ns"].tolist() == [4, NEVER]
    assert history["given_back"].tolist() == [-1, -1]


def moved(lines: list[str]) -> list[str]:
    return [*lines[:2], lines[3], lines[2], *lines[4:]]


def unnumbered(lines: list[str]) -> list[str]:
    """Rows without an index, and a header that does not say how many there are."""
    rows = [json.loads(line) for line in lines]
    return [json.dumps({k: v for k, v in row.items() if k not in ("index", "operations")}) for row in rows]


def doubled(lines: list[str]) -> list[str]:
    return [*unnumbered(lines), *unnumbered(lines)[2:3]]


def retold(lines: list[str]) -> list[str]:
    """A row that is there again with another answer."""
    return [*unnumbered(lines), unnumbered(lines)[1].replace("granted", "full")]


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda lines: lines[:-1], "h.jsonl:6:0: the header says that 6 operations follow, and 5 do"),
        (lambda lines: [*lines, lines[-1]], "6 operations follow, and 7 do"),
        (lambda lines: [*lines[:-1], lines[-1][:-20]], "h.jsonl:7:0: not JSON"),
        (moved, "h.jsonl:3:0: index: operation 1: it has the index 2"),
        (doubled, "h.jsonl:8:0: operation 6: it is line 3 again"),
        (retold, "h.jsonl:8:0: operation 6: it is line 2 again"),
        (lambda lines: [line.replace('"bo"', '"b\x00o"') for line in lines], "h.jsonl:3:0: not JSON"),
        (lambda lines: [line.replace('"op": "read"', '"op": "red"') for line in lines], "h.jsonl:5:0: op:"),
        (lambda lines: [line.replace('"value": 1', '"value": 1.5') for line in lines], "h.jsonl:5:0: value:"),
        (lambda lines: [line.replace('"value": 1', '"value": 9' + 20 * "9") for line in lines], "64 bits"),
        (lambda lines: [line.replace('"slot"', '"op"', 1) for line in lines], "h.jsonl:2:0: not JSON: op"),
        (lambda lines: [*lines[:3], lines[3] + lines[4], *lines[5:]], "h.jsonl:4:0: not JSON"),
        (lambda lines: [lines[0], *(line.replace("}", "") for line in lines[1:])], "h.jsonl:2:0: not JSON"),
    ],
)
def test_lines_that_were_harmed_are_refused_with_line_and_reason(
    tmp_path: Path, harm: Callable[[list[str]], list[str]], said: str
) -> None:
    path = written(tmp_path, ".jsonl")
    path.write_text("\n".join(harm(path.read_text("utf-8").splitlines())) + "\n", "utf-8")
    with pytest.raises(BadInput) as caught:
        read(path)
    assert said in str(caught.value)


FAR = 2**61


@pytest.mark.parametrize(
    ("name", "value", "is_refused"),
    [
        ("invoked_ns", -FAR, True),
        ("invoked_ns", 20 - (FAR - 1), False),
        ("invoked_ns", 20 - FAR, True),
        ("completed_ns", FAR + 1, True),
        ("completed_ns", FAR, False),
        ("completed_ns", NEVER - 1, True),
        ("completed_ns", NEVER, False),
    ],
)
@pytest.mark.parametrize("suffix", [".parquet", ".jsonl"])
def test_times_too_far_apart_to_be_reckoned_with_are_refused(
    tmp_path: Path, suffix: str, name: str, value: int, is_refused: bool
) -> None:
    history = drawn(TEXT)
    history[name][0], history["invoked_ns"][1] = value, 1
    write(history, tmp_path / f"h{suffix}")
    if not is_refused:
        found = checking.judged(read(tmp_path / f"h{suffix}"))
        assert found.judgement == "VALID" or value == NEVER
        return
    with pytest.raises(BadInput) as caught:
        read(tmp_path / f"h{suffix}")
    [problem] = caught.value.problems
    assert (problem.key, problem.line) == (name, 2 if suffix == ".jsonl" else 0)
    assert f"the time {value} is too far from the others: in all they span 73 years" in problem.message or (
        value == NEVER - 1
    )
    assert (problem.expected, problem.mend) != ("", "")


@pytest.mark.parametrize("bound", [-1, FAR])
def test_a_bound_of_clocks_that_no_time_can_be_widened_by_is_refused(tmp_path: Path, bound: int) -> None:
    path = written(tmp_path, ".jsonl")
    path.write_text(path.read_text("utf-8").replace('"clock_bound_ns": 0', f'"clock_bound_ns": {bound}'))
    with pytest.raises(BadInput, match=r"clock_bound_ns: .* is no bound of a clock"):
        read(path)


def test_clock_bounds_count_for_how_far_apart_times_are(tmp_path: Path) -> None:
    history = drawn(TEXT)
    history["completed_ns"][0] = FAR
    write(history, tmp_path / "h.jsonl")
    text = (tmp_path / "h.jsonl").read_text("utf-8")
    read(tmp_path / "h.jsonl")
    (tmp_path / "h.jsonl").write_text(text.replace('"clock_bound_ns": 0', '"clock_bound_ns": 2'), "utf-8")
    with pytest.raises(BadInput, match=r"h\.jsonl:2:0: completed_ns: operation 0: the time"):
        read(tmp_path / "h.jsonl")


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, ".jsonl")
    path.write_bytes(path.read_bytes().replace(b"cy", b"c\xff"))
    with pytest.raises(BadInput, match=r"h\.jsonl:4:0: not JSON"):
        read(path)


def test_rows_without_index_may_come_in_any_order_and_a_holder_twice(tmp_path: Path) -> None:
    path = written(tmp_path, ".jsonl")
    header, *rows = unnumbered(path.read_text("utf-8").splitlines())
    path.write_text("\n".join([header, *reversed(rows)]), "utf-8")
    assert read(path)["invoked_ns"].tolist() == [20, 20, 10, 3, 2, 1]


def test_a_file_is_read_alike_by_columns_and_line_by_line(tmp_path: Path) -> None:
    path = written(tmp_path, ".jsonl")
    header, count, begins = line_files._header(path)
    quick = line_files._by_columns(path, header, begins)
    slow = line_files._by_lines(path, header, count)
    assert quick is not None
    assert list(quick.rows()) == list(slow.rows()) == list(drawn(TEXT).rows())


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda bytes_: bytes_[:-9], "not a Parquet file"),
        (lambda bytes_: bytes_[:40] + bytes_[60:], "not a Parquet file|damaged"),
        (lambda bytes_: bytes_[:4], "not a Parquet file"),
    ],
)
def test_a_parquet_file_that_was_harmed_is_refused(
    tmp_path: Path, harm: Callable[[bytes], bytes], said: str
) -> None:
    path = written(tmp_path)
    path.write_bytes(harm(path.read_bytes()))
    with pytest.raises(BadInput, match=said):
        list(read(path).rows())


def test_a_flipped_bit_is_never_read_as_something_else(tmp_path: Path) -> None:
    path = written(tmp_path)
    whole, right = path.read_bytes(), list(read(path).rows())
    for place in range(4, len(whole), 61):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        with contextlib.suppress(BadInput):
            assert list(read(path).rows()) == right, place


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"op": ["claim", "grab"], "invoked_ns": [1, 2]}, "operation 1: 'grab' is not known"),
        ({"op": ["claim", "read"], "invoked_ns": [1, None]}, "operation 1: it has no op or no invoked_ns"),
        ({"op": ["claim", "read"], "invoked_ns": [1.0, 2.5]}, "invoked_ns: .*whole numbers"),
        (
            {"op": ["claim", "read"], "invoked_ns": [1, 2], "completed_ns": [1, 1]},
            "operation 1: it completed",
        ),
        ({"op": ["read", "read"], "invoked_ns": [1, 1]}, "operation 1: it is operation 0 again"),
        ({"op": ["read", "read"], "invoked_ns": [1, 2], "index": [0, 2]}, "operation 1: it has the index 2"),
        ({"op": ["read", "read"], "invoked_ns": [1, 2], "index": [0, None]}, "operation 1: it has no index"),
        ({"op": ["read"], "invoked_ns": [1], "colour": [1]}, "unknown columns: colour"),
    ],
)
def test_a_parquet_file_that_is_no_history_is_refused(
    tmp_path: Path, columns: dict[str, list[object]], said: str
) -> None:
    pq.write_table(pa.table(columns), tmp_path / "h.parquet")
    with pytest.raises(BadInput, match=said):
        read(tmp_path / "h.parquet")


def test_two_attempts_at_once_are_two_if_anything_tells_them_apart(tmp_path: Path) -> None:
    row = {"op": "claim", "applicant": "ana", "key": "k", "invoked_ns": 1, "host": "a", "worker": 1}
    history = history_of(drawn("").header, [row | {"attempt": 0}, row | {"attempt": 1}])
    write(history, tmp_path / "h.parquet")
    assert len(read(tmp_path / "h.parquet")) == 2


CUT = sorted((Path(__file__).parent.parent / "histories" / "valid").glob("*.jsonl"))


@pytest.mark.parametrize("source", CUT[::7], ids=lambda path: path.stem)
@pytest.mark.parametrize("has_count", [True, False], ids=["counted", "not counted"])
def test_a_file_that_was_cut_at_any_byte_is_never_valid(
    tmp_path: Path, source: Path, has_count: bool
) -> None:
    """Refused with a reason, or UNKNOWN; all that the last line may lack is its end."""
    whole, part = tmp_path / "whole.jsonl", tmp_path / "part.jsonl"
    write(read(source), whole)
    data = whole.read_bytes()
    if not has_count:
        header, _, rest = data.partition(b"\n")
        plain = json.loads(header)
        del plain["operations"]
        data = json.dumps(plain).encode() + b"\n" + rest
    ends = {at + more for at, byte in enumerate(data) if byte == ord("\n") for more in (0, 1)}
    sizes = range(len(data) - 1) if has_count else sorted(ends | set(range(0, len(data), 29)))
    for size in (each for each in sizes if each < len(data) - 1):
        part.write_bytes(data[:size])
        try:
            history = read(part)
        except BadInput:
            continue
        assert not has_count, size
        assert checking.judged(history).judgement != "VALID", size


def test_a_column_that_turns_out_to_be_damaged_is_refused_and_not_judged(tmp_path: Path) -> None:
    source = CUT[0]
    write(read(source), tmp_path / "h.parquet")
    data = (tmp_path / "h.parquet").read_bytes()
    metadata = pq.read_metadata(tmp_path / "h.parquet")
    names = metadata.schema.to_arrow_schema().names
    column = metadata.row_group(0).column(names.index("answer"))
    place = column.data_page_offset + column.total_compressed_size // 2
    (tmp_path / "h.parquet").write_bytes(data[:place] + bytes([data[place] ^ 8]) + data[place + 1 :])
    assert check(tmp_path / "h.parquet", quiet=True) == 3
