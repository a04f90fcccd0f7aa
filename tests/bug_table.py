"""Which of 27 seeded bugs the checks convict, in which runs: `python -m tests.bug_table` writes the table.

A run is 150 requests in simulated time (tests/faulty_service.py), so the same seed gives the same verdict on
any machine. The ladder: 1, 2, 8 and 32 clients, with and without faults, ten runs of each.
"""

import random
from collections import Counter
from pathlib import Path
from typing import Final, NamedTuple

from loadtests.checking import judged
from loadtests.history import History
from tests.faulty_service import CAP, Right, World
from tests.seeded_bugs import BUGS

CLIENTS: Final = (1, 2, 8, 32)
LADDER: Final = [(clients, faults) for faults in (False, True) for clients in CLIENTS]
OPERATIONS: Final = 150
CHECKS: Final = ("receipts", "bounds", "audit", "linearizability", "reasons")
CORRECT: Final = "correct"
PUBLISHED: Final = Path(__file__).resolve().parents[1] / "results" / "published" / "seeded-bugs.md"
SERVICES: Final[dict[str, type[Right]]] = {**BUGS, CORRECT: Right}


class Told(NamedTuple):
    """What came of one run."""

    verdict: str
    anomalies: tuple[tuple[str, str], ...]
    """Check and anomaly of each finding that convicts."""
    is_oversold: bool
    """What the customary test sees: more sold than there is, when all is over."""


def recorded(name: str, clients: int, seed: int, *, faults: bool) -> History:
    """The history of one run."""
    rng = random.Random(f"{clients} {faults} {seed}")
    return World(SERVICES[name](rng), clients=clients, operations=OPERATIONS, faults=faults).history()


def told(name: str, clients: int, seed: int, *, faults: bool) -> Told:
    """One run, judged."""
    history = recorded(name, clients, seed, faults=faults)
    found = judged(history, only=CHECKS)
    anomalies = sorted({(each.check, each.anomaly) for each in found.of("INVALID")})
    granted = {
        (row["applicant"], row["key"])
        for row in history.rows()
        if row.get("answer") in ("granted", "replayed")
    }
    released = {(row["applicant"], row["key"]) for row in history.rows() if row.get("answer") == "released"}
    return Told(found.judgement, tuple(anomalies), len(granted) - len(released) > CAP)


def table(seeds: int = 10) -> list[str]:
    """The lines of the table, and what they come to."""
    lines = [
        f"| bug | no faults: {', '.join(map(str, CLIENTS))} clients | faults | sold more than there is "
        "| convicted by, and how often |",
        "|---|---|---|---|---|",
    ]
    convicted, customary, unknown, runs = Counter[str](), Counter[str](), Counter[str](), 0
    for name in SERVICES:
        cells, by = [], Counter[str]()
        for clients, faults in LADDER:
            found = [told(name, clients, seed, faults=faults) for seed in range(seeds)]
            cells.append(sum(each.verdict == "INVALID" for each in found))
            unknown[name] += sum(each.verdict == "UNKNOWN" for each in found)
            customary[name] += sum(each.is_oversold for each in found)
            by.update(f"{check} {anomaly}" for each in found for check, anomaly in each.anomalies)
            runs += seeds
        convicted[name] = sum(cells)
        half = len(CLIENTS)
        how = ", ".join(
            f"{what} {many}" for what, many in sorted(by.items(), key=lambda each: (-each[1], each))[:4]
        )
        lines.append(
            f"| {name} | {' '.join(map(str, cells[:half]))} | {' '.join(map(str, cells[half:]))} "
            f"| {customary[name]} | {how or 'nothing'} |"
        )
    killed = sum(convicted[name] > 0 for name in BUGS)
    seen = sum(customary[name] > 0 for name in BUGS)
    of_bugs = runs // len(SERVICES) * len(BUGS)
    rightly, sold = (sum(each[name] for name in BUGS) for each in (convicted, customary))
    undecided = sum(unknown[name] for name in BUGS)
    return [
        *lines,
        "",
        f"{killed} of {len(BUGS)} bugs convicted, in {rightly:,} of {of_bugs:,} runs ({undecided} UNKNOWN). "
        f"By the customary test, more sold than there is: {seen} bugs, in {sold:,} runs.",
        f"The correct service: {convicted[CORRECT]} alarms and {unknown[CORRECT]} UNKNOWN in "
        f"{runs // len(SERVICES)} runs.",
    ]


def page() -> str:
    """The published page."""
    said = (
        "# Seeded bugs, and which check convicts them\n\n"
        "Each figure is of ten runs: 150 requests in simulated time, at 1, 2, 8 and 32 clients, "
        "without faults and with\n"
        "them (one answer in twelve lost, a crash now and then). "
        "Made by `python -m tests.bug_table`; `make test-long`\n"
        "makes it again and compares.\n\n"
    )
    return said + "\n".join(table()) + "\n"


if __name__ == "__main__":
    PUBLISHED.parent.mkdir(exist_ok=True)
    PUBLISHED.write_text(page(), "utf-8")
    print(PUBLISHED.read_text("utf-8"))
