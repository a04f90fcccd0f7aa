"""From the workers' rows to one history: one clock, one order, names, keys and rules."""

from pathlib import Path

import pytest

from loadtests.header import Header
from loadtests.history import History, merge
from loadtests.loading.judging import begun, with_rows
from loadtests.loading.watching import Watch
from loadtests.protocol import ANSWER, OP, RESULT
from loadtests.recorder import Recorder
from loadtests.trace import Trace, build
from sim import scenario_file


@pytest.fixture(scope="module")
def trace() -> Trace:
    return build(scenario_file.load("opening-day"), run="r1", scale=0.002, minutes=1)


def invoke(recorder: Recorder, at: int, *, op: str = "claim", person: int = 0) -> int:
    return recorder.invoke(
        op=OP[op], person=person, chain=0, attempt=0, client=1, due_ns=at - 1, invoked_ns=at
    )


def grant(recorder: Recorder, row: int, at: int, slot: str) -> None:
    recorder.complete(
        row, completed_ns=at, result=RESULT["ok"], answer=ANSWER["granted"], http_status=201, slot=slot
    )


def merged(folder: Path, trace: Trace) -> History:
    return merge(folder, trace, Header(run="r1"))


def test_hosts_are_brought_to_one_clock_and_intervals_are_widened(tmp_path: Path, trace: Trace) -> None:
    here = Recorder(tmp_path, host="a", worker=0, rows=9)
    there = Recorder(tmp_path, host="b", worker=1, rows=9)
    there.clock(offset_ns=1_000_000, bound_ns=7)
    grant(there, invoke(there, 1_000_150, person=1), 1_000_160, "2")
    grant(here, invoke(here, 200), 210, "1")
    history = merged(tmp_path, trace)
    assert history["host"].tolist() == ["b", "a"]
    assert history["invoked_ns"].tolist() == [150, 200]
    assert history["due_ns"].tolist() == [149, 199]
    assert history["slot"].tolist() == ["2", "1"]
    assert [column.tolist() for column in history.widened()] == [[143, 193], [167, 217]]


def test_rows_get_their_names_keys_and_rules(tmp_path: Path, trace: Trace) -> None:
    recorder = Recorder(tmp_path, host="a", worker=0, rows=9)
    stranger = int((trace.ids < 0).argmax())
    for person in (0, stranger):
        invoke(recorder, 100 + person, person=person)
    invoke(recorder, 1, op="release")
    recorder.complete(
        invoke(recorder, 2, op="read", person=-1), completed_ns=3, result=0, answer=ANSWER["count"], value=4
    )
    history = merged(tmp_path, trace)
    release, read, claim, refused = history.rows()
    assert release["key"] == trace.release_key(0, 0)
    assert (claim["applicant"], claim["stream"], claim["intake"]) == (trace.applicant[0], "sponsors", "2019")
    assert (claim["key"], claim["result"], "completed_ns" in claim) == (trace.key(0, 0), "pending", False)
    assert refused["note"].startswith("not eligible: ")
    assert (read["value"], read["intake"], "applicant" in read) == (4, "2019", False)
    assert begun(history, trace) == (3, len(trace.due_ns))
    assert len(with_rows(history, [{"op": "hold", "invoked_ns": 5}])) == 5


def test_a_run_without_traffic_is_a_history_of_nothing(tmp_path: Path, trace: Trace) -> None:
    assert len(merged(tmp_path, trace)) == 0


def test_what_is_watched_is_what_is_recorded(tmp_path: Path) -> None:
    watch, recorder = Watch(tmp_path, late_ns=0), Recorder(tmp_path, host="a", worker=0, rows=4)
    rows = [invoke(recorder, at) for at in range(5)]
    watch.look()
    assert (watch.sent, watch.answered, watch.late) == (5, 0, 5)
    grant(recorder, rows[1], 9, "1")
    grant(recorder, rows[4], 9, "2")
    watch.look()
    grant(recorder, rows[0], 11, "3")
    grant(recorder, invoke(recorder, 10), 12, "4")
    watch.look()
    watch.look()
    assert (watch.sent, watch.answered, watch.outcomes, watch.last_ns) == (6, 4, {"granted": 4}, 12)
