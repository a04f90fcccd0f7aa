"""Numbers that say where they come from, and the types of numbers that a scenario file can hold.

A *labelled* number is written `{value, low, high, basis, source, note}`. Its basis is `sourced` (read in a
published page), `derived` (arithmetic on sourced figures) or `assumption` (a modelling choice). Labelled
numbers with a range are the *assumptions* of a run: the register lists them, and the wider of a headline's
two intervals draws them from their ranges. A *spread* is different: it is how a quantity varies between
people, {low, mode, high} of a triangular distribution.
"""

from dataclasses import dataclass
from math import isfinite
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from sim.policy import Record

Basis = Literal["sourced", "derived", "assumption"]


class Labelled(Record):
    """A number, and where it comes from."""

    value: float
    """The number used."""
    low: float | None = None
    """The lowest value thought possible; draws are triangular between low, value and high."""
    high: float | None = None
    """The highest value thought possible."""
    basis: Basis | None = None
    """sourced, derived or assumption; None for a plain number."""
    source: str = ""
    """Where it was read, as a source id such as S42."""
    note: str = ""
    """How it was derived, or why it was chosen."""

    @property
    def uncertain(self) -> bool:
        """Whether the number has a range to draw from."""
        return self.low is not None and self.high is not None and self.low < self.high


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a number of a scenario may be."""

    ge: float
    le: float
    whole: bool

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        return f"{kind} from {self.ge:g} to {self.le:,.0f}"

    def admit(self, figure: float) -> bool:
        """Whether a figure is inside."""
        inside = isfinite(figure) and self.ge <= figure <= self.le
        return inside and (not self.whole or figure == int(figure))


TINY = 1e-6
"""The least number above 0 that is told from 0."""

MOST = 1_000_000_000
"""No number of a scenario is more: the product of two still fits into 64 bits."""

CENTURY_MONTHS = 1_200
"""No delay is longer: moments that far from the scenario still have a date."""


def _number(*, ge: float = 0.0, le: float = MOST, whole: bool = False) -> Any:
    """The type of a number that may be written plainly or labelled, with its bounds."""
    bounds = Bounds(ge, le, whole)
    limits: dict[str, Any] = {"type": "integer" if whole else "number", "minimum": ge, "maximum": le}

    def read(found: Any) -> Any:
        if isinstance(found, (int, float)) and not isinstance(found, bool):
            return {"value": found}
        return found

    def bounded(number: Labelled) -> Labelled:
        for name in ("value", "low", "high"):
            figure = getattr(number, name)
            if figure is not None and not bounds.admit(figure):
                raise ValueError(f"{name}: {figure:g} is not {bounds}")
        if number.low is None and number.high is not None:
            raise ValueError("high: needs low beside it, or neither")
        if number.high is None and number.low is not None:
            raise ValueError("low: needs high beside it, or neither")
        if number.low is not None and number.high is not None:
            if not number.low <= number.value <= number.high:
                found = f"{number.value:g} is not between low = {number.low:g} and high = {number.high:g}"
                raise ValueError(f"value: {found}")
            if number.basis is None:
                raise ValueError("low: a range needs a basis beside it (sourced, derived or assumption)")
        return number

    labelled = {
        "type": "object",
        "additionalProperties": False,
        "required": ["value"],
        "properties": {
            "value": limits | {"description": "The number used."},
            "low": limits | {"description": "The lowest value thought possible."},
            "high": limits | {"description": "The highest value thought possible."},
            "basis": {"enum": ["sourced", "derived", "assumption"], "description": "Where it comes from."},
            "source": {"type": "string", "description": "Where it was read, as a source id such as S42."},
            "note": {"type": "string", "description": "How it was derived, or why it was chosen."},
        },
    }
    return Annotated[
        Labelled,
        BeforeValidator(read),
        AfterValidator(bounded),
        WithJsonSchema({"anyOf": [limits, labelled]}),
        bounds,
    ]


Count = _number(whole=True)
Whole = _number(ge=1, whole=True)
Amount = _number()
Positive = _number(ge=TINY)
Staff = _number(ge=1, le=100_000, whole=True)
Share = _number(le=1.0)
Months = _number(le=CENTURY_MONTHS)
PositiveMonths = _number(ge=TINY, le=CENTURY_MONTHS)
Days = _number(le=10_000)
Factor = _number(le=1_000)
Persons = _number(ge=1, le=100)
Sigma = _number(le=10)


def plain(value: float) -> Labelled:
    """A number without a label, for defaults."""
    return Labelled(value=value)


class Spread(Record):
    """How a quantity varies between people: triangular between low and high, most often near mode."""

    low: Annotated[float, Field(ge=0, le=10_000)]
    """The lowest value that anyone has."""
    mode: Annotated[float, Field(ge=0, le=10_000)]
    """The most frequent value."""
    high: Annotated[float, Field(ge=0, le=10_000)]
    """The highest value that anyone has."""
    basis: Basis | None = None
    """sourced, derived or assumption."""
    source: str = ""
    """Where it was read, as a source id such as S42."""
    note: str = ""
    """How it was derived, or why it was chosen."""

    @model_validator(mode="after")
    def _in_order(self) -> "Spread":
        if not self.low <= self.mode <= self.high:
            found = f"{self.low:g}, {self.mode:g}, {self.high:g}"
            raise ValueError(f"mode: low, mode, high = {found} are not in order")
        return self
