"""What a load test says: the verdict first, its operations with it, exit codes, and files for CI."""

import dataclasses
import io
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from loadtests.checks import bounds, receipts
from loadtests.commands.load import _seconds, progress_line
from loadtests.header import Header
from loadtests.history import History
from loadtests.latency import latencies
from loadtests.load import GATE_MISSED, INTERRUPTED, Loaded
from loadtests.loading.gates import Gate
from loadtests.loading.plan import Options, Plan, plan
from loadtests.loading.replay import Progress, Replayed
from loadtests.loading.settling import Settled
from loadtests.loading.watching import Watch
from loadtests.showing import load as show_load
from loadtests.verdict import judge
from sim.errors import BadInput
from sim.ledger import cap_of
from tests.loadtests.histories import drawn


@pytest.fixture(scope="module")
def planned() -> Plan:
    return plan(Options("opening-day", target="reference:memory", scale=0.002, minutes=1))


def loaded(
    planned: Plan, history: History, *, gate: str = "all", is_met: bool = True, how: str = "over"
) -> Loaded:
    options = dataclasses.replace(planned.options, gate=gate)  # type: ignore[arg-type]
    return Loaded(
        dataclasses.replace(planned, options=options),
        Path("run"),
        Replayed(how, 0, ""),  # type: ignore[arg-type]
        history,
        judge(history, {"receipts": receipts.check, "bounds": bounds.check}),
        latencies(history),
        [Gate("errors", is_met, "1 of 2 requests ended in an error; 0.00% may")],
        Settled(0, 0),
        1.0,
    )


RIGHT = "ana claim 1000000-5000000 granted slot=1\nbo claim 6000000-7000000 full cap=2022"
WRONG = "ana claim 1000000-5000000 granted slot=1\nbo claim 2000000-7000000 granted slot=1"


def test_the_exit_code_is_the_verdict_s_unless_a_gate_was_asked_for_and_missed(planned: Plan) -> None:
    right, wrong = drawn(RIGHT), drawn(WRONG)
    assert loaded(planned, right).exit_code == 0
    assert loaded(planned, right, is_met=False).exit_code == GATE_MISSED
    assert loaded(planned, right, is_met=False, gate="correctness").exit_code == 0
    assert loaded(planned, wrong, is_met=False).exit_code == 1
    assert loaded(planned, wrong, how="interrupted").exit_code == 1
    nothing = drawn("", header=Header(caps=(cap_of("2022", 1),)))
    assert loaded(planned, nothing, how="interrupted").exit_code == INTERRUPTED


def test_the_verdict_comes_first_and_its_operations_after_it(planned: Plan) -> None:
    page = io.StringIO()
    show_load.show(loaded(planned, drawn(WRONG)), Console(file=page, width=200))
    lines = page.getvalue().splitlines()
    assert lines[0].startswith("INVALID: one-slot-two-holders: slot 1 of intake 2022 ")
    assert "also over-cap" in lines[0]
    bars = [line for line in lines if "granted, slot 1" in line]
    assert ["ana claim" in line for line in bars] == [True, False]
    assert "bo claim" in bars[1]


def test_the_files_for_ci_say_the_same(planned: Plan) -> None:
    made = loaded(planned, drawn(WRONG), is_met=False)
    suite = ElementTree.fromstring(show_load.junit(made))
    assert (suite.get("failures"), suite.get("errors"), suite.get("tests")) == ("3", "0", "3")
    found = json.loads(show_load.as_json(made))
    assert (found["verdict"], found["exit_code"]) == ("INVALID", 1)
    assert found["findings"][0]["operations"][1]["applicant"] == "bo"


def test_progress_says_rate_late_sends_and_outcomes(tmp_path: Path) -> None:
    watch = Watch(tmp_path, late_ns=0, sent=100, answered=90, late=3)
    watch.outcomes["granted"] = 90
    line = progress_line(Progress(4.0, 60.0, watch, 1), [2.0, 40.0])
    assert (
        line == "4 of 60 s: 30 requests a second, 100 sent, 10 under way, 3 late; 90 granted; 1 worker died"
    )


def test_a_length_of_time_has_a_unit() -> None:
    assert [_seconds(text) for text in ("90s", "1.5m", "1h", "30")] == [90, 90, 3600, 30]
    with pytest.raises(BadInput):
        _seconds("1d")


def test_the_plan_says_what_will_be_sent_where_and_under_which_name(planned: Plan) -> None:
    text = "\n".join(planned.sentences())
    assert "for cap 2019: 54" in text
    assert "the reference service on memory" in text
    assert f"quotalab-{planned.trace.run}-" in text


def test_a_budget_compresses_the_replay_to_fit() -> None:
    fitted = plan(Options("opening-day", target="reference:memory", scale=0.002, budget_s=50))
    assert 25 < fitted.replay_s < 40
    assert fitted.trace.clock.rate > 25
