"""Does a service decide as the simulation does? Each claim is decided again, by the simulator's kernels.

The order in which the service granted gives the claims their moments of arrival: its own positions if they
prove an order (witness.py), else the checker's. In that order the kernels of `sim.engine` decide, with the
caps, switches and rules of eligibility of the scenario, and everyone must have been told the same. They share
no line with the ledger, with the stores of a service, or with the replay.

It applies where slots go to whoever claims first. Otherwise the finding is NOTED, "not applicable", and the
verdict rests on the other checks: under another policy, on a service that others use too, under caps or
switches that are not the scenario's, under a declared tolerance, and where no order explains the answers.

How many people would be served otherwise if they were served in the order of their due times is reported,
and not judged: between due times and decisions lies the way to the service, which it does not answer for.

Anomalies
    not-as-simulated      in the order of the service's own decisions the simulation decides otherwise
    eligible-turned-away  somebody who meets every rule was told of one that is not met
    count-not-simulated   the service counts other slots after the run than the simulation does
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from loadtests.checks.arrays import Flags, Rows
from loadtests.checks.deciding import Arrivals, Outcome, arrivals_of, decided, in_due_order
from loadtests.checks.linearizability import explained
from loadtests.checks.witness import proved
from loadtests.history import ABSENT, AUDIT, NOT_ELIGIBLE, History
from loadtests.proofs.replay import play
from loadtests.verdict import Finding
from sim.ledger import Cap, Spec

if TYPE_CHECKING:
    from sim.scenario import Scenario

CHECK: Final = "prediction"


@dataclass(frozen=True, slots=True)
class Rules:
    """What a simulation decides by."""

    caps: tuple[Cap, ...]
    """As the run begins."""
    spec: Spec
    is_first_come: bool
    """Whether slots go to whoever claims first."""
    names_rules: bool = False
    """Whether the history says of every claim which rule its applicant does not meet, as our own do."""


def rules_of(
    scenario: "Scenario",
    policy: str | None = None,
    *,
    caps: tuple[Cap, ...],
    spec: Spec,
    names_rules: bool = False,
) -> Rules:
    """The rules of a scenario under a policy, by default that of its load tests; caps and spec as planned."""
    chosen = scenario.policy(policy or scenario.load.policy or scenario.baseline)
    return Rules(caps, spec, chosen.invite.order == "first-come", names_rules)


def check(history: History, *, rules: Rules) -> list[Finding]:
    """Every decision against the kernels."""
    why = _hindrance(history, rules)
    order, whose = (None, "") if why else _order(history)
    if order is None:
        return [_not_applicable(why or "no order is known that explains the answers")]
    played = play(history, order)
    assert not isinstance(played, str), played
    arrivals = arrivals_of(history, played)
    if isinstance(arrivals, str):
        return [_not_applicable(arrivals)]
    found = decided(arrivals)
    findings = [
        *_differing(history, arrivals, found, whose),
        *_turned_away(history, rules),
        *_counts(history, arrivals, found),
    ]
    if findings:
        return findings
    return [_as_simulated(history, arrivals, found, whose), _by_due_times(history, arrivals, found)]


def _not_applicable(why: str) -> Finding:
    return Finding(CHECK, "NOTED", f"not applicable: {why}")


def _hindrance(history: History, rules: Rules) -> str:
    """Why the simulation cannot say what the service has to decide; empty if it can."""
    header = history.header
    theirs, ours = ({each.covers: each.limit for each in caps} for caps in (header.caps, rules.caps))
    if not rules.is_first_come:
        return "the policy does not serve first come, first served"
    if header.shared:
        return "others use the service, and what they ask for is not on record"
    if rules.spec.tolerance:
        return "the cap is soft, and a simulation keeps it exactly"
    if header.spec != rules.spec:
        return "the service has other switches than the scenario"
    if theirs != ours:
        told = [f"{cap.name}: {cap.limit:,}" for cap in header.caps]
        return f"the service has other caps than the scenario ({', '.join(told) or 'none'})"
    return ""


def _order(history: History) -> tuple[Rows | None, str]:
    """The order of the service's decisions, and whose word that is."""
    if (order := proved(history).order) is not None:
        return order, "the service's own positions"
    found = explained(history)
    return (found.order, "the checker's order") if found.judgement == "VALID" else (None, "")


