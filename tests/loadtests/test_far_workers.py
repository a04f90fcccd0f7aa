"""Workers that share no folder with the master: their records are sent over, or brought later."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from loadtests import shipping, signs
from loadtests.header import Header
from loadtests.history import read
from loadtests.loading import lost
from loadtests.merging import merged
from loadtests.protocol import OP
from loadtests.recorder import Recorder, left_in
from loadtests.safe import address
from loadtests.trace import build
from sim.errors import BadInput
from sim.scenario_file import load
from tests.loadtests.runs import free_port
from tests.loadtests.test_load import ran, started, verdict_of

SHIFT_NS = 7_000_000_000


def recorded(folder: Path, *, worker: int = 0, rows: int = 3) -> None:
    recorder = Recorder(folder, host="far", worker=worker, rows=rows)
    for number in range(rows):
        row = recorder.invoke(
            op=OP["claim"], person=number, chain=0, attempt=0, client=0, due_ns=number, invoked_ns=number
        )
        recorder.complete(row, completed_ns=number + 1, result=0, answer=0, note=f"n{number}")
    recorder.close()


def test_a_record_arrives_in_pieces_and_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipping, "PIECE", 50)
    here, there = tmp_path / "here", tmp_path / "there"
    recorded(there)
    files = shipping.sizes(there)
    pieces = list(shipping.pieces(there, files))
    assert len(pieces) > len(files) == 3
    for piece in reversed(pieces):
        shipping.put(here, piece)
        assert not left_in(here)  # nothing is taken for a record before it is one
    assert shipping.arrived(here, files)
    assert [each.name for each in sorted(here.iterdir())] == list(files)
    assert left_in(here)[0].rows.tolist() == left_in(there)[0].rows.tolist()


def test_half_a_record_is_none(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    recorded(there)
    files = shipping.sizes(there)
    shipping.put(here, next(shipping.pieces(there, files)))
    assert not shipping.arrived(here, files)
    assert not list(here.iterdir())


@pytest.mark.parametrize("name", ["../x.json", "/etc/x.rows", "x.toml"])
def test_a_record_stays_in_its_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(AssertionError):
        shipping.put(tmp_path, {"name": name, "at": 0, "data": b"x"})


def test_what_a_lost_worker_did_is_supposed_until_its_record_is_there(tmp_path: Path) -> None:
    trace = build(load("opening-day"), run="t", scale=0.002)
    lost.suppose(tmp_path, trace, shards=2, lost=(1,), start_ns=1_000)
    mine = trace.shard(1, 2)
    history = merged(tmp_path, trace, Header(spec=trace.spec))
    assert len(history) == len(mine.due_ns)
    assert history.is_result("pending").all()
    assert set(history["host"].tolist()) == {lost.LOST}
    assert int(history["invoked_ns"].min()) == 1_000 + int(mine.due_ns.min())
    assert lost.supposed(tmp_path) == [1]
    lost.forget(tmp_path, 1)
    assert not list(tmp_path.iterdir())


def test_a_lost_worker_may_have_given_back_what_it_was_granted(tmp_path: Path) -> None:
    trace = build(load("churn"), run="t", scale=0.02)
    lost.suppose(tmp_path, trace, shards=1, lost=(0,), start_ns=0)
    history = merged(tmp_path, trace, Header(spec=trace.spec))
    assert 0 < int(history.is_op("release").sum()) < int(history.is_op("claim").sum())


@pytest.mark.parametrize(
    ("text", "found"),
    [("a.example:17", ("a.example", 17)), ("127.0.0.2", ("127.0.0.2", 5557)), ("[::1]:80", ("::1", 80))],
)
def test_addresses(text: str, found: tuple[str, int]) -> None:
    assert address(text, key="--master") == found


@pytest.mark.parametrize("text", ["", ":5", "a:b", "a:0", "a:70000"])
def test_no_addresses(text: str) -> None:
    with pytest.raises(BadInput, match="is no address"):
        address(text, key="--master")


def worker(where: Path, master: str, folder: Path, shift_ns: int) -> "subprocess.Popen[str]":
    """A worker in a working folder of its own, with a clock of its own."""
    os.environ["QUOTALAB_CLOCK_OFFSET_NS"] = str(shift_ns)
    try:
        return started(where, "load-worker", "--master", master, "--folder", folder)
    finally:
        del os.environ["QUOTALAB_CLOCK_OFFSET_NS"]


@pytest.fixture
def rush(tmp_path: Path) -> Path:
    """The opening day, with no more to be seen than a few seconds can show."""
    from scenarios import __file__ as scenarios_file

    text = (Path(scenarios_file).parent / "opening-day.toml").read_text("utf-8").split("[load.must_see]")[0]
    path = tmp_path / "rush.toml"
    path.write_text(text + "[load.must_see]\ncap_reached = true\nrefusals = 20_000\n", "utf-8")
    return path


@pytest.mark.long
def test_records_of_two_far_workers_are_sent_over_and_their_clocks_related(
    tmp_path: Path, rush: Path
) -> None:
    run, master = tmp_path / "run", f"127.0.0.2:{free_port()}"
    options = ("--scale", "0.01", "--minutes", "0.05", "--target", "reference:memory")
    child = started(
        tmp_path, "load", rush, *options, "--expect-workers", "2", "--listen", master, "--out", run
    )
    folders = [tmp_path / f"host-{n}" for n in range(2)]
    workers = [
        worker(tmp_path / f"desk-{n}", master, folder, n * SHIFT_NS) for n, folder in enumerate(folders)
    ]
    said, told = child.communicate(timeout=120)
    assert [each.wait(30) for each in workers] == [0, 0], workers[0].communicate()[1]
    assert (child.returncode, said[:5]) == (0, "VALID"), said + told
    assert "from 2 workers on other hosts" in told
    here, there = left_in(run / "history"), [each for f in folders for each in left_in(f / "history")]
    assert sorted(each.rows.tolist() for each in here) == sorted(each.rows.tolist() for each in there)
    assert not [each for f in folders for each in f.glob("*.parquet")]
    straight, shifted = sorted(here, key=lambda each: each.offset_ns)
    assert (straight.offset_ns, straight.bound_ns) == (0, 0)
    assert abs(shifted.offset_ns - SHIFT_NS) <= shifted.bound_ns < 100_000_000
    assert read(run / "history.parquet").header.clock_bound_ns == shifted.bound_ns
    assert signs.started(run).shards == 2  # type: ignore[union-attr]


@pytest.mark.long
def test_a_lost_worker_makes_no_verdict_wrong_and_its_record_can_be_brought(
    tmp_path: Path, rush: Path
) -> None:
    run, master = tmp_path / "run", f"127.0.0.3:{free_port()}"
    options = ("--scale", "0.01", "--minutes", "0.15", "--target", "reference:memory", "--budget", "60s")
    child = started(
        tmp_path, "load", rush, *options, "--expect-workers", "2", "--listen", master, "--out", run
    )
    folders = [tmp_path / f"host-{n}" for n in range(2)]
    workers = [worker(tmp_path / f"desk-{n}", master, folder, 0) for n, folder in enumerate(folders)]
    until = time.monotonic() + 60
    while sum(len(each.rows) for each in left_in(folders[0] / "history")) < 200:
        assert time.monotonic() < until, "no traffic"
        time.sleep(0.05)
    os.kill(left_in(folders[0] / "history")[0].pid, signal.SIGKILL)
    said, told = child.communicate(timeout=120)
    for each in workers:
        each.communicate(timeout=30)
    assert child.returncode == 2, said + told
    assert "did not come" in told
    assert not [each for each in verdict_of(run)["findings"] if each["verdict"] == "INVALID"]
    assert json.loads((run / "summary.json").read_text("utf-8"))["lost_workers"]

    code, said, told = ran(tmp_path, "load-merge", run, folders[0])
    assert code == 2, said + told  # it is all there now, but half of the shard was never sent
    found = {each["check"]: each["verdict"] for each in verdict_of(run)["findings"]}
    assert found["audit"] == found["receipts"] == found["bounds"] == "VALID"
    history = read(run / "history.parquet")
    assert lost.LOST not in set(history["host"].tolist())
    assert int(history.is_op("hold").sum()) == int(
        (history.is_op("claim") & history.is_answer("granted")).sum()
    )


def test_a_record_of_another_run_is_not_merged(tmp_path: Path) -> None:
    code, _, told = ran(tmp_path, "load-merge", tmp_path)
    assert code == 3
    assert "this is not a run folder" in told
