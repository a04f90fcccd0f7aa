"""What everyone of a population would do, and when, whatever the policy: uniforms turned into quantities.

Delays and choices are quantile functions of a person's own uniforms, rounded to whole seconds, so that a
parameter can be changed and everyone's luck stays as it was. No policy is known here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from sim import streams
from sim.clock import DAY_S, MONTH_S, NEVER, WEEK_S, YEAR_S, Seconds, whole_seconds
from sim.permanent_residence import permanent_residence
from sim.population import BACKLOG, QUEBEC, Flags, Population, Whole, of_spread, residence_of
from sim.scenario import Scenario
from sim.streams import Floats


@dataclass(frozen=True, slots=True)
class People:
    """What everyone would do, and when: columns of shape (n,), times in epoch seconds, delays in seconds.

    Times are int64; delays, classes and sizes are kept in narrower integers.
    """

    applicant: Whole
    cohort: Whole
    stream: Whole
    """Index into the scenario's streams."""
    residence: Whole
    """ABROAD, OTHER_PROVINCE or QUEBEC."""
    score: Whole
    """Like every quantity of the programme's own course below, 0 for people out of scope."""
    lottery: NDArray[np.uint64]
    """A person's number in every draw, and the last but one tie-break of simultaneous events; 53 bits."""
    certified_s: Seconds
    standing_until_s: Seconds
    """From this second on no filing is eligible: permanent residence decided, or the certificate expired.

    An application that was filed before it and waits in line is judged by the day of its filing.
    """
    files_pr: Flags
    """Whether the person applies for permanent residence."""
    pr_filed_s: Seconds
    """NEVER without an application."""
    pr_decided_s: Seconds
    """NEVER without an application."""
    pr_approved: Flags
    pr_arrival_s: Seconds
    """When permanent residence alone would bring the person to Quebec; NEVER if it would not."""
    in_scope: Flags
    """Eligible by stream and residence, whatever the date."""
    declines: Flags
    applies: Flags
    answer_delay_s: Seconds
    """From the letter to the application, or to the no."""
    complete: Flags
    """Whether the first application is complete; a second one always is."""
    refiles: Flags
    refile_delay_s: Seconds
    withdraws_after_s: Seconds
    """From filing; NEVER if the person would wait for ever."""
    unstaffed_s: Seconds
    service_s: Seconds
    approved: Flags
    landing_s: Seconds
    """From an approval to the arrival in Quebec, on either path."""
    employed: Flags
    bridging_s: Seconds
    """When a holder in Quebec gets the bridging permit; NEVER for everyone else."""
    family_size: Whole
    entries: Whole
    attributes: dict[str, Whole]
    """Attribute name -> index into its values."""

    def __len__(self) -> int:
        return len(self.applicant)


