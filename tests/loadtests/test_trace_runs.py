"""What a policy asks of the traffic, on the wire: releases for a reason, the waiting list, carried slots."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from loadtests import profile
from loadtests.header import Header
from loadtests.history import History, merge, read
from loadtests.profile import Who
from loadtests.protocol import ANSWER, OP, RESULT
from loadtests.recorder import Recorder
from loadtests.trace import Trace, build
from scenarios import __file__ as scenarios_file
from tests.loadtests.traced import changed, of

ROOT = Path(__file__).resolve().parents[2]


def test_a_release_tells_the_reference_service_its_reason() -> None:
    target = profile.target("reference", environment={})
    who = Who("ana", intake="2023", key="k", claim_id="2023-7", reason="refusal")
    request = target.release[0].request(who, {})
    assert (request.method, request.path) == ("DELETE", "/quotas/2023/claims/2023-7?reason=refusal")


def test_the_history_says_why_the_administration_released(tmp_path: Path) -> None:
    trace = of("churn", scale=0.05)
    why = [trace.reason(person, 0) for person in range(len(trace.ids))]
    recorder = Recorder(tmp_path, host="a", worker=0, rows=9)
    for at, person in enumerate((why.index("withdrawal"), why.index("refusal"))):
        row = recorder.invoke(
            op=OP["release"], person=person, chain=0, attempt=0, client=0, due_ns=at, invoked_ns=at
        )
        recorder.complete(
            row, completed_ns=at + 5, result=RESULT["ok"], answer=ANSWER["released"], given_back=True
        )
    recorder.close()
    assert merge(tmp_path, trace, Header(run="t"))["note"].tolist() == [None, "reason: refusal"]


def replayed(folder: Path, scenario: str | Path, *options: str) -> tuple[History, Trace]:
    """What was recorded of a short replay against the reference service, and the trace of it."""
    command = [sys.executable, "-m", "loadtests.cli", "load", str(scenario), "--target", "reference:memory"]
    command += ["--out", str(folder / "run"), "--minutes", "0.15", *options]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=100)
    assert (folder / "run" / "history.parquet").exists(), ran.stderr
    return read(folder / "run" / "history.parquet"), Trace.load(folder / "run" / "trace.npz")


def count(history: History, op: str, answer: str) -> int:
    return int((history.is_op(op) & history.is_answer(answer)).sum())


@pytest.mark.long
def test_what_is_refused_or_not_used_is_released_and_lowers_the_count(tmp_path: Path) -> None:
    history, trace = replayed(tmp_path, "churn", "--scale", "0.05")
    given_back = history["given_back"][history.is_op("release") & history.is_answer("released")]
    assert (given_back == 1).all()
    reasons = {note.split(";")[0] for note in history["note"][history.is_op("release")].tolist() if note}
    assert "reason: refusal" in reasons
    audit = history.is_op("read") & np.array([bool(note) for note in history["note"].tolist()])
    (used,) = history["value"][audit].tolist()
    assert used == count(history, "claim", "granted") - len(given_back) <= trace.intakes[0].caps[0].limit


@pytest.mark.long
def test_people_of_the_waiting_list_get_the_slots_that_come_free(tmp_path: Path) -> None:
    history, trace = replayed(tmp_path, "smoke", "--policy", "waiting-list")
    later = history.is_op("claim") & history.is_answer("granted") & (history["chain"] > 0)
    assert trace.counts["waitlist"] > 20
    assert later.sum() >= 0.8 * trace.counts["waitlist"]


@pytest.mark.long
def test_what_one_year_leaves_is_granted_in_the_next(tmp_path: Path) -> None:
    text = (Path(scenarios_file).parent / "smoke.toml").read_text("utf-8")
    assert text.count("per_year = { value = 90,") == text.count("backlog = { value = 60,") == 1
    text = text.replace("backlog = { value = 60,", "backlog = { value = 1,").replace(
        "low = 40, high", "low = 1, high"
    )
    file = tmp_path / "carrying.toml"
    file.write_text(text.replace("cap = 60\n", "cap = 20\n"), "utf-8")
    history, trace = replayed(tmp_path, file, "--policy", "carry-over")
    carried = trace.intakes[1].caps[0].limit - 20
    assert carried > 0
    of_2023 = np.array([each == "2023" for each in history["intake"].tolist()])
    granted = int((history.is_op("claim") & history.is_answer("granted") & of_2023).sum())
    assert 20 < granted <= 20 + carried
    told = history.is_op("set-cap") & history.is_result("ok")
    assert 20 + carried in history["value"][told].tolist()


def test_the_smoke_world_carries_slots_when_few_come() -> None:
    trace = build(changed("smoke", demand__multiple=0.4), run="t", policy="carry-over")
    assert trace.intakes[1].caps[0].limit > 60
