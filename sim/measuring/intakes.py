"""What each intake came to: how far its cap was used, when it was reached, what was left over.

The number of slots *used* goes up with a claim granted and down with a release that gives back; give-backs
after closing change the books but free no slot that anyone could claim. So what was *unused* is read at the
second the intake closes (or at the horizon, should that come first), not at the end of the books.

Outcomes do not say which releases gave back: that is the allocator's `Spec`.
"""

import math

import numpy as np

from sim.clock import DAY_S, NEVER, Seconds
from sim.ledger import Spec
from sim.measuring.survival import Floats
from sim.outcome import PERMIT_UNUSED, REFUSED, IntakeAccount, Outcome, Whole
from sim.scenario import Scenario


def intake_measures(scenario: Scenario, outcome: Outcome, spec: Spec) -> dict[str, float]:
    """The measures of every intake, each with its year as suffix, then those in total."""
    years = [_intake(scenario, outcome, k, spec) for k in range(len(outcome.intakes))]
    permits = int(np.count_nonzero(outcome.permit_s < NEVER))
    return summed_up(outcome.intakes, years) | fill(scenario, permits)


def fill(scenario: Scenario, permits: int, year: int | None = None) -> dict[str, float]:
    """Permits of an intake, or of all, and the rate by the target."""
    targets = [each.permit_target for each in scenario.intake if year in (None, each.year)]
    target = math.fsum(math.nan if one is None else one.value for one in targets)
    return {"permits": float(permits), "permit_fill_rate": _ratio(float(permits), target)}


def summed_up(accounts: tuple[IntakeAccount, ...], years: list[dict[str, float]]) -> dict[str, float]:
    """The measures of every intake with its year as suffix, then those in total."""
    measures: dict[str, float] = {}
    for account, values in zip(accounts, years, strict=True):
        measures |= {f"{name}/{account.year}": value for name, value in values.items()}

    def total(name: str) -> float:
        return math.fsum(values[name] for values in years)

    summed = ("cap", "grants", "used", "given_back", "unused_slots", "carried_slots", "overshoot")
    return (
        measures
        | {name: total(name) for name in summed}
        | {
            "intake_fill_rate": _ratio(total("used"), total("cap")),  # a slot carried on is one slot
            "caps_reached": total("cap_reached"),
        }
    )


def _intake(scenario: Scenario, outcome: Outcome, k: int, spec: Spec) -> dict[str, float]:
    """The measures of the k-th intake, by name; nan for what needs a cap where there is none."""
    account = outcome.intakes[k]
    permits = int(np.count_nonzero((outcome.intake == account.year) & (outcome.permit_s < NEVER)))
    slots = of_slots(scenario, outcome.intakes, k, *slots_used(outcome, account, spec))
    return slots | fill(scenario, permits, account.year)


def of_slots(
    scenario: Scenario, accounts: tuple[IntakeAccount, ...], k: int, times: Seconds, levels: Whole
) -> dict[str, float]:
    """The measures of the k-th intake that its slots determine; `levels` are used from `times` on."""
    account = accounts[k]
    closes_s = min(account.closes_s, scenario.ends_s)
    within = int(np.searchsorted(times, closes_s, side="left"))
    used = float(levels[within - 1]) if within else 0.0
    is_capped = account.cap < NEVER
    full = float(account.cap + account.carried_in) if is_capped else math.nan
    carried = float(accounts[k + 1].carried_in) if k + 1 < len(accounts) else 0.0
    reached_s = _reached(times[:within], levels[:within], account)
    peak = float(levels[:within].max(initial=0))
    return {
        "cap": float(account.cap) if is_capped else math.nan,
        "carried_in": float(account.carried_in) if is_capped else math.nan,
        "grants": float(account.granted),
        "used": used,
        "given_back": float(account.granted - account.used),
        "intake_fill_rate": _ratio(used, full),
        "unused_slots": max(0.0, full - used - carried) if is_capped else math.nan,
        "carried_slots": carried if is_capped else math.nan,
        "overshoot": max(0.0, peak - full) if is_capped else math.nan,
        "cap_reached": float(reached_s < NEVER) if is_capped else math.nan,
        "days_to_cap": (reached_s - account.opens_s) / DAY_S if reached_s < NEVER else math.nan,
        "window_days": (closes_s - account.opens_s) / DAY_S,
    }


