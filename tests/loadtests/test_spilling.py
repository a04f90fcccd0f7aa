"""Histories judged with their columns on disk: the same verdicts, in memory that others would not do with."""

import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from loadtests import cli
from loadtests.checking import check, judged
from loadtests.header import Header
from loadtests.histories import lines as lines_file
from loadtests.histories.columns import TEXTS
from loadtests.history import COLUMNS, History, read, write
from loadtests.proofs.replay import accepts
from loadtests.spilling import machine, room
from loadtests.spilling.gathering import gathered
from loadtests.spilling.shelf import NAME, on_disk
from sim.errors import BadInput
from tests.large_histories import Crowd, crowded
from tests.random_histories import MIXES, from_ledger

ALL = 1
"""Bytes from which an array lies on disk: every array does."""
CORPUS = sorted((Path(__file__).resolve().parents[1] / "histories").glob("*/*.jsonl"))
CLAIMS = Crowd(reads=0.01, retries=0.05, unknown=0.002)


def both_ways(history: History, folder: Path, suffix: str = "parquet") -> None:
    """Assert that the verdict on a history is the same in memory and on disk."""
    file = folder / f"history.{suffix}"
    write(history, file)
    in_memory = judged(read(file))
    with on_disk(folder, least=ALL):
        there = read(file, in_batches=True)
        verdict = judged(there)
    assert verdict == in_memory
    for one, other in zip(verdict.findings, in_memory.findings, strict=True):
        assert (one.order is None) == (other.order is None)
        assert one.order is None or accepts(there, one.order) is None


@pytest.mark.parametrize("name", MIXES)
def test_a_verdict_does_not_depend_on_where_the_columns_lie(name: str, tmp_path: Path) -> None:
    for seed in range(2):
        both_ways(from_ledger(np.random.default_rng([seed, 77]), MIXES[name]), tmp_path)