def settle(scenario: Scenario, population: Population, *, purposes: frozenset[str] | None = None) -> People:
    """The people of a population: every uniform turned into what it stands for, what is known put in.

    With `purposes` only those are drawn; columns that rest on others mean nothing, and must not be read.
    """
    from sim.people_known import as_known, streams_known  # which needs to know what people are

    behaviour, offices = scenario.behaviour, scenario.offices

    def uniforms(purpose: str) -> Floats:
        if purposes is not None and purpose not in purposes:
            return np.zeros(len(population))
        return population.uniforms(purpose)

    certified = population.certified_s
    files, filed, decided, approved_pr = permanent_residence(
        scenario, certified, population.cohort == BACKLOG, uniforms
    )
    landing = whole_seconds(
        DAY_S
        * _between(uniforms("landing"), behaviour.landing_days_low.value, behaviour.landing_days_high.value)
    )
    residence = _residence(scenario, population)
    names = list(scenario.streams)
    shares = [scenario.streams[name].share.value for name in names]
    stream = streams_known(scenario, population, streams.categories(uniforms("stream"), shares))
    eligible = np.array([scenario.streams[name].eligible for name in names])
    in_scope = (residence != QUEBEC) & eligible[stream]
    scope = np.flatnonzero(in_scope)

    def of_scope(purpose: str, quantile: Callable[[Floats], Floats], kind: Any = np.int32) -> Whole:
        """Whole quantities of the people in scope; 0 for the others, who never get that far."""
        column = np.zeros(len(population), dtype=kind)
        if purposes is not None and purpose not in purposes:
            return column
        room = np.iinfo(kind)
        column[scope] = np.clip(whole_seconds(quantile(uniforms(purpose)[scope])), room.min, room.max)
        return np.asarray(column)

    declines = uniforms("answer") < behaviour.declines_share.value
    saying_yes = 1.0 - behaviour.declines_share.value
    applies_given_yes = min(1.0, behaviour.applies_share.value / saying_yes) if saying_yes else 0.0
    sigma = offices.service_sigma.value
    service_median = offices.service_hours.value * 3600.0 * float(streams.exp(np.array(-sigma * sigma / 2.0)))
    yearly_stay = 1.0 - behaviour.withdrawal_per_year.value
    rate = float("inf") if yearly_stay == 0 else -float(streams.log(np.array(yearly_stay)))
    answer_days, answer_sigma = behaviour.answer_days.value, behaviour.answer_sigma.value
    refile_days = behaviour.refile_days.value
    bridged = filed + whole_seconds(
        WEEK_S * of_spread(uniforms("bridging"), scenario.pathways.bridging.weeks)
    )
    people = People(
        applicant=population.applicant,
        cohort=population.cohort,
        stream=stream.astype(np.int8),
        residence=residence,
        score=of_scope(
            "score", lambda u: behaviour.score_mean.value + behaviour.score_sd.value * streams.normal(u)
        ),
        lottery=(uniforms("lottery") * 2.0**53).astype(np.uint64),
        certified_s=certified,
        standing_until_s=np.where(
            files, decided, certified + scenario.programme.certificate_months * MONTH_S
        ),
        files_pr=files,
        pr_filed_s=filed,
        pr_decided_s=decided,
        pr_approved=approved_pr,
        pr_arrival_s=np.where(approved_pr, decided + landing, NEVER),
        in_scope=in_scope,
        declines=declines,
        applies=~declines & (uniforms("applying") < applies_given_yes),
        answer_delay_s=of_scope(
            "answer-delay", lambda u: DAY_S * streams.lognormal(u, median=answer_days, sigma=answer_sigma)
        ),
        complete=uniforms("completeness") >= behaviour.incomplete_share.value,
        refiles=uniforms("refile") < behaviour.refile_share.value,
        refile_delay_s=of_scope(
            "refile-delay", lambda u: DAY_S * streams.lognormal(u, median=refile_days, sigma=answer_sigma)
        ),
        withdraws_after_s=of_scope(
            "withdrawal", lambda u: np.maximum(1.0, YEAR_S * streams.exponential(u, rate=rate)), np.int64
        ),
        unstaffed_s=of_scope("unstaffed", lambda u: WEEK_S * of_spread(u, offices.unstaffed_weeks)),
        service_s=of_scope(
            "service",
            lambda u: np.maximum(1.0, streams.lognormal(u, median=service_median, sigma=sigma)),
        ),
        approved=uniforms("approval") < offices.approval_share.value,
        landing_s=landing.astype(np.int32),
        employed=uniforms("employment") < behaviour.employment_share.value,
        bridging_s=np.where((residence == QUEBEC) & files, bridged, NEVER),
        family_size=1
        + _poisson_column(uniforms("family"), behaviour.family_size.value - 1.0).astype(np.int16),
        entries=np.array(list(scenario.entries), dtype=np.int32)[
            streams.categories(uniforms("entries"), list(scenario.entries.values()))
        ],
        attributes={
            name: streams.categories(uniforms(f"attribute:{name}"), list(attribute.values.values()))
            for name, attribute in scenario.attribute.items()
        },
    )
    return as_known(scenario, people)


def _residence(scenario: Scenario, population: Population) -> Whole:
    """Where each person lives: the backlog by shares of its own, if it has them."""
    u, is_backlog = population.uniforms("residence"), population.cohort == BACKLOG
    column = np.empty(len(population), dtype=np.int8)
    for chosen, of_backlog in ((is_backlog, True), (~is_backlog, False)):
        column[chosen] = residence_of(scenario, u[chosen], is_backlog=of_backlog)
    return column


def _between(u: Floats, low: float, high: float) -> Floats:
    return low + u * (high - low)


def _poisson_column(u: Floats, mean: float) -> Whole:
    """Poisson quantiles of a column with one mean, by a table of the distribution."""
    table = special.pdtr(np.arange(0, 64 + int(4 * mean)), max(mean, 0.0))
    return np.searchsorted(table, u, side="left").astype(np.int64)
