"""How figures of many points are said: the words that `quotalab sweep` and `quotalab best` share."""

import math
from typing import Any

from sim.measures import definition

Data = dict[str, Any]

LIKE_SHARES = ("share", "rate", "probability", "level", "within", "utilisation")


def written(measure: str, value: float | None, *, signed: bool = False) -> str:
    """A figure of a measure: shares in per cent, large numbers whole, small ones with decimals."""
    if value is None or not math.isfinite(value):
        return "-"
    if is_share(measure):
        return f"{100 * value:+.1f} %" if signed else f"{100 * value:.1f} %"
    size = abs(value)
    places = 0 if size >= 100 or size == round(size) else 1 if size >= 10 else 2
    text = f"{size:.3g}" if 0 < size < 0.1 else f"{size:,.{places}f}"
    sign = "-" if value < 0 and text.strip("0.,") else "+" if signed and text.strip("0.,") else ""
    return sign + text


def interval(measure: str, figure: Data, *, ends: tuple[str, str] = ("low", "high")) -> str:
    """A mean with its interval: "5,321 (5,290 to 5,352)"; the mean alone if there is none or no width."""
    signed = "p" in figure
    mean = written(measure, figure["mean"], signed=signed)
    low, high = (written(measure, figure[end], signed=signed) for end in ends)
    if figure[ends[0]] is None or low == high:
        return mean
    return f"{mean} ({low} to {high})"


def is_share(measure: str) -> bool:
    """Whether a measure is a part of a whole, said in per cent."""
    name = measure.partition("/")[0]
    return definition(name).unit == "" and any(part in name for part in LIKE_SHARES)


def called(measure: str) -> str:
    """A measure as it is said inside a sentence."""
    name, _, part = measure.partition("/")
    words = name.replace("_", " ").replace(" pr ", " PR ")
    return f"{words} of {part.replace('=', ' ')}" if part else words
