"""The logic of the model: what happens to a person, the order of simultaneous events, every switch.

The prose is that of the engine's own modules, so that it cannot say something else than they do.
"""

import inspect
from typing import Any

from sim import programme
from sim.describing.keys import plain, rows
from sim.engine import kernels, windows
from sim.scenario import Scenario

Data = dict[str, Any]

PHASES = {
    "TURN": "the rules change by the calendar (in the order below)",
    "EXIT": "people leave: withdrawals, permits that lapse unused",
    "DECISION": "officers decide files",
    "ROUND": "an invitation round is held",
    "CLAIM": "applications are filed and claim slots",
    "READY": "files reach the officers' queue",
    "DRAW": "claims that were collected are drawn",
}
"""Name in the engine -> what happens in it."""
TURNS = {
    "DRAW": "claims collected before are drawn",
    "CLOSE": "an intake closes",
    "OPEN": "an intake opens",
    "RELEASE": "a window releases its part of the cap",
    "REFRESH": "a counter is copied from the true count",
    "TOP_UP": "a cap rises",
    "SPILL": "slots of reserves spill to other streams",
}


def logic(scenario: Scenario, names: list[str]) -> Data:
    """Of the named policies the first in full, the others by what is different."""
    overview, *more = inspect.cleandoc(programme.__doc__ or "").split("\n\n")
    first, *others = names
    return {
        "overview": overview,
        "rules": [" ".join(each.split()).replace("**", "") for each in more],
        "phases": _ordered(PHASES, kernels),
        "turns": _ordered(TURNS, windows),
        "ties": "within a phase by the person's lottery number, then by the row of the person",
        "policies": [_policy(scenario, first, None), *(_policy(scenario, each, first) for each in others)],
    }


def _ordered(words: dict[str, str], module: Any) -> list[Data]:
    """The words in the order of the module's codes."""
    found = [{"order": getattr(module, name), "name": name, "what": what} for name, what in words.items()]
    return sorted(found, key=lambda each: each["order"])


def _policy(scenario: Scenario, name: str, beside: str | None) -> Data:
    policy = scenario.policy(name)
    keys = rows(policy, leave_out=("summary", "seen_in"))
    if beside is not None:
        there = {each["key"]: each["value"] for each in rows(scenario.policy(beside))}
        keys = [each for each in keys if each["key"] not in there or there[each["key"]] != each["value"]]
    return {
        "name": name,
        "summary": policy.summary,
        "seen_in": policy.seen_in,
        "beside": beside,
        "keys": keys,
        "switches": {key: plain(value) for key, value in scenario.spec(policy).as_plain().items()},
    }
