"""Person by person: who gets a slot or a permit under one policy and not under the other, and why.

The people are the same under both, so this is a count and not an estimate. Someone *gains* a slot who has
one under the policy and none under the baseline by the horizon, and *loses* one the other way round. The
reason is what kept the person from a slot under the policy where they have none: the first that applies of
`REASONS`, where a letter that came later than under the other policy goes before what followed from it. A
permit that both policies bring is *earlier* or *later* if a day or more lies between, because of the stage
that made most of the difference: the letter, the slot (with the answer to the letter and applications handed
back), or the office.
"""

import math
from typing import NamedTuple

import numpy as np

from sim.clock import DAY_S, NEVER
from sim.comparing.groups import Grouping
from sim.measuring.definitions import Measure
from sim.outcome import (
    ACCEPTED,
    CERTIFICATE_EXPIRED,
    DECLINED,
    INVITED,
    LAPSED,
    POOL,
    PR_FIRST,
    PR_REFUSED,
    REFUSED,
    RETURNED_INCOMPLETE,
    WAITLISTED,
    WITHDRAWN,
    Outcome,
    Whole,
)
from sim.population import Flags
from sim.studying.intervals import Floats

REASONS = {
    "cap-reached": "the application found no slot left",
    "waiting-list": "still on the waiting list at the end",
    "no-letter": "no letter by the end",
    "overtaken-before-letter": "permanent residence or the certificate's end came before a letter",
    "letter-lapsed": "the letter lapsed before it was used",
    "letter-later": "the letter came later",
    "letter-open": "the letter is not yet answered at the end",
    "declined": "the letter was answered with no",
    "overtaken-after-letter": "permanent residence or the certificate's end came before a filing",
    "incomplete": "handed back as incomplete",
    "not-approved": "no approval by the end, and only approvals count",
    "other": "none of these",
}
"""Why somebody has no slot, the first that applies."""

STAGES = ("letter", "slot", "office")
"""What made most of a permit's delay or gain."""

DEFINITIONS = {
    "slot_gained": Measure("people", "a slot under the policy, none under the baseline"),
    "slot_lost": Measure("people", "a slot under the baseline, none under the policy"),
    "slot_both": Measure("people", "a slot under both"),
    "permit_gained": Measure("people", "a permit under the policy, none under the baseline"),
    "permit_lost": Measure("people", "a permit under the baseline, none under the policy"),
    "permit_earlier": Measure("people", "a permit under both, a day or more earlier under the policy"),
    "permit_later": Measure("people", "a permit under both, a day or more later under the policy"),
    "permit_days_earlier": Measure("days", "how much earlier, mean over these people"),
    "permit_days_later": Measure("days", "how much later, mean over these people"),
}
"""Measures that a policy has only beside a baseline."""


class Exchange(NamedTuple):
    """What became of everybody in scope under a policy instead of the baseline; flags a person."""

    gained: Flags
    lost: Flags
    both: Flags
    permit_gained: Flags
    permit_lost: Flags
    sooner_s: Whole
    """Seconds by which the permit is earlier (below 0: later) under the policy; 0 without two permits."""

    @property
    def earlier(self) -> Flags:
        """Whose permit is a day or more earlier."""
        return np.asarray(self.sooner_s >= DAY_S)

    @property
    def later(self) -> Flags:
        """Whose permit is a day or more later."""
        return np.asarray(self.sooner_s <= -DAY_S)


def exchange(base: Outcome, other: Outcome) -> Exchange:
    """Compare two outcomes of the same people, row by row."""
    held, holds = base.slot_s < NEVER, other.slot_s < NEVER
    had, has = base.permit_s < NEVER, other.permit_s < NEVER
    sooner = np.where(had & has, base.permit_s - other.permit_s, 0)
    return Exchange(~held & holds, held & ~holds, held & holds, ~had & has, had & ~has, sooner)


def exchange_measures(base: Outcome, other: Outcome, groupings: tuple[Grouping, ...]) -> dict[str, float]:
    """The measures of `DEFINITIONS`, in all, by group, and the reasons; every name is always there."""
    found = exchange(base, other)
    flags = {
        "slot_gained": found.gained,
        "slot_lost": found.lost,
        "slot_both": found.both,
        "permit_gained": found.permit_gained,
        "permit_lost": found.permit_lost,
        "permit_earlier": found.earlier,
        "permit_later": found.later,
    }
    days = {"permit_days_earlier": found.sooner_s / DAY_S, "permit_days_later": -found.sooner_s / DAY_S}
    values = {name: float(np.count_nonzero(each)) for name, each in flags.items()}
    values |= {name: _mean(days[name][flags[f"permit_{name[12:]}"]]) for name in days}
    for grouping in groupings:
        for name, each in flags.items():
            counts = np.bincount(grouping.member[each] + 1, minlength=len(grouping.names) + 1)[1:]
            values |= {f"{name}{grouping.suffix(k)}": float(count) for k, count in enumerate(counts)}
    values |= _counted("slot_lost", tuple(REASONS), reasons(other, base), found.lost)
    values |= _counted("slot_gained", tuple(REASONS), reasons(base, other), found.gained)
    stage = stages(base, other)
    values |= _counted("permit_earlier", STAGES, stage, found.earlier)
    return values | _counted("permit_later", STAGES, stage, found.later)


def reasons(without: Outcome, beside: Outcome) -> Whole:
    """Everyone's index into `REASONS`: why they have no slot under the first, seen beside the second."""
    status = without.status
    overtaken = (status == PR_FIRST) | (status == PR_REFUSED) | (status == CERTIFICATE_EXPIRED)
    invited = without.letter_s < NEVER
    applies: dict[str, Flags] = {
        "cap-reached": (without.full_count > 0) & (status != WAITLISTED),
        "waiting-list": status == WAITLISTED,
        "no-letter": status == POOL,
        "overtaken-before-letter": overtaken & ~invited,
        "letter-lapsed": status == LAPSED,
        "letter-later": invited & (without.letter_s > beside.letter_s),
        "letter-open": status == INVITED,
        "declined": status == DECLINED,
        "overtaken-after-letter": overtaken & (without.attempts == 0),
        "incomplete": status == RETURNED_INCOMPLETE,
        "not-approved": (status == ACCEPTED) | (status == WITHDRAWN) | (status == REFUSED) | overtaken,
        "other": np.ones(len(without), dtype=bool),
    }
    assert list(applies) == list(REASONS), applies.keys()
    return np.argmax(np.array(list(applies.values())), axis=0)


def stages(base: Outcome, other: Outcome) -> Whole:
    """Everyone's index into `STAGES`; it means something only where both outcomes have a permit."""
    both = (base.permit_s < NEVER) & (other.permit_s < NEVER)
    moved = np.zeros((len(STAGES), len(base)), dtype=np.int64)
    rows = np.flatnonzero(both)
    letter = (base.letter_s - other.letter_s)[rows]
    slot = (base.slot_s - other.slot_s)[rows]
    permit = (base.permit_s - other.permit_s)[rows]
    moved[:, rows] = np.array([letter, slot - letter, permit - slot]) * np.sign(permit)
    return np.argmax(moved, axis=0)


def _counted(name: str, kinds: tuple[str, ...], kind: Whole, whom: Flags) -> dict[str, float]:
    counts = np.bincount(kind[whom], minlength=len(kinds))
    return {f"{name}/why={each}": float(count) for each, count in zip(kinds, counts, strict=True)}


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else math.nan
