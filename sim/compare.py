"""A comparison: several policies on the same people, replication by replication, against a baseline.

The people of a replication are drawn once and served under every policy, so a difference comes from the rule
and not from luck (common random numbers), and all that is said of differences is said of pairs. As in a
study of one policy, a replication is a pure function of the seed and its number, and the bytes depend neither
on the number of workers nor on how the work was cut up; an interrupted comparison keeps what is finished.

Where the cap is *slack* under the baseline (it is reached in less than half of the replications), rules about
who comes first hardly matter. So the comparison is also made *beside*: at twice and four times the demand,
and at the multiple from which on the cap binds.
"""

import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from sim import study
from sim.comparing import contrasts as contrasting
from sim.comparing import predictability as foreseeing
from sim.comparing.contrasts import Columns, Contrast
from sim.comparing.predictability import Foreseen
from sim.comparing.robustness import AS_IS, Shocked
from sim.comparing.shocks import Shock, possible
from sim.comparing.worlds import Asked, World, world
from sim.errors import complaint
from sim.policy import Policy
from sim.scenario import Scenario
from sim.scenario_files import composition_rules, policy_rules
from sim.studying import binding, blocks, influence, picturing
from sim.studying.binding import PEOPLE_AT_MOST, Binding
from sim.studying.blocks import Crew, Progress
from sim.studying.keeping import Kept
from sim.studying.replication import Question

RULES = (*policy_rules.RULES, *composition_rules.RULES)
"""Rules for scenario files by which a policy is judged."""
TIMES = (2.0, 4.0)
"""Multiples of the scenario's demand at which a slack cap is looked at too."""
BESIDE = 10
"""Replications at each of them, at most."""


