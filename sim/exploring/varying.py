"""What is varied: a key with its values, or with a range, as `--vary` takes it.

    intake.2022.cap=5000,7350,10000      these values, each written as in a scenario file
    demand.multiple=0.5..2               a range; where a list is needed, 5 values of it
    demand.multiple=0.5..2:4             4 values of it: 0.5, 1, 1.5 and 2

A range is *whole* where the key takes whole numbers only. Its values are rounded to 12 digits, so that 0.3
is called 0.3.
"""

import itertools
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from sim.errors import BadInput, complaint
from sim.scenario import Scenario
from sim.scenario_file import parse_setting, replaced

NUMBER = r"[+-]?(?:\d[\d_]*)(?:\.\d[\d_]*)?(?:[eE][+-]?\d+)?"
RANGE = re.compile(rf"({NUMBER})\s*\.\.\s*({NUMBER})\s*(?::\s*(\d+))?")
STEPS = 5
MOST_STEPS = 10_000


class Varied(NamedTuple):
    """One key and what it is set to."""

    key: str
    values: tuple[Any, ...]
    """The values, or those of the range at even steps."""
    low: float | None = None
    """Lower end of a range; None for a list."""
    high: float | None = None
    whole: bool = False
    """Whether only whole numbers of the range count."""

    def at(self, share: float) -> Any:
        """The value at a share in [0, 1) of the range or the list."""
        if self.low is None or self.high is None:
            return self.values[int(share * len(self.values))]
        if self.whole:
            return int(self.low) + int(share * (int(self.high) - int(self.low) + 1))
        return float(f"{self.low + share * (self.high - self.low):.6g}")


def varied(scenario: Scenario, texts: Sequence[str]) -> tuple[Varied, ...]:
    """Everything that is varied; BadInput for what cannot be read, or cannot be set in the scenario."""
    found = tuple(_varied(scenario, text) for text in texts)
    for key, among in itertools.groupby(sorted(each.key for each in found)):
        if len(list(among)) > 1:
            mend = f"write --vary {key}=a,b,c once"
            raise complaint("the key is varied twice", key=f"--vary {key}", mend=mend)
    return found


def _varied(scenario: Scenario, text: str) -> Varied:
    key, equals, written = (part.strip() for part in text.partition("="))
    if not equals or not key or not written:
        expected = "KEY=a,b,c or KEY=lo..hi or KEY=lo..hi:steps"
        raise complaint(f'"{text}" says nothing to vary', key="--vary", expected=expected)
    if key == "seed":
        raise complaint("every point has the same luck", key="--vary seed", mend="give --seed")
    if (match := RANGE.fullmatch(written)) is not None:
        return _range(scenario, key, match)
    values = tuple(parse_setting(f"{key}={part}")[1] for part in _parts(written))
    problems = [error for value in values if (error := _refused(scenario, key, value)) is not None]
    if len(problems) == len(values):
        raise problems[0]
    if len({repr(value) for value in values}) < len(values):
        raise complaint(f"{written}: a value is given twice", key=f"--vary {key}")
    return Varied(key, values)


def _range(scenario: Scenario, key: str, match: re.Match[str]) -> Varied:
    low, high = float(match[1]), float(match[2])
    steps = STEPS if match[3] is None else int(match[3])
    named = f"--vary {key}"
    if not low < high:
        mend = f"write {match[2]}..{match[1]}" if high < low else f"write {match[1]}"
        raise complaint(f"{match[0]} is an empty range", key=named, expected="low..high", mend=mend)
    if not 2 <= steps <= MOST_STEPS:
        raise complaint(f"{steps} steps", key=named, expected=f"from 2 to {MOST_STEPS:,} steps")
    are_whole = low == int(low) and high == int(high)
    for end, digits in ((low, match[1]), (high, match[2])):
        value = int(end) if are_whole and "." not in digits else end
        if (error := _refused(scenario, key, value)) is not None:
            raise error
    whole = are_whole and _refused(scenario, key, low + 0.5) is not None
    even = np.linspace(low, high, steps).tolist()
    if whole:
        return Varied(key, tuple(dict.fromkeys(round(value) for value in even)), low, high, True)
    return Varied(key, tuple(float(f"{value:.12g}") for value in even), low, high)


def _refused(scenario: Scenario, key: str, value: Any) -> BadInput | None:
    """What is wrong with one value of a key, set alone."""
    try:
        replaced(scenario, {key: value})
    except BadInput as error:
        return error
    return None


def _parts(written: str) -> list[str]:
    """A list's parts: cut at commas outside quotes, brackets and braces."""
    parts, depth, quote = [""], 0, ""
    for letter in written:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        depth += (letter in "[{") - (letter in "]}") if not quote else 0
        if letter == "," and depth == 0 and not quote:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]
