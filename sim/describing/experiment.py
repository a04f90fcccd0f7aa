"""The experiment: what was asked, with which luck, how often, from when to when, and how sure it is."""

from typing import Any

from sim import study
from sim.comparing import bootstrap, families
from sim.comparing.paired import LEVEL
from sim.population import PURPOSES
from sim.scenario import Scenario
from sim.studying import binding, influence
from sim.studying.intervals import FOR_PERCENTILES

Data = dict[str, Any]


def experiment(
    scenario: Scenario, manifest: Data | None, summary: Data | None, attributes: list[str]
) -> Data:
    """Of a scenario alone, what a run of it would be."""
    asked = manifest["question"] if manifest else {}
    days = (scenario.ends - scenario.starts).days + 1
    cohorts = ["the opening backlog", "each year of supply", "each surge"]
    return {
        "seed": manifest["seed"] if manifest else scenario.seed,
        "random_streams": [*PURPOSES, *(f"attribute:{name}" for name in attributes)],
        "cohorts": cohorts,
        "replications_asked": asked.get("replications")
        or (None if asked.get("precision") else study.DEFAULT_REPLICATIONS),
        "precision_asked": asked.get("precision"),
        "replications": summary["replications"] if summary else None,
        "replications_with_assumptions": summary["replications_with_assumptions"] if summary else None,
        "stopped": summary["stopped"] if summary else None,
        "complete": summary["complete"] if summary else None,
        "fewest": study.FEWEST,
        "most": study.MOST,
        "starts": scenario.starts.isoformat(),
        "ends": scenario.ends.isoformat(),
        "days": days,
        "time_zone": scenario.time_zone,
        "backlog": scenario.demand.backlog.value * scenario.demand.multiple.value,
        "warm_up_days": 0,
        "level": 1.0 - LEVEL,
        "for_percentiles": FOR_PERCENTILES,
        "for_bca": bootstrap.FEWEST,
        "for_max_t": families.FEWEST,
        "register_replications": influence.replications(scenario),
        "binding_replications": binding.REPLICATIONS,
        "uncertain_numbers": len(influence.uncertain(scenario)),
    }
