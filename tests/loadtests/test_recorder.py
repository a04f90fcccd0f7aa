"""The recorder: what survives a kill, what a full disk says, and what comes back from the rows."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from loadtests.recorder import MARK, Recorder, left_in, pack, unpack

WRITER = """
import itertools, sys
from pathlib import Path
from loadtests.recorder import Recorder
recorder = Recorder(Path(sys.argv[1]), host="127.0.0.1", worker=int(sys.argv[2]), rows=100)
sent = open(sys.argv[3], "ab", buffering=0)
for number in itertools.count():
    row = recorder.invoke(op=0, person=number, chain=0, attempt=1, client=7, due_ns=1, invoked_ns=number)
    sent.write(b"s")   # the send: certainly after the invocation
    recorder.complete(row, completed_ns=number + 1, result=0, answer=0, http_status=201, slot=str(number))
    sent.write(b"r")
"""


def test_a_killed_worker_loses_nothing_that_it_sent(tmp_path: Path) -> None:
    sent = tmp_path / "sent"
    child = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "history"), "3", str(sent)])
    while not sent.exists() or sent.stat().st_size < 20_000:
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()

    [left] = left_in(tmp_path / "history")
    invoked, completed = len(left.rows), int((left.rows["completed"] == MARK).sum())
    told = sent.read_bytes()
    assert told.count(b"s") <= invoked <= told.count(b"s") + 1
    assert told.count(b"r") <= completed <= told.count(b"r") + 1
    assert left.rows["person"].tolist() == list(range(invoked))
    assert left.texts(left.rows[completed - 1]) == (str(completed - 1), None, None, None, None)


def test_what_is_told_comes_back(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, host="::1", worker=0, rows=1)
    told = {"slot": "7", "claim_id": "a-7", "cap": None, "note": "né\x1f?", "intake": None}
    for _ in range(3):  # more rows than there was room for
        row = recorder.invoke(op=1, person=5, chain=2, attempt=3, client=9, due_ns=-4, invoked_ns=2**62)
        recorder.complete(
            row,
            completed_ns=2**62 + 1,
            result=0,
            answer=1,
            http_status=201,
            value=-1,
            given_back=True,
            **told,
        )
    refused = recorder.invoke(op=0, person=6, chain=0, attempt=1, client=9, due_ns=0, invoked_ns=0)
    recorder.complete(refused, completed_ns=1, result=0, answer=3, cap="2022")
    recorder.invoke(op=0, person=7, chain=0, attempt=1, client=9, due_ns=0, invoked_ns=0)
    recorder.clock(offset_ns=5, bound_ns=2)
    recorder.close()

    [left] = left_in(tmp_path)
    assert (left.host, left.offset_ns, left.bound_ns, len(left.rows)) == ("::1", 5, 2, 5)
    slot, claim_id, cap, note, intake = left.texts(left.rows[2])
    assert (slot, claim_id, cap, intake) == ("7", "a-7", None, None)
    assert note is not None
    assert note.startswith("né")
    assert left.texts(left.rows[3]) == (None, None, "2022", None, None)
    assert left.rows["completed"].tolist() == [MARK] * 4 + [0]


def test_a_long_answer_loses_its_end_and_nothing_else(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, host="h", worker=0, rows=4)
    row = recorder.invoke(op=0, person=0, chain=0, attempt=1, client=0, due_ns=0, invoked_ns=0)
    recorder.complete(row, completed_ns=1, result=2, answer=16, slot="9", note="x" * 3_000_000)
    recorder.close()
    [left] = left_in(tmp_path)
    slot, _, _, note, _ = left.texts(left.rows[0])
    assert slot == "9"
    assert note is not None
    assert 3_000 < len(note) <= 4_000


FULL = """
import resource, sys
from pathlib import Path
from loadtests.recorder import Recorder
from sim.errors import BadInput
room = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
try:
    recorder = Recorder(Path(sys.argv[1]), host="h", worker=0, rows=1_000)
    for _ in range(100_000):
        recorder.invoke(op=0, person=0, chain=0, attempt=1, client=0, due_ns=0, invoked_ns=0)
except BadInput as error:
    sys.exit(str(error))
"""


@pytest.mark.parametrize(("room", "kept"), [(100, 0), (1 << 20, 16_000)])
def test_a_full_disk_is_said_and_costs_no_row_that_was_written(tmp_path: Path, room: int, kept: int) -> None:
    command = [sys.executable, "-c", FULL, str(tmp_path), str(room)]
    child = subprocess.run(command, capture_output=True, text=True, check=False)
    assert child.returncode == 1
    assert "the history cannot be recorded: File too large" in child.stderr
    assert sum(len(each.rows) for each in left_in(tmp_path)) == kept


def test_files_travel_by_name(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "there", host="h", worker=0, rows=4)
    recorder.invoke(op=0, person=0, chain=0, attempt=1, client=0, due_ns=0, invoked_ns=0)
    recorder.close()
    unpack(tmp_path / "here", pack(tmp_path / "there"))
    assert [len(each.rows) for each in left_in(tmp_path / "here")] == [1]
