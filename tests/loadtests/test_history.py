"""Histories: what is written comes back, in both forms, and what cannot be a history is refused."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.clocks import Exchange, clock_offset
from loadtests.header import Header, Initial
from loadtests.history import COLUMNS, NEVER, History, read, write
from sim.errors import BadInput
from sim.ledger import Cap, Spec, cap_of
from tests.loadtests.histories import drawn

DRAWN = """
ana  claim    1-5    granted   slot=1 claim_id=2022-1 position=1 http_status=201
bo   claim    2-     -         note=killed
cy   claim    3-9    full      cap=2022
ana  release  6-8    released  given_back=no
-    read     9-10   count     value=0
"""
HEADER = Header(
    caps=(cap_of("2022", 1), Cap("both", 9, frozenset({("2022", None), ("2023", "pilot")}))),
    spec=Spec(gives_back=frozenset({"withdrawal", "expiry"}), counter=7, refusals="sticky", tolerance=3),
    initial=Initial({"2022": 4}, {"2022": ("x", "y")}),
    shared=True,
    complete=False,
    clock_bound_ns=2,
    origin_ns=1_650_000_000_000_000_000,
    run="r1",
    source="test",
    scenario="none",
)


def same(one: History, other: History) -> bool:
    return one.header == other.header and all(np.array_equal(one[name], other[name]) for name in COLUMNS)


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl"])
@pytest.mark.parametrize("text", [DRAWN, ""])
def test_what_is_written_comes_back_and_twice_the_same_bytes(tmp_path: Path, suffix: str, text: str) -> None:
    history = drawn(text, header=HEADER)
    for name in ("one", "two"):
        write(history, tmp_path / (name + suffix))
    assert same(read(tmp_path / ("one" + suffix)), history)
    assert (tmp_path / ("one" + suffix)).read_bytes() == (tmp_path / ("two" + suffix)).read_bytes()
    assert len(list(tmp_path.iterdir())) == 2


def test_the_documented_smallest_history_is_one(tmp_path: Path) -> None:
    (tmp_path / "h.jsonl").write_text(
        '{"format": "quotalab-history-1",'
        ' "caps": [{"name": "2022", "limit": 1, "covers": [["2022", null]]}]}\n'
        '{"applicant": "ana", "intake": "2022", "op": "claim", "key": "k1", "invoked_ns": 10,'
        ' "completed_ns": 25, "result": "ok", "answer": "granted", "slot": "1"}\n'
    )
    history = read(tmp_path / "h.jsonl")
    assert history.header == Header(caps=(cap_of("2022", 1),))
    assert next(history.rows())["slot"] == "1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        ("{}", "format is None"),
        ('{"format": "quotalab-history-1", "caps": 3}', "the header cannot be read"),
        ('{"format": "quotalab-history-1", "spec": {"refusal": 1}}', "spec has no refusal"),
        ('{"format": "quotalab-history-1"}\nnot', "h.jsonl:2"),
        ('{"format": "quotalab-history-1"}\n{"operation": "claim"}', "unknown: operation"),
        ('{"format": "quotalab-history-1"}\n{"op": "claim"}', "no op or no invoked_ns"),
        ('{"format": "quotalab-history-1"}\n{"op": "grab", "invoked_ns": 1}', "'grab' is not known"),
        ('{"format": "quotalab-history-1"}\n{"op": "read", "invoked_ns": 1.5}', "invoked_ns"),
        ('{"format": "quotalab-history-1"}\n{"op": "read", "invoked_ns": "x"}', "invoked_ns"),
        (
            '{"format": "quotalab-history-1"}\n{"op":"read","invoked_ns":5,"completed_ns":4}',
            "completed before",
        ),
    ],
)
def test_what_is_no_history_is_refused_with_its_reason(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "h.jsonl").write_text(text)
    with pytest.raises(BadInput, match=r"h\.jsonl") as caught:
        read(tmp_path / "h.jsonl")
    assert said in str(caught.value)


def test_intervals_are_widened_by_the_bound_of_the_clock_and_open_where_nothing_is_known() -> None:
    invoked, completed = drawn(DRAWN, header=HEADER).widened()
    assert invoked.tolist() == [-1, 0, 1, 4, 7]
    assert completed.tolist() == [7, NEVER, 11, 10, 12]


@settings(max_examples=200, deadline=None)
@given(
    st.integers(-(10**15), 10**15),
    st.lists(
        st.tuples(st.integers(1, 10**7), st.integers(0, 10**6), st.integers(1, 10**7)),
        min_size=1,
        max_size=20,
    ),
)
def test_the_bound_of_a_clock_covers_its_offset(offset: int, delays: list[tuple[int, int, int]]) -> None:
    now, samples = 0, []
    for there, held, back in delays:
        samples.append(
            Exchange(now, now + there + offset, now + there + held + offset, now + there + held + back)
        )
        now += there + held + back + 5
    found, bound = clock_offset(samples)
    assert abs(found - offset) <= bound
    assert bound <= min(there + back for there, _, back in delays) // 2 + 2


def test_the_bound_covers_a_clock_that_drifts_during_the_run() -> None:
    early, late = Exchange(0, 1_010, 1_020, 30), Exchange(10**11, 10**11 + 6_010, 10**11 + 6_020, 10**11 + 30)
    found, bound = clock_offset([early, late])
    assert found - bound <= 1_000
    assert found + bound >= 6_000
