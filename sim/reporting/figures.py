"""How numbers are written for people, in tables and sentences of a page."""

import math

from sim.reporting.page import Kind, Value

NOTHING = "–"
"""What stands where there is no value."""


def shown(value: Value, kind: Kind = "plain") -> str:
    """A value as people read it; a minus is a real minus."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if not math.isfinite(value):
        return NOTHING
    return _number(value, kind).replace("-", "−")


def _number(value: float, kind: Kind) -> str:
    if kind == "share":
        return f"{100 * value:.1f} %"
    if kind == "points":
        return f"{100 * value:+.1f}"
    if kind == "decimal":
        return f"{value:,.1f}" if abs(value) >= 1 or value == 0 else f"{value:.3g}"
    if kind == "count":
        return f"{value:,.0f}".replace("-0", "0") if abs(value) < 0.5 else f"{value:,.0f}"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
