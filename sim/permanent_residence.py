"""The way round the programme: who applies for permanent residence when, and what comes of it.

Processing runs on a clock of its own, which goes faster in years of high throughput and slower in years of
low throughput; the median it is drawn around follows the date of filing. A member of the opening backlog is
known to be still waiting at the start, so the time of a file already in process is drawn from what is left of
its law: P(T <= t | T > a), with a the progress made so far.
"""

import datetime
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import special

from sim import clock, streams
from sim.clock import MONTH_S, NEVER, Seconds, whole_seconds
from sim.pathways import PermanentResidence
from sim.scenario import Scenario
from sim.streams import Floats

Flags = NDArray[np.bool_]


def permanent_residence(
    scenario: Scenario, certified: Seconds, is_backlog: Flags, uniforms: Callable[[str], Floats]
) -> tuple[Flags, Seconds, Seconds, Flags]:
    """Whether each person applies for permanent residence; when it is filed and decided; whether approved."""
    path, starts = scenario.pathways.permanent_residence, scenario.starts_s
    validity = scenario.programme.certificate_months * MONTH_S
    files = uniforms("pr-filing") < path.files_share.value
    delay = whole_seconds(
        MONTH_S
        * streams.lognormal(
            uniforms("pr-filing-delay"), median=path.files_months.value, sigma=path.files_sigma.value
        )
    )
    filed = certified + np.minimum(delay, validity - 1)  # later, the certificate would have expired
    median_s = _median_months(path, filed, scenario.time_zone) * MONTH_S
    bounds, progress = _processing_clock(path, scenario)
    begun = np.interp(filed, bounds, progress)
    u, sigma = uniforms("pr-time"), path.sigma.value
    made = np.interp(starts, bounds, progress) - begun
    waiting = is_backlog & (made > 0)
    if sigma > 0:
        seen = np.zeros_like(u)
        seen[waiting] = special.ndtr(streams.log(made[waiting] / median_s[waiting]) / sigma)
        u = np.minimum(seen + u * (1.0 - seen), 1.0 - 2.0**-53)
    ready = begun + streams.lognormal(u, median=median_s, sigma=sigma)
    decided = np.rint(np.interp(ready, progress, bounds)).astype(np.int64)
    decided = np.maximum(decided, np.where(is_backlog, starts + 1, filed + 1))
    approved = files & (uniforms("pr-approval") < path.approved_share.value)
    return files, np.where(files, filed, NEVER), np.where(files, decided, NEVER), approved


def _median_months(path: PermanentResidence, filed: Seconds, zone: str) -> Floats:
    dates = [float(clock.at(point.filed, zone)) for point in path.medians]
    return np.interp(filed, dates, [point.months.value for point in path.medians])


def _processing_clock(path: PermanentResidence, scenario: Scenario) -> tuple[Floats, Floats]:
    """Wall times (year bounds) and the processing seconds elapsed by them: slow years count for less."""
    years = range(scenario.starts.year - 30, scenario.ends.year + 60)
    zone, listed = scenario.time_zone, path.throughput_persons
    bounds = np.array([clock.at(datetime.date(year, 1, 1), zone) for year in years], dtype=float)
    reference = path.throughput_reference.value
    speed = np.array([listed[year].value / reference if year in listed else 1.0 for year in years])
    return bounds, np.concatenate([[0.0], np.cumsum(np.diff(bounds) * speed[:-1])])
