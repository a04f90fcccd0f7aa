"""`make campaign`: the load tests that are too long for the test suite, one after the other, for hours.

Each case is a command as a user types it, with the exit code that it must end with. What is done is a line in
results/campaign.jsonl, written when the case ends; a campaign that was stopped goes on where it stopped, and
one on another commit begins anew. Say --again to repeat what was done, or names of cases to run only those.
"""

import datetime
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[1]
PROGRESS: Final = ROOT / "results" / "campaign.jsonl"
RUNS: Final = ROOT / "results" / "runs"
LONGEST_S: Final = 3_600


class Case(NamedTuple):
    """One command, and how it must end."""

    name: str
    arguments: tuple[str, ...]
    exit_codes: tuple[int, ...] = (0,)
    module: str = "loadtests.cli"
    """What is run: quotalab, or one of the tests' own programs."""

    @property
    def said(self) -> str:
        """The command for people."""
        program = "quotalab" if self.module == "loadtests.cli" else f"python -m {self.module}"
        return " ".join((program, *self.arguments))


CROWD: Final = ("load", "tests/crowd.toml", "--workers", "2", "--service-workers", "4")
FAULTS: Final = ("check-then-act", "non-idempotent-retry", "per-worker-cap")
FAMILIES: Final = (
    *("last-slots", "opening-day", "same-person", "two-caps", "year-end", "churn"),
    *("waiting-room", "weekly-count"),
)
HEDGED, TOGETHER = 1_000, 50
"""Short runs with hedged pairs, and how many of them are one case."""


def hedges() -> tuple[Case, ...]:
    """Two sends under one key at once are where a verdict is hardest to reach: none may stay UNKNOWN."""
    firsts = range(1, HEDGED + 1, TOGETHER)
    seeds = [(first, first + TOGETHER - 1) for first in firsts]
    return tuple(
        Case(f"hedges-{first:04}-{last:04}", (str(first), str(last)), module="tests.hedges")
        for first, last in seeds
    )


EIGHTHS: Final = 8


def people() -> tuple[Case, ...]:
    """Every history of four operations of people, which the exact check and the plain search judge alike."""
    return tuple(
        Case(
            f"people-{spec}-{part}",
            tuple(f"persons --size 4 --cap 1 --spec {spec} --part {part} --parts {EIGHTHS}".split()),
            module="tests.every_agreement",
        )
        for spec in ("fresh", "kept-back", "sticky", "soft", "copied")
        for part in range(EIGHTHS)
    )


CASES: Final = (
    *(
        Case(f"crowd-{store}", (*CROWD, "--target", f"reference:{store}"))
        for store in ("sqlite", "postgres", "valkey")
    ),
    *(Case(name, ("load", name, "--workers", "2")) for name in FAMILIES),
    # A service that is asked for more than it can do owes nobody an answer in time, only no wrong one.
    Case("overload", ("load", "overload", "--workers", "2", "--budget", "300s"), (0, 2)),
    *(Case(f"fault-{fault}", ("load", "last-slots", "--fault", fault), (1,)) for fault in FAULTS),
    Case("ramp", ("load", "ramp", "--workers", "2"), (0, 2)),  # 2: this machine's generator is the limit
    Case("soak", ("load", "soak")),
    *hedges(),
    *people(),
)


def commit() -> str:
    """The commit that is tried, with a + if files differ from it."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty=+", "--abbrev=40", "--exclude=*"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


def done(which: str, progress: Path = PROGRESS) -> set[str]:
    """The cases that ended as they must on this commit."""
    if not progress.exists():
        return set()
    lines = [json.loads(line) for line in progress.read_text("utf-8").splitlines() if line.strip()]
    return {line["case"] for line in lines if line["commit"] == which and line["is_right"]}


def tried(case: Case) -> dict[str, Any]:
    """Run a case to its end, and what came of it."""
    began, at = time.monotonic(), datetime.datetime.now(datetime.UTC)
    folder = RUNS / f"campaign-{case.name}-{at:%Y%m%dT%H%M%SZ}"
    command = [sys.executable, "-m", case.module, *case.arguments, "--out", str(folder)]
    try:
        code = subprocess.run(command, cwd=ROOT, check=False, timeout=LONGEST_S).returncode
    except subprocess.TimeoutExpired:
        code = -1
    try:
        summary = json.loads((folder / "summary.json").read_text("utf-8"))
    except (OSError, ValueError):
        summary = {}
    kept = ("verdict", "operations", "late", "ended", "says", "highest_per_s", "limited_by")
    kept += ("runs", "verdicts", "pairs_at_once", "kept")
    return {
        "case": case.name,
        "is_right": code in case.exit_codes,
        "exit_code": code,
        "took_s": round(time.monotonic() - began, 1),
        **{name: summary[name] for name in kept if name in summary},
        "date": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "cores": os.cpu_count(),
        "folder": folder.name,
    }


def main(arguments: list[str]) -> int:
    """Run what is not done yet; 0 if every case ended as it must."""
    names = [each for each in arguments if not each.startswith("-")]
    if strange := set(names) - {case.name for case in CASES}:
        print(f"no such case: {', '.join(sorted(strange))}; there are {', '.join(c.name for c in CASES)}")
        return 3
    which = commit()
    skipped = set() if "--again" in arguments else done(which)
    wrong = []
    for case in CASES:
        if case.name in skipped or (names and case.name not in names):
            continue
        print(f"\n== {case.name}: {case.said}", flush=True)
        found = tried(case) | {"commit": which}
        PROGRESS.parent.mkdir(exist_ok=True)
        with PROGRESS.open("a", encoding="utf-8") as file:
            file.write(json.dumps(found, ensure_ascii=False) + "\n")
        if not found["is_right"]:
            wrong.append(case.name)
    for case in CASES:
        if case.name in skipped:
            print(f"{case.name}: done before, on this commit")
    print(f"wrong: {', '.join(wrong)}" if wrong else "every case ended as it must")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
