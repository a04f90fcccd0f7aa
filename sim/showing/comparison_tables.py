"""Tables of a comparison as Parquet: one row a replication, policy and measure, or a person under a policy.

The columns are those of a run of one policy, so that folders of both kinds read as one table. `variant` is
chance, assumptions, or the demand that the comparison was made at beside, as in "2 times the demand". A row a
person has in addition what the policy changes for them: `against_baseline` (gained, lost, both or neither has
a slot), the `reason`, and by how many days the permit is sooner.
"""

from pathlib import Path

import numpy as np

from sim.clock import DAY_S
from sim.compare import Comparison
from sim.comparing.contrasts import Columns
from sim.comparing.persons import REASONS, exchange, reasons
from sim.comparing.worlds import Asked, outcomes
from sim.outcome import Outcome
from sim.showing.tables import Column, expression, rows, words, write

AGAINST = ("neither", "gained", "lost", "both")


def write_replications(path: Path, found: Comparison) -> None:
    """Columns replication, policy, variant, measure, value."""
    variants: list[tuple[str, dict[str, Columns]]] = [
        ("chance", found.chance),
        ("assumptions", found.assumed),
    ]
    variants += [(f"{side.times:g} times the demand", side.found) for side in found.sides]
    parts = [
        _long(policy, variant, columns)
        for variant, tables in variants
        for policy, columns in tables.items()
        if columns
    ]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    select = {
        "replication": "replication::INTEGER",
        "policy": "policy::VARCHAR",
        "variant": "variant::VARCHAR",
        "measure": "measure::VARCHAR",
        "value": "CASE WHEN isfinite(value) THEN value::DOUBLE END",
    }
    write(path, columns, select)


def _long(policy: str, variant: str, found: Columns) -> dict[str, Column]:
    values = np.array(list(found.values())).T  # one row a replication
    count, measures = values.shape
    same = np.zeros(values.size, dtype=np.int64)
    return {
        "replication": np.repeat(np.arange(count), measures),
        "policy": words([policy], same),
        "variant": words([variant], same),
        "measure": words(list(found), np.tile(np.arange(measures), count)),
        "value": values.ravel(),
    }


def write_people(path: Path, found: Comparison, replications: int) -> None:
    """Everyone outside Quebec of the first replications, once a policy, in the order of their ids."""
    scenario = found.scenario
    asked = Asked(scenario, tuple((name, scenario.policy(name)) for name in found.policies), found.seed)
    parts: list[dict[str, Column]] = []
    for replication in range(replications):
        base: Outcome | None = None
        for policy, people, outcome in outcomes(asked, replication):
            base = outcome if base is None else base
            parts.append(
                {
                    "replication": np.full(len(people), replication),
                    "policy": words([policy], np.zeros(len(people), dtype=np.int64)),
                    **rows(scenario, people, outcome),
                    **_against(base, outcome),
                }
            )
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    select = {name: expression(name, column) for name, column in columns.items()}
    select["permit_sooner_days"] = "permit_sooner_days::DOUBLE"
    write(path, columns, select)


def _against(base: Outcome, outcome: Outcome) -> dict[str, Column]:
    """What a policy changes for everyone; under the baseline, nothing."""
    found = exchange(base, outcome)
    which = found.gained + 2 * found.lost + 3 * found.both
    why = np.where(found.lost, reasons(outcome, base), reasons(base, outcome))
    return {
        "against_baseline": words(list(AGAINST), which),
        "reason": words([*REASONS, ""], np.where(found.gained | found.lost, why, len(REASONS))),
        "permit_sooner_days": found.sooner_s / DAY_S,
    }