def _differing(history: History, arrivals: Arrivals, found: Outcome, whose: str) -> list[Finding]:
    wrong = np.flatnonzero(found.granted != arrivals.was_granted)
    if not len(wrong):
        return []
    row = int(arrivals.row[wrong[0]])
    who = history.coded("applicant").at(row) or f"claim #{row}"
    told, said = ("a slot", "a refusal") if arrivals.was_granted[wrong[0]] else ("a refusal", "a slot")
    people = len(np.unique(arrivals.person[wrong]))
    says = (
        f"{len(wrong):,} decisions for {people:,} people are not as simulated; the first by {whose}: "
        f"{who} was given {told}, where the simulation has {said}"
    )
    rows = tuple(arrivals.row[wrong].tolist())
    return [Finding(CHECK, "INVALID", says, "not-as-simulated", rows, len(wrong))]


def _turned_away(history: History, rules: Rules) -> list[Finding]:
    """Claims of the eligible that were answered as those of others are."""
    is_barred = history.coded("note").starting(NOT_ELIGIBLE)
    if not (rules.names_rules or is_barred.any()):
        return []
    is_told = history.is_op("claim") & history.is_answer("ineligible", "incomplete")
    rows = np.flatnonzero(is_told & ~is_barred)
    if not len(rows):
        return []
    who = history.coded("applicant").at(int(rows[0])) or f"claim #{rows[0]}"
    says = f"{len(rows):,} claims by people who meet every rule were turned away by one, the first {who}'s"
    return [Finding(CHECK, "INVALID", says, "eligible-turned-away", tuple(rows.tolist()), len(rows))]


def _counts(history: History, arrivals: Arrivals, found: Outcome) -> list[Finding]:
    """The service's own count of each intake after the run, against the simulation's."""
    is_read = history.is_op("read") & history.coded("note").starting(AUDIT) & (history["value"] != ABSENT)
    findings = []
    for row in np.flatnonzero(is_read).tolist():
        intake = history.coded("intake").at(row)
        for number, cap in enumerate(arrivals.caps):
            if cap.covers == {(intake, None)} and int(history["value"][row]) != int(found.used[number]):
                says = (
                    f"cap {cap.name}: the service counts {history['value'][row]:,} slots used after the run, "
                    f"the simulation {found.used[number]:,}"
                )
                findings.append(Finding(CHECK, "INVALID", says, "count-not-simulated", (row,), 1))
    return findings


def _as_simulated(history: History, arrivals: Arrivals, found: Outcome, whose: str) -> Finding:
    used = ", ".join(
        f"{cap.name}: {int(count):,}" for cap, count in zip(arrivals.caps, found.used, strict=True)
    )
    says = (
        f"the simulator's kernels decide each of {len(arrivals.row):,} claims as the service did, in the "
        f"order of {whose}; slots used: {used or 'no cap'}"
    )
    return Finding(CHECK, "VALID", says, count=len(arrivals.row))


def _by_due_times(history: History, arrivals: Arrivals, found: Outcome) -> Finding:
    other = decided(in_due_order(history, arrivals))
    differing = _with_slot(arrivals, found.granted) ^ _with_slot(arrivals, _back(other, arrivals))
    people = int(differing.sum())
    says = (
        f"{people:,} of {len(differing):,} people would be decided otherwise in the order of their due "
        "times; this is not judged"
    )
    return Finding(CHECK, "NOTED", says, count=people)


def _with_slot(arrivals: Arrivals, granted: Flags) -> Flags:
    """Of each person whether a claim of theirs was granted."""
    people, inverse = np.unique(arrivals.person, return_inverse=True)
    return np.asarray(np.bincount(inverse[granted], minlength=len(people)) > 0)


def _back(found: Outcome, arrivals: Arrivals) -> Flags:
    """What was decided in another order, in the order of the arrivals."""
    granted = np.zeros(len(arrivals.row), dtype=np.bool_)
    granted[found.arrival] = found.granted
    return granted