class Side(NamedTuple):
    """The same comparison at another demand."""

    times: float
    """Times the scenario's own demand."""
    binds: bool
    """Whether this is the demand from which on the cap binds."""
    found: dict[str, Columns]
    contrasts: tuple[Contrast, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What several policies gave on the same people."""

    scenario: Scenario
    policies: tuple[str, ...]
    """The baseline first."""
    left_out: dict[str, str]
    """Policies that do not fit the scenario, each with the reason."""
    seed: int
    margin: float
    """What counts as no difference: a part of the baseline's mean, of 1 for shares."""
    chance: dict[str, Columns]
    """Policy -> measure -> one value a replication; nan where it has none."""
    assumed: dict[str, Columns]
    """The same with the assumptions drawn; empty if no number has a range or nobody asked."""
    contrasts: tuple[Contrast, ...]
    slack: bool
    """Whether the baseline has a cap that is reached in less than half of the replications."""
    binding: Binding | None
    """From which demand on a cap binds under the baseline; None if not asked for, or not slack."""
    sides: tuple[Side, ...]
    """The comparison at other demands, the smallest first; empty if not asked for, or not slack."""
    stopped: str
    complete: bool
    pictures: dict[str, Any] | None = None
    """Curves of the first replications (`studying.picturing`); None if not asked for, or interrupted."""
    shocks: tuple[Shocked, ...] = ()
    """The comparison as it is and under each shock, on the first replications; empty if not asked for."""
    foreseen: tuple[Foreseen, ...] = ()
    """How well people can tell their date beforehand, by policy; empty if not asked for."""
    unshocked: dict[str, str] = field(default_factory=dict)
    """Shocks that could not be tried, each with the reason."""

    @property
    def baseline(self) -> str:
        """The policy that the others are compared with."""
        return self.policies[0]

    @property
    def replications(self) -> int:
        """How many were simulated with the scenario's own numbers."""
        return study.size(self.chance[self.baseline])


def compare(
    scenario: Scenario,
    *,
    policies: tuple[str, ...] | None = None,
    baseline: str | None = None,
    replications: int | None = None,
    precision: float | None = None,
    margin: float | None = None,
    seed: int | None = None,
    jobs: int | None = None,
    register: bool = True,
    shocks: bool = False,
    predictability: bool = False,
    progress: Progress | None = None,
    kept: Kept | None = None,
) -> Comparison:
    """Compare policies on the same people; KeyboardInterrupt only if nothing at all was finished.

    Without `policies` it is every policy that fits the scenario. `precision` e, instead of `replications`,
    stops when the 95 % half-width of every headline contrast is at most e / (1 + e) of it. `register` also
    draws the assumptions, makes curves, and, where the cap is slack, makes the comparison at other demands.
    `shocks` makes it under every shock of the scenario, `predictability` asks how well people foresee their
    date. What `kept` knows is not simulated again, and what
    is new is kept there; the comparison is the same.
    """
    names, left_out = chosen(scenario, policies, baseline)
    wanted = study.most(replications, precision)
    part = scenario.objectives.margin_share.value if margin is None else margin
    asked = Asked(
        scenario,
        tuple((name, scenario.policy(name)) for name in names),
        scenario.seed if seed is None else seed,
    )
    crew = Crew(blocks.cores() if jobs is None else jobs, progress or (lambda *_: None), kept=kept)
    rows: list[World] = []
    assumed: list[World] = []
    sides: list[Side] = []
    binds: Binding | None = None
    drawn: dict[str, Any] | None = None
    struck: list[Shocked] = []
    unshocked: dict[str, str] = {}
    foreseen: tuple[Foreseen, ...] = ()
    slack, stopped, complete = False, "interrupted", False
    try:
        stopped = _simulate(asked, crew, rows, wanted, precision)
        slack = is_slack(tabled(names, rows))
        if register and influence.uncertain(scenario):
            _extend(asked, crew, assumed, len(rows), drawn=True)
        if register and slack:
            binds = binding.search(Question(scenario, asked.policies[0][1], asked.seed), crew)
            sides += _sides(asked, crew, rows, binds, part)
        if register:
            drawn = picturing.pictures(asked, crew, len(rows))
        if shocks:
            unshocked = _strike(asked, crew, rows, struck)
        if predictability:
            foreseen = foreseeing.predictability(asked, crew, len(rows))
        complete = True
    except KeyboardInterrupt:
        if not rows:
            raise
        stopped = f"interrupted after {len(rows)} replications"
    found = tabled(names, rows)
    return Comparison(
        scenario,
        names,
        left_out,
        asked.seed,
        part,
        found,
        tabled(names, assumed) if assumed else {},
        contrasting.headline_contrasts(scenario, found, margin=part, seed=asked.seed),
        is_slack(found),
        binds,
        tuple(sides),
        stopped,
        complete,
        drawn,
        tuple(struck),
        foreseen,
        unshocked,
    )


def chosen(
    scenario: Scenario, policies: tuple[str, ...] | None, baseline: str | None
) -> tuple[tuple[str, ...], dict[str, str]]:
    """The policies to compare, the baseline first, and those that do not fit, with the reason."""
    first = scenario.baseline if baseline is None else baseline
    wanted = list(dict.fromkeys([first, *(scenario.policy_names() if policies is None else policies)]))
    misfits: dict[str, str] = {}
    for name in wanted:
        reason = misfit(scenario, study.named(scenario, name))
        if reason and (policies is not None or name == first):
            raise complaint(f"{name} does not fit {scenario.name}: {reason}", key="--policies")
        if reason:
            misfits[name] = reason
    names = tuple(name for name in wanted if name not in misfits)
    if len(names) < 2:
        raise complaint(
            f"{first} alone: nothing to compare it with",
            key="--policies",
            expected="a policy besides the baseline",
            mend="leave --policies out, or name one of " + ", ".join(scenario.policy_names()),
        )
    return names, misfits


def misfit(scenario: Scenario, policy: Policy) -> str:
    """Why a policy cannot be run in a scenario, by the rules for scenario files; empty if it can."""
    trial = scenario.model_copy(update={"policies": {"policy": policy}})
    faults = (fault for rule in RULES for fault in rule(trial))
    return next((fault.message for fault in faults if fault.path[0] == "policies"), "")


def is_slack(found: dict[str, Columns]) -> bool:
    """Whether the baseline's caps are reached in less than half of the replications; never without a cap."""
    reached = next(iter(found.values()))["caps_reached"]
    known = reached[np.isfinite(reached)]
    return len(known) > 0 and 2 * int((known > 0).sum()) < len(known)


def tabled(names: tuple[str, ...], rows: list[World]) -> dict[str, Columns]:
    """Policy -> columns of its measures, one value a replication."""
    return {name: study.columns([row[name] for row in rows]) for name in names}


def _simulate(asked: Asked, crew: Crew, rows: list[World], most: int, precision: float | None) -> str:
    """Make as many replications as are wanted; why there are no more."""
    if precision is None:
        _extend(asked, crew, rows, most)
        return f"{most:,} replications, as asked"
    names = tuple(name for name, _ in asked.policies)
    checked, wanted, ratio = study.FEWEST - 1, study.FEWEST, 1.0
    rule = (
        "the 95 % half-width of every headline contrast is at most "
        f"{100 * precision / (1 + precision):.3g} % of it (one below a tenth of all slots, 10 points, "
        "a week, or a tenth of the baseline, counts as that)"
    )
    while True:
        _extend(asked, crew, rows, wanted)
        every = tabled(names, rows)  # once, and cut: a table for each number would take longer than the runs
        while checked < len(rows):
            checked += 1
            found = {name: {key: column[:checked] for key, column in every[name].items()} for name in names}
            ratio = contrasting.imprecision(asked.scenario, found, precision)
            if ratio <= 1.0:
                crew.forget(study.CHANCE, rows, checked)
                return f"{checked:,} replications, since now {rule}"
        if len(rows) >= most:
            return f"{most:,} replications, given up before {rule}"
        aim = math.ceil(0.95 * len(rows) * ratio**2)
        wanted = min(most, max(len(rows) + 4, min(aim, 4 * len(rows))))


def _extend(asked: Asked, crew: Crew, rows: list[World], to: int, *, drawn: bool = False) -> None:
    """Append the replications from len(rows) up to `to`; those finished stay, whatever happens then."""
    label = study.ASSUMED if drawn else study.CHANCE
    rest = [(asked, replication, drawn) for replication in range(len(rows), to)]
    for row in crew.each(label, world, rest, before=len(rows), here=2):
        rows.append(row)


def _sides(asked: Asked, crew: Crew, rows: list[World], binds: Binding | None, margin: float) -> list[Side]:
    """The comparison at other demands; those with too many people to try are left out."""
    names = tuple(name for name, _ in asked.policies)
    current = asked.scenario.demand.multiple.value
    people = max(row[names[0]]["in_scope"] for row in rows)
    times = dict.fromkeys(TIMES, False)
    if binds is not None and math.isfinite(binds.half) and binds.half > current:
        times[binds.half / current] = True
    n = min(BESIDE, len(rows))
    found = []
    for each in sorted(times):
        if people * each > PEOPLE_AT_MOST:
            continue
        there = asked.at_demand(current * each)
        label = f"replications at {each:g} times the demand"
        calls = [(there, replication) for replication in range(n)]
        columns = tabled(names, list(crew.each(label, world, calls, weight=each)))
        against = contrasting.headline_contrasts(there.scenario, columns, margin=margin, seed=asked.seed)
        found.append(Side(each, times[each], columns, against))
    return found


def _strike(asked: Asked, crew: Crew, rows: list[World], struck: list[Shocked]) -> dict[str, str]:
    """Add the comparison as it is and under each shock to `struck`; the shocks that cannot be tried."""
    names, n = tuple(name for name, _ in asked.policies), min(BESIDE, len(rows))
    people = max(row[names[0]]["in_scope"] for row in rows)
    chosen, left_out = possible(asked.scenario, asked.policies, people=people, most=PEOPLE_AT_MOST)
    struck.append(Shocked(Shock(AS_IS, "as it is", {}), tabled(names, rows[:n])))
    for shock, scenario in chosen:
        calls = [(asked._replace(scenario=scenario), replication) for replication in range(n)]
        weight = scenario.demand.multiple.value / asked.scenario.demand.multiple.value
        there = list(crew.each(f"replications under {shock.name}", world, calls, weight=weight))
        struck.append(Shocked(shock, tabled(names, there)))
    return left_out