@pytest.mark.parametrize("file", CORPUS[::9], ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_nor_does_that_on_a_history_of_the_corpus(file: Path, tmp_path: Path) -> None:
    both_ways(read(file), tmp_path, "jsonl")


@pytest.mark.parametrize("suffix", ["parquet", "jsonl"])
def test_columns_gathered_in_batches_are_those_that_are_read_whole(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"history.{suffix}"
    write(crowded(np.random.default_rng(3), Crowd(operations=70_000, unknown=0.01, releases=0.1)), file)
    whole, in_batches = read(file), read(file, in_batches=True)
    assert len(whole) == len(in_batches)
    for name in COLUMNS:
        assert whole.lacks(name) == in_batches.lacks(name), name
        if name in TEXTS:
            assert (whole.coded(name).texts() == in_batches.coded(name).texts()).all(), name
        else:
            assert (whole[name] == in_batches[name]).all(), name
            assert whole[name].dtype == in_batches[name].dtype, name


def test_texts_are_told_apart_by_every_byte_however_many_there_are() -> None:
    rng = np.random.default_rng(5)
    texts = [None if n % 97 == 0 else f"é{n:b}" for n in rng.integers(0, 90_000, 200_000).tolist()]
    texts += ["", "a", "aa", None, "", "aaa"]
    batches = [pa.array(texts[:5]), pa.array(texts[5:1_000])[0:995], pa.array(["x", *texts[1_000:]])[1:]]
    column = gathered(batches, "applicant", len(texts), "")
    assert column.texts().tolist() == texts  # type: ignore[union-attr]
    assert len(column.names) == len(set(texts) - {None})  # type: ignore[union-attr]


def test_large_arrays_lie_in_a_file_that_no_folder_has(tmp_path: Path) -> None:
    with on_disk(tmp_path, least=1 << 16) as shelf:
        small, large = np.zeros(10), np.arange(100_000)
        assert list(tmp_path.iterdir()) == []
        assert shelf.peak == 802_816  # whole pages
        assert _handler(large) == _handler(small) == NAME.decode()
        large.resize(200_000, refcheck=False)
        assert large[[99_999, -1]].tolist() == [99_999, 0]
    assert large.sum() == 99_999 * 50_000
    assert _handler(np.zeros(10)) == "default_allocator"
    large.resize(300_000, refcheck=False)
    assert large[99_999] == 99_999


def _handler(array: np.ndarray) -> str:
    from numpy._core import multiarray

    return str(multiarray.get_handler_name(array))  # type: ignore[attr-defined]


def test_a_disk_that_is_full_is_an_error_and_no_crash(tmp_path: Path) -> None:
    with on_disk(tmp_path), pytest.raises(MemoryError):
        np.zeros(1 << 47, dtype=np.int8)


@pytest.mark.parametrize(
    ("text", "size"), [("800MB", 800_000_000), ("1.5gb", 1_500_000_000), ("4 GiB", 4 << 30), ("12", 12)]
)
def test_an_amount_of_memory_is_read(text: str, size: int) -> None:
    assert room.bytes_of(text) == size


@pytest.mark.parametrize("text", ["", "much", "0", "-1GB", "1GBB"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="no amount of memory"):
        room.bytes_of(text)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write(crowded(np.random.default_rng(1), Crowd(operations=2_000)), tmp_path / "history.parquet")
    return tmp_path / "history.parquet"


def test_a_history_that_fits_is_judged_as_ever(file: Path) -> None:
    assert check(file, memory="2GB") == check(file)


def test_one_that_does_not_is_judged_on_disk_and_that_is_said(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "BASE", 0)
    monkeypatch.setenv("TMPDIR", str(file.parent))
    *findings, about = check(file, memory="500kB").findings
    assert tuple(findings) == check(file).findings
    assert (about.check, about.judgement) == ("memory", "NOTED")
    assert about.says.startswith("judged with its columns on disk, ")


def test_one_for_which_there_is_no_room_anywhere_is_unknown(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["check", str(file), "--memory", "500kB"]) == 2
    said = capsys.readouterr().out
    assert said.startswith("UNKNOWN: ")
    assert "it needs 1 MB of memory and may take 500 kB" in said
    assert "2,000 operations" in said


def test_a_table_is_not_judged_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "BASE", 0)
    (tmp_path / "calls.csv").write_text("invoked_ns,op\n" + "1,claim\n" * 1_000)
    assert "CSV" in room.room_for(tmp_path / "calls.csv", memory=100_000).why_not


def test_a_folder_of_memory_is_known(tmp_path: Path) -> None:
    mounts = machine.PROC / "self" / "mounts"
    if not any(line.split()[1:3] == ["/dev/shm", "tmpfs"] for line in mounts.read_text().splitlines()):
        pytest.skip("there is none")
    assert machine.is_memory(Path("/dev/shm"))


def test_a_wrong_line_is_found_without_all_rows_in_memory(tmp_path: Path) -> None:
    header = {"format": "quotalab-history-1"}
    row = {"op": "claim", "applicant": "ana", "key": "ana-1", "slot": "a slot of some length", "attempt": 1}
    rows = [row | {"invoked_ns": n, "completed_ns": n + 9, "result": "ok"} for n in range(15_000)]
    lines = [json.dumps(each) for each in [header, *rows, row | {"invoked_ns": 5, "answer": "perhaps"}]]
    (tmp_path / "wrong.jsonl").write_text("\n".join(lines) + "\n")
    del rows, lines
    write(History(Header(), {}), tmp_path / "none.parquet")  # what a reader imports is not what it holds
    tracemalloc.start()
    with pytest.raises(BadInput, match=r"wrong\.jsonl:15002:.*perhaps"):
        lines_file._by_lines(tmp_path / "wrong.jsonl", Header(), None)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 9_000_000 < 15_000 * 800  # as dicts they would take more than 800 bytes each


LIMITED = """
import resource, sys
from pathlib import Path
from loadtests.checking import check
from loadtests.spilling import machine, room
room.BASE = 0  # of this process most is there already
small, limit, *asked = sys.argv[1:]
check(small)  # so that the code that both ways need is there, and compiled
for file, mode in zip(asked[::2], asked[1::2]):
    check(file, memory=f"{int(limit) // 1_000_000}MB")
    said = Path("/proc/self/status").read_text().splitlines()
    used = [line.split()[1] for line in said if "VmData" in line]
    most = 1024 * int(used[0]) + int(limit)
    resource.setrlimit(resource.RLIMIT_DATA, (most, resource.RLIM_INFINITY))
    verdict = check(file, memory="100TB" if mode == "memory" else None)
    resource.setrlimit(resource.RLIMIT_DATA, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print(verdict.judgement)
    for finding in verdict.findings:
        print(finding.check, finding.judgement, len(finding.witness), finding.says)
    print()
"""


def limited(folder: Path, limit: int, *asked: tuple[str, str]) -> list[list[str]]:
    """What a process finds of histories, one after the other, each `memory` or `disk`, each time it may have
    so many bytes more than it had before."""
    files = [each for file, mode in asked for each in (str(folder / file), mode)]
    ran = subprocess.run(
        [sys.executable, "-c", LIMITED, str(folder / "small.parquet"), str(limit), *files],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"ARROW_DEFAULT_MEMORY_POOL": "system", "TMPDIR": str(folder)},
    )
    assert ran.returncode == 0, ran.stderr[-2_000:]
    return [each.splitlines() for each in ran.stdout.split("\n\n") if each]


def assert_judged_in(folder: Path, operations: int, limit: int) -> None:
    """Assert that a history that memory has no room for is judged on disk, and so is one with a fault."""
    made = crowded(np.random.default_rng(1), Crowd(operations=operations, reads=0.01, retries=0.05))
    write(crowded(np.random.default_rng(1), Crowd(operations=20_000, reads=0.01)), folder / "small.parquet")
    write(made, folder / "right.parquet")
    write(one_too_many(made), folder / "wrong.parquet")
    asked = (("right.parquet", "disk"), ("wrong.parquet", "disk"), ("right.parquet", "memory"))
    right, wrong, in_memory = limited(folder, limit, *asked)
    assert right[0] == "VALID"
    assert any(line.startswith("linearizability VALID") and "replayed" in line for line in right)
    assert any(line.startswith("memory NOTED") for line in right)
    assert in_memory[0] == "UNKNOWN"
    assert any("MemoryError" in line or "no room left in memory" in line for line in in_memory)
    assert wrong[0] == "INVALID"
    clash = next(line for line in wrong if line.startswith("linearizability INVALID"))
    assert int(clash.split()[2]) > 0, clash


def one_too_many(history: History) -> History:
    """The history with one claim granted that was refused, three quarters through it."""
    columns = {name: history[name].copy() for name in COLUMNS}
    refused = np.flatnonzero(history.is_answer("full"))
    row = refused[np.searchsorted(refused, 3 * len(history) // 4)]
    granted = np.flatnonzero(history.is_answer("granted"))[0]
    columns["answer"][row] = columns["answer"][granted]
    columns["cap"][row], columns["slot"][row] = None, "one too many"
    return History(history.header, columns)


def test_a_history_that_memory_has_no_room_for_is_judged(tmp_path: Path) -> None:
    assert_judged_in(tmp_path, 100_000, 30_000_000)


@pytest.mark.long
def test_so_is_one_of_three_million_operations_in_a_tenth_of_what_it_takes(tmp_path: Path) -> None:
    assert_judged_in(tmp_path, 3_000_000, 200_000_000)
