"""quotalab trace: what would be sent, in numbers and as a file; the same bytes from any process."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from loadtests.cli import main
from loadtests.trace import Trace, build
from loadtests.tracing import table
from loadtests.tracing.summary import busiest, summary
from loadtests.tracing.window import window_of
from sim.errors import BadInput
from sim.scenario_file import load
from tests.loadtests.traced import SECOND_NS, of

ROOT = Path(__file__).resolve().parents[2]


def told(*words: str) -> int:
    return main(["trace", *words])


def test_the_command_says_what_would_be_sent(capsys: pytest.CaptureFixture[str]) -> None:
    assert told("opening-day", "--scale", "0.02", "--head", "3") == 0
    said = capsys.readouterr().out
    made = of("opening-day")
    assert f"{len(made.ids):,} people" in said
    assert "slots by cap: 2019: 540" in said
    assert "the run lasts" in said
    assert "s of the scenario" in said
    assert f"{summary(made).peak_1s} in its busiest second" in said
    assert "540 slots were granted" in said
    assert said.count("quotalab-trace-") + said.count(" read ") == 3


def test_the_numbers_are_the_traces_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert told("churn", "--scale", "0.05", "--json") == 0
    numbers = json.loads(capsys.readouterr().out)
    made = of("churn", scale=0.05)
    assert numbers["claims"] == (made.person >= 0).sum()
    for name in ("people", "hedges", "withdrawals", "revocations", "granted", "refused", "reads"):
        assert numbers[name] == made.counts[name] > 0


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_file_has_every_row_of_the_trace(form: str, tmp_path: Path) -> None:
    file = tmp_path / f"requests.{form}"
    assert told("churn", "--scale", "0.02", "--out", str(file), "--quiet") == 0
    made = build(load("churn"), run="trace", scale=0.02)
    read = as_read(file)
    assert len(read) == len(made.due_ns)
    for row, each in zip(read, table.rows(made), strict=True):
        assert {name: as_text(each[name]) for name in table.COLUMNS} == {
            name: as_text(row.get(name)) for name in table.COLUMNS
        }


def as_read(file: Path) -> list[dict[str, Any]]:
    if file.suffix == ".csv":
        with file.open(newline="") as text:
            return list(csv.DictReader(text))
    if file.suffix == ".jsonl":
        return [json.loads(line) for line in file.read_text().splitlines()]
    found = duckdb.sql(f"SELECT * FROM read_parquet('{file}')")
    return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def as_text(value: Any) -> str:
    """A value however the form writes it: to the nanosecond, truth as true and false, nothing as nothing."""
    if isinstance(value, str) and value.replace(".", "", 1).isdecimal() and "." in value:
        value = float(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else f"{value:.9f}" if isinstance(value, float) else str(value)


def test_only_the_first_rows_and_as_a_stream(capsys: pytest.CaptureFixture[str]) -> None:
    assert told("smoke", "--quiet", "--head", "2") == 0
    names, *rows = capsys.readouterr().out.splitlines()
    assert names.split(",")[:6] == ["due_s", "op", "applicant", "stream", "intake", "key"]
    assert len(rows) == 2


def test_an_order_names_its_cap_and_a_row_of_nobody_has_no_applicant() -> None:
    trace = build(load("smoke"), run="t", policy="two-windows")
    orders = [row for row in table.rows(trace) if row["op"] == "set-cap"]
    assert [(row["cap"], row["limit"], row["applicant"]) for row in orders][:2] == [
        ("2022", 80, None),
        ("2022/arts", 20, None),
    ]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["smoke", "--out", "x.xlsx"], "names no form"),
        (["smoke", "--out", "/nowhere/x.csv"], "cannot be written"),
        (["smoke", "--scale", "0"], "too small"),
        (["smoke", "--run", "a-b"], "is no id"),
        (["smoke", "--window", "tomorrow"], "no part of a scenario"),
        (["smoke", "--window", "2022-03-02T10:00Z/2022-03-03T10:00Z"], "has a time zone"),
        (["smoke", "--window", "2022-03-02T10:00/2022-03-02T09:00"], "is not after starts"),
        (["smoke", "--window", "2031-01-01"], "nobody applies in this part"),
    ],
)
def test_bad_input_is_told_and_nothing_is_written(
    words: list[str], complaint: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    assert told(*words) == 3
    assert complaint in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_peak_is_of_any_second_not_of_the_full_ones() -> None:
    moments = np.array([0.0, 0.9, 1.0, 1.1, 1.8, 1.89, 5.0]) * SECOND_NS
    assert busiest(moments.astype(np.int64), 1.0) == 5  # from 0.9 on, where full seconds have 2 and 4
    assert busiest(moments.astype(np.int64), 60.0) == 7
    assert busiest(np.empty(0, dtype=np.int64), 1.0) == 0


def test_twins_count_as_requests() -> None:
    trace = of("last-slots", scale=1.0)
    found = summary(trace)
    assert found.mean_per_s * found.lasts_s == pytest.approx(len(trace.due_ns) + found.hedges)
    assert found.peak_60s == pytest.approx(found.mean_per_s, rel=0.01)  # eight seconds in all


def test_a_day_in_ten_minutes() -> None:
    trace = build(load("imp-plus-high-demand"), run="t", window=window_of("2022-06-29"), minutes=10)
    assert trace.lasts_s == pytest.approx(600)
    assert trace.clock.rate == pytest.approx(144)
    assert trace.counts["granted"] == trace.intakes[0].caps[0].limit == 145  # what was left that morning
    assert trace.counts["refused"] > 200


def test_at_clock_rate_one_a_second_is_a_second() -> None:
    trace = of("midnight", scale=0.1)
    assert trace.clock.rate == 1.0
    midnight = trace.intakes[1].opens_s - trace.clock.origin_s
    assert midnight == 30
    claims = trace.due_ns[trace.person >= 0] / SECOND_NS
    assert min((claims < midnight).sum(), (claims >= midnight).sum()) > 1_000


@pytest.mark.parametrize("text", ["2022-06-31", "2022-06-01/", "/2022-06-01", "2022-06-01T00:00"])
def test_a_window_is_a_day_or_two_moments(text: str) -> None:
    with pytest.raises(BadInput, match="no part of a scenario"):
        window_of(text)


SAVES = """
import sys
from pathlib import Path
from loadtests.trace import build
from sim.scenario_file import load
for name, policy in (("churn", None), ("smoke", "waiting-list"), ("smoke", "carry-over"), ("two-caps", None)):
    build(load(name), run="t", scale=1.0 if name == "smoke" else 0.02, policy=policy).save(Path(sys.argv[1]))
    sys.stdout.buffer.write(Path(sys.argv[1]).read_bytes())
"""


def test_the_bytes_are_the_same_from_every_process(tmp_path: Path) -> None:
    found = {
        subprocess.run(
            [sys.executable, "-c", SAVES, str(tmp_path / "trace")],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4711")
    }
    assert len(found) == 1
    assert len(found.pop()) > 50_000


def test_what_a_file_of_the_trace_says_of_releases_is_read_back(tmp_path: Path) -> None:
    made = of("churn", scale=0.05)
    made.save(tmp_path / "trace")
    read = Trace.load(tmp_path / "trace")
    people = range(len(made.ids))
    assert [read.reason(person, 0) for person in people] == [made.reason(person, 0) for person in people]
    assert (read.release_ns == made.release_ns).all()
    assert {made.reason(person, 0) for person in people if made.release_ns[person] >= 0} >= {
        "withdrawal",
        "refusal",
    }
