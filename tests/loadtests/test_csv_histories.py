"""Histories that another tool wrote: read by a map of columns and words, or refused with line and column."""

from pathlib import Path
from typing import Any

import pytest

from loadtests.checks import receipts
from loadtests.header import Header
from loadtests.histories import csv_file
from loadtests.histories.csv_file import read_csv
from loadtests.history import History
from sim.errors import BadInput
from sim.ledger import cap_of

MAP = {"applicant": "user", "key": "id", "invoked_ns": "start", "elapsed_ns": "took", "answer": "code"}
WORDS = {"201": "granted", "409": "full", "timeout": ""}
TEXT = """user,id,start,took,code,thread
ana,k1,1.5,0.25,201,7
"bo, jr",k2,1.5,,timeout,8

cy,k3,2,1,409,7
"""


def table(folder: Path, text: str, columns: dict[str, str] = MAP, **options: Any) -> History:
    (folder / "h.csv").write_text(text, "utf-8")
    given = {"unit": "ms", "answers": WORDS, "fixed": {"intake": "2022"}} | options
    return read_csv(folder / "h.csv", columns, **given)


def test_columns_and_words_are_mapped_and_times_become_nanoseconds(tmp_path: Path) -> None:
    history = table(tmp_path, TEXT, header=Header(caps=(cap_of("2022", 1),)))
    first, lost, refused = history.rows()
    assert (first["op"], first["intake"], first["applicant"]) == ("claim", "2022", "ana")
    assert (first["invoked_ns"], first["completed_ns"]) == (1_500_000, 1_750_000)
    assert (first["result"], refused["answer"]) == ("ok", "full")
    assert (lost["applicant"], lost["result"], "completed_ns" in lost) == ("bo, jr", "pending", False)
    assert receipts.check(history)[0].judgement == "VALID"


def test_dates_are_times_too(tmp_path: Path) -> None:
    text = "user,at,took,code\nana,1970-01-01T01:00:00.000001+01:00,0.5,201\n"
    columns = {"applicant": "user", "invoked_ns": "at", "elapsed_ns": "took", "answer": "code"}
    [row] = table(tmp_path, text, columns, unit="iso").rows()
    assert (row["invoked_ns"], row["completed_ns"]) == (1_000, 500_001_000)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (",start", ",begin", "h.csv:1:0: the first line has no column 'start'"),
        ("user,id", "user,user", "two columns 'user'"),
        ("1.5,0.25", "x,0.25", "h.csv:2:0: start: 'x' is no invoked_ns"),
        ("1.5,0.25", ",0.25", "h.csv:2:0: operation 0: it has no op or no invoked_ns"),
        ("0.25,201", "-9,201", "h.csv:2:0: completed_ns: operation 0: it completed before it was invoked"),
        ("1,409", "1,410", "h.csv:5:0: code: '410' is no answer"),
        ("cy,k3", "cy,k3,9", "h.csv:5:0: it has 7 cells, and the first line has 6"),
        ("cy,k3,2,1,409,7", "ana,k1,1.5,0.25,201,9", "line 2 again"),
        (TEXT, "", "no column 'user'"),
        (TEXT, "user,id,start,took,code", "it has no operations"),
        ("cy,k3", '"cy"x,k3', "h.csv:5:0: not CSV"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        table(tmp_path, TEXT.replace(old, new))
    assert said in str(caught.value)


def test_times_too_far_apart_are_refused_with_their_line(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        table(tmp_path, TEXT.replace("k3,2,1", f"k3,{2**42},1"))
    [problem] = caught.value.problems
    assert (problem.line, problem.key) == (5, "completed_ns")
    assert f"the time {(2**42 + 1) * 10**6} is too far from the others" in problem.message


def test_a_last_line_without_its_end_is_refused_since_it_may_have_been_cut(tmp_path: Path) -> None:
    columns = MAP | {"value": "thread"}
    whole = TEXT.replace("409,7", "409,1234")
    assert table(tmp_path, whole, columns)["value"].tolist()[-1] == 1234
    for kept in ("1234", "12"):
        with pytest.raises(BadInput) as caught:
            table(tmp_path, whole.replace("1234\n", kept), columns)
        [problem] = caught.value.problems
        assert (problem.line, problem.key) == (5, "thread")
        assert f"the last line has no end, so that its last cell, '{kept}', may" in problem.message
        assert problem.mend.startswith("if the line is whole, end it: printf")


def test_a_last_line_without_its_end_is_read_if_nobody_asks_for_its_last_cell(tmp_path: Path) -> None:
    assert list(table(tmp_path, TEXT.rstrip()).rows()) == list(table(tmp_path, TEXT).rows())
    assert list(table(tmp_path, TEXT.replace("\n", "\r\n")).rows()) == list(table(tmp_path, TEXT).rows())


def test_every_wrong_cell_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        table(tmp_path, TEXT.replace("409", "500").replace("0.25", "soon"))
    assert [(each.line, each.key) for each in caught.value.problems] == [(2, "took"), (5, "code")]
    assert "500=granted" in caught.value.problems[1].expected


@pytest.mark.parametrize(
    ("columns", "options", "said"),
    [
        ({"aplicant": "user"}, {}, "perhaps applicant"),
        ({"applicant": "user"}, {}, "times of invocation"),
        (MAP, {"unit": "h"}, "'h' is no unit of time"),
        (MAP, {"answers": {"201": "yes", "409": "full", "timeout": ""}}, "'yes' is no answer, for '201'"),
    ],
)
def test_a_map_that_cannot_be_is_refused(
    tmp_path: Path, columns: dict[str, str], options: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        table(tmp_path, TEXT, columns, **options)


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_rows_are_read_some_at_once_and_told_of_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    whole = list(table(tmp_path, TEXT).rows())
    monkeypatch.setattr(csv_file, "AT_ONCE", at_once)
    assert list(table(tmp_path, TEXT).rows()) == whole
    with pytest.raises(BadInput, match=r"h\.csv:5:0: took: 'soon' is no elapsed_ns"):
        table(tmp_path, TEXT.replace("k3,2,1", "k3,2,soon"))
    with pytest.raises(BadInput, match=r"h\.csv:5.*operation 2: "):
        table(tmp_path, TEXT.replace("k3,2,1", f"k3,{10**17},1"))