def _reached(times: Seconds, levels: Whole, account: IntakeAccount) -> int:
    """The second at which the whole cap was first used; NEVER if it was not."""
    full = account.cap + account.carried_in
    if account.cap >= NEVER:
        return NEVER
    if full <= 0:
        return account.opens_s
    reached = np.flatnonzero(levels >= full)
    return int(times[reached[0]]) if len(reached) else NEVER


def slots_used(outcome: Outcome, account: IntakeAccount, spec: Spec | None) -> tuple[Seconds, Whole]:
    """How many slots of an intake are used from each change on, as (times, levels), up to the horizon.

    Without a spec nothing is given back.
    """
    up = np.concatenate([outcome.slot_s[outcome.intake == account.year], _lost(outcome, account, spec)])
    down = np.empty(0, dtype=np.int64) if spec is None else _given_back(outcome, account, spec)
    if not len(down):
        return np.sort(up), np.arange(1, len(up) + 1)
    times = np.concatenate([down, up])
    change = np.repeat([-1, 1], [len(down), len(up)])
    order = np.argsort(times, kind="stable")  # within a second slots come back before claims are heard
    return times[order], np.cumsum(change[order])


def _lost(outcome: Outcome, account: IntakeAccount, spec: Spec | None) -> Seconds:
    """When incomplete applications took slots of this intake that they then lost (counts = received).

    They took them when they were filed. Of those served from a waiting list no time is kept, only that the
    intake granted more than can be seen: they are charged at its opening, where waiting lists are served.
    """
    filed = outcome.first_filed_s
    rows = np.flatnonzero(outcome.spent > 0)
    rows = rows[(filed[rows] >= account.opens_s) & (filed[rows] < account.closes_s)]
    if spec is None or (spec.counts, spec.over_cap) != ("received", "queue") or "refusal" in spec.gives_back:
        return np.repeat(filed[rows], outcome.spent[rows])
    rows = rows[outcome.first_full_s[rows] != filed[rows]]
    seen = np.repeat(filed[rows], outcome.spent[rows])
    hidden = account.granted - int(np.count_nonzero(outcome.intake == account.year)) - len(seen)
    return np.concatenate([seen, np.full(max(0, hidden), account.opens_s)])


def _given_back(outcome: Outcome, account: IntakeAccount, spec: Spec) -> Seconds:
    """When slots of one intake were given back, in no order."""
    down = np.empty(0, dtype=np.int64)
    if spec.gives_back:
        mine = outcome.intake == account.year
        left = mine & (outcome.left_s < NEVER)
        releases = {
            "refusal": outcome.decided_s[mine & (outcome.status == REFUSED)],
            "withdrawal": outcome.left_s[left & (outcome.decided_s == NEVER)],
            "expiry": outcome.left_s[left & (outcome.status == PERMIT_UNUSED)],
        }
        down = np.concatenate([times for reason, times in releases.items() if reason in spec.gives_back])
    # Incomplete applications take and give back within one second, which leaves no trace in the columns.
    unseen = spec.counts == "received" and "refusal" in spec.gives_back
    assert unseen or len(down) == account.granted - account.used, (
        f"intake {account.year} gave back {account.granted - account.used} slots, but {len(down)} by "
        f"{sorted(spec.gives_back)}: is this the spec of the policy that was simulated?"
    )
    return down


def uptake(outcome: Outcome, intake: int, points: Seconds, *, spec: Spec | None = None) -> Floats:
    """The share of an intake's cap (with what was carried in) that is used at each time of a grid.

    `intake` is the year. Without a spec nothing counts as given back. nan without a cap.
    """
    account = next(one for one in outcome.intakes if one.year == intake)
    full = account.cap + account.carried_in
    if account.cap >= NEVER or full <= 0:
        return np.full(len(points), math.nan)
    times, levels = slots_used(outcome, account, spec)
    return np.concatenate([[0], levels])[np.searchsorted(times, points, side="right")] / full


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan
