"""A story: one person of one replication of a run, under its policy and, of two, under the baseline.

Nothing of it is stored. The replication is simulated again from the seed, which gives the same on any
machine; people are found by the id they have in applicants.parquet.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sim import clock, results, study
from sim.comparing.worlds import Asked, outcomes
from sim.errors import complaint
from sim.outcome import STATUSES, Outcome
from sim.people import People
from sim.population import RESIDENCES
from sim.run_folders import extending
from sim.scenario import Scenario
from sim.studying.replication import Question, replicate
from sim.telling import picking, words
from sim.telling.events import Event, Life, events
from sim.telling.parting import parting


class Told(NamedTuple):
    """A person under one policy: what happened."""

    life: Life
    events: tuple[Event, ...]


class Story(NamedTuple):
    """What is told."""

    scenario: Scenario
    seed: int
    replication: int
    applicant: int
    who: str
    """How the person was picked; empty if by the id."""
    told: tuple[Told, ...]
    """Under the policy; of a comparison the baseline stands first."""
    parting: tuple[str, ...]
    """Where the two part and why, in sentences."""
    changed: tuple[str, ...]
    """What is not as it was when the run was made, so that the story may not be that of the run."""


def story(
    folder: Path,
    *,
    replication: int = 0,
    policy: str | None = None,
    applicant: int | None = None,
    who: str = "",
) -> Story:
    """The story of a person of a run; BadInput if there is no such policy or person."""
    manifest, summary = results.read(folder)
    names = _policies(manifest, summary, policy)
    scenario = extending.scenario_of(folder, manifest)
    if replication < 0:
        raise complaint(f"{replication} is too small", key="--replication", expected="0 or more")
    for name in names:
        study.named(scenario, name)
    lives = _lives(scenario, manifest, names, replication)
    people, base, other = lives[0].people, lives[0].outcome, lives[-1].outcome
    if applicant is None:
        who = who or picking.default(people, base, other)
        if who in picking.BESIDE_A_BASELINE and len(lives) == 1:
            raise complaint(
                f"{who} is said beside another policy, and this is a run of one",
                key="--who",
                mend="name another policy with --policy",
            )
        row = picking.pick(who, people, base, other)
    else:
        row, who = _row(people, applicant), ""
    told = tuple(Told(life, events(scenario, life)) for life in (each._replace(row=row) for each in lives))
    parted = parting(scenario, told[0], told[1]) if len(told) > 1 else []
    number = int(people.applicant[row])
    changed = tuple(extending.differences(manifest)) if "model_sha256" in manifest else ()
    return Story(scenario, manifest["seed"], replication, number, who, told, tuple(parted), changed)


def _policies(
    manifest: dict[str, Any], summary: dict[str, Any] | None, policy: str | None
) -> tuple[str, ...]:
    """The policy that is told, and before it the one beside which it is."""
    question = manifest["question"]
    if "compare" in question:
        baseline, *others = question["compare"]
        leading = ((summary or {}).get("lead") or {}).get("policy")
        chosen = policy or leading or others[0]
    elif "fast" in question:
        baseline = manifest["policy"]
        chosen = policy or baseline
    else:
        raise complaint(
            "this run has no people to tell of",
            key="RUN",
            expected="a run of quotalab run or quotalab compare",
        )
    return (baseline,) if chosen == baseline else (baseline, chosen)


def _lives(
    scenario: Scenario, manifest: dict[str, Any], names: tuple[str, ...], replication: int
) -> list[Life]:
    """Everybody of the replication, once a policy; row 0 for now."""
    seed = manifest["seed"]
    if len(names) == 1:
        rules = scenario.policy(names[0])
        people, outcome = replicate(Question(scenario, rules, seed), replication)
        return [Life(names[0], rules, people, outcome, 0)]
    asked = Asked(scenario, tuple((name, scenario.policy(name)) for name in names), seed)
    found: list[tuple[str, People, Outcome]] = list(outcomes(asked, replication))
    return [Life(name, scenario.policy(name), people, outcome, 0) for name, people, outcome in found]


def _row(people: People, applicant: int) -> int:
    """The row of the person with that id."""
    rows = np.flatnonzero(people.applicant == applicant)
    if len(rows):
        return int(rows[0])
    raise complaint(
        f"there is no applicant {applicant} in this replication",
        key="--applicant",
        expected=f"one of {len(people):,} ids from {people.applicant.min()} to {people.applicant.max()} "
        "(of a comparison, only who lives outside Quebec)",
        mend="leave --applicant out and say --who: " + ", ".join(picking.WHO),
    )


def facts(found: Story) -> dict[str, Any]:
    """Who the person is."""
    life = found.told[0].life
    people, row, scenario = life.people, life.row, found.scenario
    return {
        "applicant": found.applicant,
        "stream": list(scenario.streams)[people.stream[row]],
        "residence": RESIDENCES[people.residence[row]],
        "score": int(people.score[row]),
        "family_size": int(people.family_size[row]),
        **{
            f"attribute_{name}": list(attribute.values)[people.attributes[name][row]]
            for name, attribute in scenario.attribute.items()
        },
    }


def data(found: Story) -> dict[str, Any]:
    """The story as data that JSON can hold."""
    scenario = found.scenario
    return {
        "format": 1,
        "kind": "story",
        "scenario": {"name": scenario.name, "title": scenario.title, "time_zone": scenario.time_zone},
        "seed": found.seed,
        "replication": found.replication,
        "who": found.who,
        "person": facts(found),
        "policies": [
            {
                "policy": each.life.policy,
                "status": STATUSES[each.life.status],
                "ending": words.ending(scenario, each.life),
                "events": [
                    {
                        "at": clock.local(event.at_s, scenario.time_zone).isoformat(),
                        "epoch_s": event.at_s,
                        "event": event.kind,
                        "words": words.said(scenario, each.life, event),
                    }
                    for event in each.events
                ],
            }
            for each in found.told
        ],
        "parting": list(found.parting),
        "changed_since": list(found.changed),
    }
