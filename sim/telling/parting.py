"""The same person under two policies: where the two stories part, and why."""

import numpy as np

from sim.comparing.persons import REASONS, STAGES, exchange, reasons, stages
from sim.outcome import Outcome
from sim.scenario import Scenario
from sim.telling.events import Event, Life
from sim.telling.words import day, days, said

STAGE_WORDS = {
    "letter": "the letter",
    "slot": "the way from the letter to the slot",
    "office": "the office",
}


def parting(
    scenario: Scenario, base: tuple[Life, tuple[Event, ...]], other: tuple[Life, tuple[Event, ...]]
) -> list[str]:
    """Sentences: the first event that differs, and what it comes to; one that says so if nothing does."""
    (base_life, first), (life, second) = base, other
    if first == second:
        return [f"Under {life.policy} and {base_life.policy} the same happens, at the same moments."]
    common = next(
        (k for k, pair in enumerate(zip(first, second, strict=False)) if pair[0] != pair[1]),
        min(len(first), len(second)),
    )
    told = [_first_difference(scenario, (base_life, first[common:]), (life, second[common:]))]
    return [*told, *_why(base_life, life)]


def _first_difference(
    scenario: Scenario, base: tuple[Life, tuple[Event, ...]], other: tuple[Life, tuple[Event, ...]]
) -> str:
    """The earliest event that only one of the two has, and when the other has it."""
    (base_life, first), (life, second) = base, other
    earliest = min([*first[:1], *second[:1]])
    one, its, another = (life, second, first) if second[:1] == (earliest,) else (base_life, first, second)
    event = its[0]
    beside = base_life if one is life else life
    when = next((each.at_s for each in another if each.kind == event.kind), None)
    words = said(scenario, one, event)
    told = f"The stories part on {day(scenario, event.at_s)}. Under {one.policy}: {words}."
    if when is None:
        return f"{told} Under {beside.policy} that never happens."
    return f"{told} Under {beside.policy} that comes {days(when - event.at_s)} later."


def _why(base: Life, life: Life) -> list[str]:
    """What it comes to: a slot gained or lost with the reason, or a permit sooner or later by a stage."""
    here, there = _only(base), _only(life)
    found = exchange(here, there)
    if found.gained[0]:
        why = list(REASONS)[int(reasons(here, there)[0])]
        return [f"{life.policy} gives a slot that {base.policy} does not: there, {REASONS[why]}."]
    if found.lost[0]:
        why = list(REASONS)[int(reasons(there, here)[0])]
        return [f"{life.policy} costs a slot that {base.policy} gives: {REASONS[why]}."]
    sooner = int(found.sooner_s[0])
    if sooner:
        stage = STAGE_WORDS[STAGES[int(stages(here, there)[0])]]
        return [
            f"The permit comes {days(sooner)} {'sooner' if sooner > 0 else 'later'} under {life.policy}, "
            f"most of it by {stage}."
        ]
    if found.permit_gained[0] or found.permit_lost[0]:
        one, beside = (life, base) if found.permit_gained[0] else (base, life)
        return [f"Both give a slot; only {one.policy} brings a permit by the end, {beside.policy} none."]
    if found.both[0]:
        return ["In the end both give a slot, and the permit comes at the same moment or not at all."]
    return ["In the end neither gives a slot."]


def _only(life: Life) -> Outcome:
    """The outcome of this person alone."""
    columns = {name: column[[life.row]] for name, column in life.outcome.columns().items()}
    nothing = np.zeros(0, dtype=np.int64)
    return Outcome(**columns, filings_s=nothing, intakes=life.outcome.intakes)
