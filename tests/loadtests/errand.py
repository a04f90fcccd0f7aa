"""A small load test of any service, for tests of profiles: a hundred people, forty slots, three seconds."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from loadtests.history import History, read

ROOT = Path(__file__).resolve().parents[2]
CAP = 40
SCENARIO = """\
format = 1
name = "errand"
title = "forty slots for a hundred people within seconds"
time_zone = "UTC"
starts = 2026-01-13
ends = 2026-01-13
baseline = "open-door"

[[intake]]
year = 2026
opens = 2026-01-13
closes = 2026-01-13
cap = 40

[streams.all]
share = 1.0

[[demand.surges]]
name = "the door opens"
people = 100
starts = 2026-01-13T09:00:00
hours = 0.01

[behaviour]
applies_share = 1.0
answer_days = 0.00001
answer_sigma = 0.5
incomplete_share = 0

[policies.open-door]
summary = "slots go in the order of the applications"
invite = { by = "open" }

[load]
compress = 12
hedge_share = 0.3
ineligible_share = 0
"""
MUST_SEE = "\n[load.must_see]\ncap_reached = true\nrefusals = 30\nhedges = 5\n"


class Ran(NamedTuple):
    """What a run ended with."""

    code: int
    said: str
    """Verdict on stdout, and what was said on stderr."""
    folder: Path

    @property
    def history(self) -> History:
        return read(self.folder / "history.parquet")

    @property
    def anomalies(self) -> set[str]:
        """The anomalies that were found."""
        found: dict[str, Any] = json.loads((self.folder / "verdict.json").read_text("utf-8"))
        return {each["anomaly"] for each in found["findings"] if each["anomaly"]}


def command(
    where: Path, target: str | Path, *options: str, people: int = 100, more: str = MUST_SEE
) -> list[str]:
    """The words after `quotalab` of a load test of the scenario, with so many people and more lines of it."""
    scenario = where / "errand.toml"
    scenario.write_text(SCENARIO.replace("people = 100", f"people = {people}") + more, "utf-8")
    return ["load", str(scenario), "--target", str(target), "--out", str(where / "run"), *options]


def errand(
    where: Path,
    target: str | Path,
    *options: str,
    people: int = 100,
    more: str = MUST_SEE,
    **environment: str,
) -> Ran:
    """That load test, made."""
    words = command(where, target, *options, people=people, more=more)
    child = subprocess.Popen(
        [sys.executable, "-m", "loadtests.cli", *words],
        cwd=where,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        said, _ = child.communicate(timeout=120)
    finally:
        child.send_signal(signal.SIGINT)  # it stops its own children; nothing if it is gone
    return Ran(child.returncode, said, where / "run")
