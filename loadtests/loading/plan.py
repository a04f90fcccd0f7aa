"""What a run will do, decided and said before anything is sent."""

import math
import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import numpy as np

from loadtests import profile, safe, trace
from loadtests.loading import preparing
from loadtests.protocol import OP
from loadtests.trace import Trace
from loadtests.tracing.window import window_of
from sim import scenario_file
from sim.errors import BadInput, complaint
from sim.scenario import Scenario

STORES: Final = ("memory", "sqlite", "postgres", "valkey")
REFERENCE: Final = "reference"
OVERHEAD_S: Final = 20.0
"""What a run takes besides its replay: starting, the last answers, the audit, the verdict."""
MARGIN_S: Final = 10.0
"""What a budget that nobody gave allows besides, so that a slow machine does not end the run."""
SHORTEST_S: Final = 5.0
"""The shortest replay that a budget is compressed to."""
SECOND_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Options:
    """What the user wants; None leaves it to the scenario."""

    scenario: str
    target: str = "reference:sqlite"
    """A store of the reference service, which is then started; or a profile of a service that runs."""
    fault: str | None = None
    workers: int = 1
    """Locust processes."""
    expect_workers: int = 0
    """Locust processes on other hosts that are waited for; 0 if all are started here."""
    listen: str = "127.0.0.1:5557"
    """Where workers of other hosts find the master."""
    service_workers: int = 1
    """Processes of the reference service."""
    rate: float | None = None
    compress: float | None = None
    minutes: float | None = None
    window: str | None = None
    """Only a part of the scenario: a day, or two local moments."""
    scale: float = 1.0
    budget_s: float | None = None
    seed: int | None = None
    policy: str | None = None
    gate: Literal["correctness", "all"] = "correctness"
    owned: tuple[str, ...] = ()
    dirty: bool = False
    reset: bool = False
    """Run the profile's reset command first."""
    opens: bool = True
    """Open intakes that are not open yet, where the profile says how."""
    most_rate: float = safe.MOST_PER_S
    most_minutes: float = safe.MOST_MINUTES
    run: str | None = None
    out: Path | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A run that may be made: its traffic, and where that goes."""

    options: Options
    scenario: Scenario
    source: str
    text: str
    trace: Trace
    store: str | None
    """Of the reference service that is to be started; None for a service that runs."""
    busiest_per_s: int
    """First sends in the busiest second."""
    budget_s: float

    @property
    def replay_s(self) -> float:
        """From the first due time to the end of the replayed part."""
        return self.trace.ends_ns / SECOND_NS

    @property
    def profile(self) -> str:
        """The profile of the target."""
        return REFERENCE if self.store else self.options.target

    @property
    def senders(self) -> str:
        """Who sends, in words."""
        if wanted := self.options.expect_workers:
            return f"{wanted} worker{'s' if wanted > 1 else ''} on other hosts"
        return f"{self.options.workers} Locust process{'es' if self.options.workers > 1 else ''}"

    def sentences(self) -> list[str]:
        """What will be sent, where, and for how long."""
        sent, options = self.trace, self.options
        claims = int((sent.op == OP["claim"]).sum() + (sent.op == OP["ticket"]).sum())
        limits = [f"{cap.name}: {cap.limit:,}" for intake in sent.intakes for cap in intake.caps]
        caps = f"cap{'s' if len(limits) > 1 else ''} {', '.join(limits)}" if limits else "no cap"
        where = (
            f"the reference service on {self.store}, started here with {options.service_workers} "
            f"worker{'s' if options.service_workers > 1 else ''}"
            + (f" and the fault {options.fault}" if options.fault else "")
            if self.store
            else f"{profile.load(options.target).title} (profile {options.target})"
        )
        return [
            f"{claims:,} first sends of {len(sent.ids):,} people for {caps}; with hedges, retries and "
            "withdrawals as the answers ask for",
            f"to {where}, in {self.replay_s:,.0f} s, the scenario {paced(sent.clock.rate)}, "
            f"{self.busiest_per_s:,} in the busiest second, from {self.senders}",
            f"run {sent.run}: its applicants are called {trace.PREFIX}{sent.run}-...",
            *([] if self.store else self._before()),
        ]

    def _before(self) -> list[str]:
        """What is done to a service that runs, before the first of these."""
        said, options = profile.load(self.options.target), self.options
        parts = [f"{len(said.setup)} of setup"] if said.setup else []
        parts += [f"{len(said.enrol)} for each applicant"] if said.enrol else []
        if said.open and options.opens:
            parts.append(f"{len(said.open)} for each intake that is not open yet (not with --no-open)")
        found = [f"before them these requests: {', '.join(parts)}"] if parts else []
        if options.reset:
            reset = preparing.resetting(options.target, owned=options.owned)
            found.insert(0, f"before everything the service is reset: {reset.sentence()}")
        return found


def paced(rate: float) -> str:
    """By how much a replay is faster than the scenario, in words."""
    if rate == 1:
        return "at its own pace"
    factor = f"{rate:,.0f}" if rate >= 100 else f"{rate:,.4g}"
    return f"compressed {factor} times"


def plan(options: Options) -> Plan:
    """Check everything that can be checked without the service; BadInput for what cannot be done."""
    check(options)
    source, text = scenario_file.text_of(options.scenario)
    scenario = scenario_file.load(options.scenario)
    return planned(options, scenario, run=options.run or secrets.token_hex(4), source=source, text=text)


def check(options: Options) -> None:
    """Complain about options that no run can have."""
    for key, number, least in (
        ("--workers", options.workers, 1),
        ("--service-workers", options.service_workers, 1),
        ("--expect-workers", options.expect_workers, 0),
        ("--scale", options.scale, 1e-6),
        ("--rate", options.rate, 1e-3),
        ("--compress", options.compress, 1e-6),
        ("--minutes", options.minutes, 1e-3),
    ):
        if number is not None and number < least:
            raise complaint(f"{number:g} is too small", key=key, expected=f"at least {least:g}")
    least = OVERHEAD_S + SHORTEST_S
    if options.budget_s is not None and options.budget_s < least:
        says = f"{options.budget_s:g} s is too small: {OVERHEAD_S:g} s are for the start, the audit and the "
        raise complaint(f"{says}verdict", key="--budget", expected=f"at least {least:g}s")
    if options.run is not None and not (options.run.isascii() and options.run.isalnum()):
        raise complaint(f"{options.run!r} is no id", key="--run", expected="letters and digits")
    if store_of(options) is not None and options.reset:
        says = "the reference service is started empty for this run, so there is nothing to reset"
        raise complaint(says, key="--reset", mend="leave it out")
    if options.expect_workers:
        host, _ = safe.address(options.listen, key="--listen")
        if store_of(options) is not None and not safe.is_loopback(host):
            raise complaint(
                "the reference service that is started here is on loopback, out of reach of other hosts",
                key="--target",
                mend="start it by itself with quotalab serve, and name it by a profile",
            )


def planned(options: Options, scenario: Scenario, *, run: str, source: str, text: str) -> Plan:
    """The run of a scenario; BadInput if it would be too long, too fast or go where it must not."""
    store = store_of(options)
    made = _built(scenario, options, run)
    budget_s = _budget_s(options, scenario, made.ends_ns / SECOND_NS)
    if made.ends_ns / SECOND_NS + OVERHEAD_S > budget_s:
        if options.budget_s is None or options.compress or options.minutes or options.rate:
            raise _too_long(options, made.ends_ns / SECOND_NS, budget_s)
        minutes = (budget_s - OVERHEAD_S) / 60
        made = _built(scenario, replace(options, minutes=minutes), run)
    busiest = int(np.bincount(made.due_ns // SECOND_NS).max())
    safe.check_pace(
        busiest,
        made.ends_ns / SECOND_NS / 60,
        most_per_s=options.most_rate,
        most_minutes=options.most_minutes,
    )
    if store is None:
        target = profile.target(options.target)
        safe.check_host(target.base_url, options.owned)
        _check_way_back(target, made)
    return Plan(options, scenario, source, text, made, store, busiest, budget_s)


def _budget_s(options: Options, scenario: Scenario, replay_s: float) -> float:
    """What was given, here or by the scenario; one that nobody gave is as long as the replay needs."""
    if options.budget_s is not None:
        return options.budget_s
    said = scenario.load.budget_s.value
    is_given = "budget_s" in scenario.load.model_fields_set
    return said if is_given else max(said, replay_s + OVERHEAD_S + MARGIN_S)


def _too_long(options: Options, replay_s: float, budget_s: float) -> BadInput:
    """The complaint about a replay that the budget has no room for; it names whoever gave the budget."""
    return complaint(
        f"the replay alone takes {replay_s:,.0f} s, and what comes before and after it {OVERHEAD_S:g} s, "
        f"of a budget of {budget_s:,.0f} s",
        key="load.budget_s" if options.budget_s is None else "--budget",
        file=options.scenario if options.budget_s is None else "",
        mend=f"give --budget {math.ceil(replay_s + OVERHEAD_S)}s or more, or let --compress or --minutes be "
        "such that it fits",
    )


def _check_way_back(target: profile.Target, made: Trace) -> None:
    """BadInput if two people of the run would look the same in the list of holders."""
    if target.readings.holders is not None:
        try:
            target.way_back(made.applicant)
        except ValueError as error:
            mend = "show more of an applicant, as with {applicant|hash:16}"
            raise complaint(str(error), key="readings.holders.shown_as", mend=mend) from None


def store_of(options: Options) -> str | None:
    """The store of a reference service that is to be started, or None."""
    name, colon, store = options.target.partition(":")
    if name != REFERENCE or not colon:
        if options.fault:
            raise complaint(
                f"a fault can be planted in the reference service only, not in {options.target}",
                key="--fault",
                mend="use --target reference:sqlite",
            )
        return None
    if store not in STORES:
        raise complaint(
            f"{store!r} is no store", key="--target", expected=" or ".join(f"reference:{s}" for s in STORES)
        )
    if store == "memory" and options.service_workers > 1:
        raise complaint(
            f"the memory store is in one process, and {options.service_workers} are wanted",
            key="--service-workers",
            mend="use --target reference:sqlite",
        )
    return store


def _built(scenario: Scenario, options: Options, run: str) -> Trace:
    return trace.build(
        scenario,
        run=run,
        seed=options.seed,
        policy=options.policy,
        compress=options.compress,
        minutes=options.minutes,
        rate=options.rate,
        scale=options.scale,
        window=None if options.window is None else window_of(options.window),
    )
