"""What a search for paradoxes says, as data: the content of its summary.json, its tables and its files."""

from typing import Any

import numpy as np

from sim.paradox import Example, Search, setting
from sim.paradoxes.laws import LAWS
from sim.paradoxes.telling import HARMS, sides
from sim.paradoxes.writing import text_of

Data = dict[str, Any]


def summary(found: Search, *, settings: Data | None = None) -> Data:
    """Everything that was found; no time, path or machine is in it."""
    return {
        "format": 1,
        "kind": "paradox",
        "scenario": None if found.scenario is None else {"name": found.scenario.name},
        "settings": settings or {},
        "policy": found.policy,
        "seed": found.seed,
        "about": list(found.about),
        "instances": found.instances,
        "tried": len(found.tried),
        "stopped": found.stopped,
        "complete": found.complete,
        "laws": {law: LAWS[law].says for law in found.about},
        "harms": HARMS,
        "skipped": found.skipped,
        "rates": [
            {
                "law": rate.law,
                "worlds": rate.kind,
                "exact": rate.exact,
                "tried": rate.tried,
                "harms": {harm: each._asdict() for harm, each in rate.harms.items()},
            }
            for rate in found.rates
        ],
        "examples": [_example(each) for each in found.examples],
    }


def _example(each: Example) -> Data:
    case = each.case
    return {
        "law": case.law,
        "harm": each.harm,
        "world": each.number,
        "people": len(case.world.demand.surges),
        "key": case.key,
        "less": setting(case.less),
        "more": setting(case.more),
        "sides": list(sides(case)),
        "simpler_worlds_tried": each.tries,
        "file": f"{each.name}.toml",
        "title": each.told.title,
        "one_would_think": each.told.law,
        "lead": each.told.lead,
        "chain": list(each.told.chain),
        "person_by_person": list(each.told.people),
        "lines": [line._asdict() for line in each.told.lines],
    }


def files(found: Search) -> dict[str, str]:
    """The examples as scenario files: name -> text."""
    return {f"{each.name}.toml": _text(each) for each in found.examples}


def _text(each: Example) -> str:
    case, told = each.case, each.told
    comment = [told.title + ".", ""]
    comment += [f"One would think that {told.law}. {told.lead}", "", *told.chain, ""]
    run = f"  quotalab run {each.name}.toml --replications 1 --no-register"
    comment += [
        "Run both, and see who has a slot in applicants.parquet:",
        run,
        f"{run} --set {case.key}={setting(case.more)}",
    ]
    world = case.world.model_copy(update={"name": each.name, "title": told.title})
    return text_of(world, comment)


def tables(found: Search) -> dict[str, dict[str, Any]]:
    """The Parquet file: one row a world that was tried."""
    laws = [each.case.law if each.case else "" for each in found.tried]
    return {
        "worlds": {
            "law": np.array(laws, dtype=object),
            "world": np.array([each.number for each in found.tried]),
            "exact": np.array([each.exact for each in found.tried], dtype=bool),
            "open": np.array([each.is_open for each in found.tried], dtype=bool),
            "harm": np.array([each.harm for each in found.tried], dtype=object),
        }
    }
