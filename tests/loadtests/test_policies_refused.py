"""Policies that only a simulation can keep are neither replayed as traffic nor served."""

import pytest

from loadtests.reference.years import policy_of
from loadtests.tracing.story import simulated
from sim.errors import BadInput
from sim.policy import Policy
from sim.scenario import Scenario
from sim.scenario_file import load

ONLY_SIMULATED = [
    ({"claims": {"every_days": 1}}, "claims"),
    ({"waiting_room": {"admitted_per_hour": 5}}, "waiting_room"),
    ({"reserves": [{"stream": "arts", "slots": 3, "kind": "reserve-last"}]}, "reserves"),
    ({"release": {"every": "month", "borrow": 0.5}}, "release.borrow"),
    ({"top_ups": [{"date": "2022-09-01", "slots": 3}]}, "top_ups"),
    ({"value_limit": {"attribute": "sector", "share": 0.5}}, "value_limit"),
    ({"counts": "received", "received_factor": 1.5}, "received_factor"),
    ({"over_cap": "queue", "waitlist_expires": True}, "waitlist_expires"),
]


def under(rules: dict[str, object]) -> Scenario:
    scenario = load("smoke")
    return scenario.model_copy(update={"policies": {"mine": Policy.model_validate(rules)}})


@pytest.mark.parametrize(("rules", "key"), ONLY_SIMULATED, ids=[key for _, key in ONLY_SIMULATED])
def test_no_service_is_asked_to_keep_it(rules: dict[str, object], key: str) -> None:
    with pytest.raises(BadInput, match=f"not told of {key}"):
        simulated(under(rules), 1, 0, "mine")
    with pytest.raises(BadInput, match=f"no service can keep {key}"):
        policy_of(under(rules), "mine")


def test_letters_by_weight_and_permits_to_be_used_in_time_can_be_replayed() -> None:
    invite = {"order": "lottery", "size": "to-cap", "weights": {"by": "entries"}, "adapts_after": 20}
    story = simulated(under({"invite": invite, "use_within_days": 30}), 1, 0, "mine")
    assert len(story.sends.row) > 0
