"""What a search for the highest rate found: the answer in a sentence, what it rests on, the exit code."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from loadtests.loading.plan import Options
from loadtests.loading.stages import Stage, bracket, next_rate
from loadtests.verdict import EXIT_CODES
from sim.load import Ramp

INTERRUPTED: Final = 130
GATE_MISSED: Final = 4
UNKNOWN: Final = EXIT_CODES["UNKNOWN"]


@dataclass(frozen=True, slots=True)
class Searched:
    """A search that was made, and what came of it."""

    scenario: str
    run: str
    options: Options
    ramp: Ramp
    folder: Path
    stages: tuple[Stage, ...]
    ended: str
    """Why it ended, where it was not for having found the answer; else empty."""
    took_s: float

    @property
    def highest(self) -> Stage | None:
        """The stage with the highest rate that met the level; None if none did."""
        return bracket(self.stages).met

    @property
    def is_narrow(self) -> bool:
        """Whether no other rate was worth trying."""
        return not self.ended and next_rate(self.stages, self.ramp, fastest(self.ramp, self.options)) is None

    @property
    def exit_code(self) -> int:
        """1 for a wrong answer at any rate; 2 where the limit is not known; 4 if no rate was borne."""
        met, lowest = bracket(self.stages)
        if any(each.verdict == "INVALID" for each in self.stages):
            return EXIT_CODES["INVALID"]
        if not self.stages:
            return INTERRUPTED if self.ended == "interrupted" else UNKNOWN
        if not self.is_narrow or (lowest is not None and lowest.is_generators):
            return UNKNOWN
        return GATE_MISSED if met is None else 0

    def says(self) -> str:
        """The answer in a sentence."""
        met, lowest = bracket(self.stages)
        if wrong := next((each for each in self.stages if each.verdict == "INVALID"), None):
            return f"at {wrong.rate_per_s:,g} a second the service went wrong: {wrong.says}"
        level = f"99 of 100 answers within {self.ramp.p99_ms.value:g} ms"
        if lowest is None:
            reached = f"at least {met.rate_per_s:,g} a second" if met else "nothing is known"
            return f"{reached}: no rate that was tried missed the level ({level})"
        borne = f"{met.rate_per_s:,g} a second with {level}" if met else "none of the rates that were tried"
        if lowest.is_generators:
            least = "at least " if met else ""
            return (
                f"{least}{borne}; at {lowest.rate_per_s:,g} the generator was too slow, so the service's own "
                f"limit is not known ({'; '.join(lowest.missed)}; 99 of 100 sends left within "
                f"{lowest.late_p99_ms:,.0f} ms of their time)"
            )
        return f"{borne}; at {lowest.rate_per_s:,g} not any more: {'; '.join(lowest.missed)}"

    def mend(self) -> str:
        """What would tell more; empty if all is told."""
        lowest = bracket(self.stages).missed
        if lowest is not None and lowest.is_generators:
            return "more generator processes (--workers), or a machine on which the service does not run"
        if self.ended:
            return "run it again with a larger --budget, to its end"
        return "" if lowest is not None else "raise load.ramp.ends_per_s (or --rate) to find the limit"

    def as_plain(self) -> dict[str, Any]:
        """For --json and summary.json."""
        met, lowest = bracket(self.stages)
        return {
            "scenario": self.scenario,
            "run": self.run,
            "target": self.options.target,
            "fault": self.options.fault,
            "says": self.says(),
            "highest_per_s": met.rate_per_s if met else None,
            "missed_per_s": lowest.rate_per_s if lowest else None,
            "limited_by": None if lowest is None else "generator" if lowest.is_generators else "service",
            "level": {
                "p99_ms": self.ramp.p99_ms.value,
                "error_share": self.ramp.error_share.value,
                "late_share": self.ramp.late_share.value,
            },
            "ended": self.ended or "over",
            "took_s": round(self.took_s, 1),
            "exit_code": self.exit_code,
            "stages": [each.as_plain() for each in self.stages],
        }


def fastest(ramp: Ramp, options: Options) -> float:
    """The highest rate that is tried."""
    return min(ramp.ends_per_s.value, options.rate or ramp.ends_per_s.value)


def as_json(found: Searched) -> str:
    """Everything that was found, for programs."""
    return json.dumps(found.as_plain() | {"folder": str(found.folder)}, indent=1, ensure_ascii=False)
