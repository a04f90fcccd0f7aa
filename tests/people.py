"""People made by hand: everyone alike and in scope unless a column says otherwise."""

from dataclasses import fields
from typing import Any

import numpy as np

from sim.clock import DAY_S, NEVER
from sim.people import People
from sim.population import ABROAD

FLAGS = (
    "files_pr",
    "pr_approved",
    "in_scope",
    "declines",
    "applies",
    "complete",
    "refiles",
    "approved",
    "employed",
)


def make_people(n: int, **columns: Any) -> People:
    """n people; a column is given as one value for all or as one each.

    By default they have held certificates since 1970, do not apply for permanent residence, file a
    complete application an hour after the letter, do not file again, wait for ever, are checked in no time,
    take an hour of an officer's work, are approved and arrive 30 days later. Where `pr_decided_s` is given,
    permanent residence is approved then, and the standing ends with it, unless other columns say otherwise.
    """
    row = np.arange(n)
    defaults: dict[str, Any] = {
        "applicant": row,
        "cohort": 0,
        "stream": 0,
        "residence": ABROAD,
        "score": 500,
        "lottery": row,
        "certified_s": 0,
        "standing_until_s": NEVER,
        "files_pr": False,
        "pr_filed_s": NEVER,
        "pr_decided_s": NEVER,
        "pr_approved": False,
        "pr_arrival_s": NEVER,
        "in_scope": True,
        "declines": False,
        "applies": True,
        "answer_delay_s": 3600,
        "complete": True,
        "refiles": False,
        "refile_delay_s": 10 * DAY_S,
        "withdraws_after_s": NEVER,
        "unstaffed_s": 0,
        "service_s": 3600,
        "approved": True,
        "landing_s": 30 * DAY_S,
        "employed": True,
        "bridging_s": NEVER,
        "family_size": 1,
        "entries": 1,
    }
    if "pr_decided_s" in columns:
        decided = np.broadcast_to(columns["pr_decided_s"], n)
        defaults |= {"standing_until_s": decided, "files_pr": decided < NEVER, "pr_approved": decided < NEVER}
    unknown = set(columns) - set(defaults)
    assert not unknown, f"make_people: no columns {sorted(unknown)}"
    given = defaults | columns
    kinds = {name: np.bool_ for name in FLAGS} | {"lottery": np.uint64}
    made: dict[str, Any] = {
        field.name: np.array(np.broadcast_to(given[field.name], n), dtype=kinds.get(field.name, np.int64))
        for field in fields(People)
        if field.name != "attributes"
    }
    return People(**made, attributes={})
