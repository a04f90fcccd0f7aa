"""`quotalab load` with [load.ramp]: stages against one service, until the highest rate is known.

Every stage is a load test of its own, with applicants of its own, recorded and judged like any other; only
the service stays. What one stage took is there when the next begins, so a service that was started here is
given as much room again. The folder of the search has `summary.json` with all stages, and a run folder for
each: `stage-01`, `stage-02`, ...
"""

import secrets
import time
from dataclasses import replace
from typing import Any, Final

from loadtests import load as loads
from loadtests.header import Initial
from loadtests.load import Loaded, Watcher
from loadtests.loading import folder as folders
from loadtests.loading import preparing
from loadtests.loading.plan import Options, Plan, check, planned
from loadtests.loading.searched import Searched, fastest
from loadtests.loading.service import Service, service, set_caps, state_before
from loadtests.loading.stages import Stage, measured, missed, next_rate
from loadtests.safe import Lock
from loadtests.tracing.nouns import PlannedIntake
from sim import results, scenario_file
from sim.errors import BadInput, complaint
from sim.load import Load, MustSee, Ramp

COUNTED: Final = tuple(
    name for name in MustSee.model_fields if name not in ("cap_reached", "intakes", "sent_share")
)
SLOWEST_S: Final = 20.0
"""A stage takes no longer than three times its length, and this for its beginning and its last answers."""


def is_ramp(name: str) -> bool:
    """Whether a scenario asks for a search."""
    return scenario_file.load(name).load.ramp is not None


def search(options: Options, watcher: Watcher) -> Searched:
    """Find the highest rate; BadInput if nothing can be sent at all."""
    for key, given in (("--compress", options.compress), ("--minutes", options.minutes)):
        if given is not None:
            raise complaint(
                "a ramp sets its own pace",
                key=key,
                mend="leave it out; --rate bounds the rates, --budget the time",
            )
    check(options)
    made = _Search(options, watcher)
    lock = Lock(made.run)
    try:
        return made.through()
    finally:
        lock.release()


class _Search:
    """A search under way: the stages so far, and the service that they go to."""

    def __init__(self, options: Options, watcher: Watcher) -> None:
        self.options, self.watcher = options, watcher
        self.source, self.text = scenario_file.text_of(options.scenario)
        self.scenario = scenario_file.load(options.scenario)
        ramp = self.scenario.load.ramp
        assert ramp is not None, options.scenario
        self.ramp = ramp
        self.run = options.run or secrets.token_hex(4)
        self.begun = time.monotonic()
        self.ends = self.begun + (options.budget_s or self.scenario.load.budget_s.value)
        self.stages: list[Stage] = []
        seed = self.scenario.seed if options.seed is None else options.seed
        self.path = options.out or results.default_path(self.scenario.name, seed)

    def through(self) -> Searched:
        """From the first stage to the answer; Ctrl-C leaves what was found until then."""
        first = self._plan(next_rate((), self.ramp, fastest(self.ramp, self.options)) or 0.0)
        for sentence in self._sentences(first):
            self.watcher.said(sentence)
        if self.options.reset:
            preparing.resetting(self.options.target, owned=self.options.owned).run()
            self.watcher.said("the service was reset")
        folder = folders.begin_search(self.path, first, run=self.run)
        ended = ""
        try:
            with service(first, self.path) as answering:
                ended = self._stages(first, answering)
        except KeyboardInterrupt:
            ended = "interrupted"
        except BadInput as error:
            if not self.stages:
                folders.finish(folder, is_complete=False)
                raise
            ended = str(error)
        found = self._searched(ended)
        folders.write_json(self.path / "summary.json", found.as_plain())
        folders.finish(folder, is_complete=not ended)
        return found

    def _searched(self, ended: str) -> Searched:
        took_s = time.monotonic() - self.begun
        stages = tuple(self.stages)
        return Searched(
            self.scenario.name, self.run, self.options, self.ramp, self.path, stages, ended, took_s
        )

    def _stages(self, first: Plan, answering: Service) -> str:
        """Stage after stage; why it ended too early, or nothing."""
        before = loads.ready(answering, first)
        plan: Plan | None = first
        while plan is not None:
            loaded = self._stage(plan, answering, before)
            if loaded.verdict.judgement == "INVALID":
                return "a wrong answer ends the search"
            if why := _broke_off(loaded):
                return why
            rate = next_rate(self.stages, self.ramp, fastest(self.ramp, self.options))
            if rate is not None and time.monotonic() + self._longest_s() > self.ends:
                return "the budget is used up"
            plan = None if rate is None else self._plan(rate)
            if plan is not None:
                before = state_before(answering, plan.trace)
                plan = self._with_room(plan, answering, before)
        return ""

    def _longest_s(self) -> float:
        """How long the next stage may take, by those before."""
        return max(each.took_s for each in self.stages)

    def _plan(self, rate: float) -> Plan:
        """The stage at this rate, with applicants that no other stage has."""
        number, seconds = len(self.stages) + 1, self.ramp.stage_seconds.value
        options = replace(
            self.options,
            rate=None,
            out=self.path / f"stage-{number:02}",
            budget_s=3 * seconds + SLOWEST_S,
        )
        load = staged(self.scenario.load, self.ramp, rate)
        scenario = self.scenario.model_copy(update={"load": load})
        made = planned(options, scenario, run=f"{self.run}s{number}", source=self.source, text=self.text)
        if made.trace.counts["sends"] < 0.9 * rate * seconds:
            raise complaint(
                f"{rate * seconds:,.0f} people are needed for a stage at {rate:,g} a second, and "
                f"{made.trace.counts['sends']:,} apply",
                key="load.ramp",
                mend="more people, a shorter load.ramp.stage_seconds, or a lower --rate",
            )
        return made

    def _with_room(self, plan: Plan, answering: Service, before: Initial) -> Plan:
        """The stage with the room that the first one found: a full service answers another question."""
        if not plan.store:
            return plan
        intakes = tuple(_raised(each, before.used.get(each.intake, 0)) for each in plan.trace.intakes)
        roomy = replace(plan, trace=replace(plan.trace, intakes=intakes))
        for each in intakes:
            set_caps(answering, each.caps, each.intake)
        return roomy

    def _stage(self, plan: Plan, answering: Service, before: Initial) -> Loaded:
        begun = time.monotonic()
        rate = _rate_of(plan)
        self.watcher.said(f"stage {len(self.stages) + 1}: {rate:,g} a second")
        folder = folders.begin(plan)
        quiet = Watcher(lambda line: None, self.watcher.moved)
        try:
            loaded = loads.against(answering, plan, folder.path, before, quiet, begun=begun)
        except BaseException:
            folders.finish(folder, is_complete=False)
            raise
        folders.finish(folder, is_complete=loaded.came_to_its_end)
        if _broke_off(loaded) and loaded.verdict.judgement != "INVALID":
            return loaded  # half a stage says nothing of its rate
        stage = self._held_against_the_level(loaded, rate)
        self.stages.append(stage)
        self.watcher.said("  " + ("met" if stage.is_met else "missed: " + "; ".join(stage.missed)))
        return loaded

    def _held_against_the_level(self, loaded: Loaded, rate: float) -> Stage:
        traffic = loaded.plan.trace.traffic
        found = measured(loaded.history, traffic.late_ms.value)
        said, is_generators = missed(found, loaded.latencies[0], self.ramp)
        verdict = loaded.verdict
        worst = next((each.says for each in verdict.findings if each.judgement == verdict.judgement), "")
        says = "" if verdict.judgement == "VALID" else worst
        if loaded.replayed.how == "out of time":
            said = (*said, "answers were still missing when the stage's time was up")
        elif verdict.judgement != "VALID" and not said:
            said = (f"{verdict.judgement}: {says}",)
        plain = loaded.latencies[0].as_plain()
        return Stage(
            number=len(self.stages) + 1,
            rate_per_s=rate,
            **found._asdict(),
            from_due_ms=plain["from_due_ms"],
            service_ms=plain["service_ms"],
            outcomes={each.outcome: each.count for each in loaded.latencies[1:]},
            verdict=verdict.judgement,
            says=says,
            missed=said,
            is_generators=is_generators,
            took_s=round(loaded.took_s, 1),
        )

    def _sentences(self, first: Plan) -> list[str]:
        """What will be sent, where, and until when."""
        ramp, top = self.ramp, fastest(self.ramp, self.options)
        _, where, _ = first.sentences()
        return [
            f"stages of {ramp.stage_seconds.value:g} s, from {_rate_of(first):,g} up to {top:,g} first sends "
            f"a second, until 99 of 100 answers take more than {ramp.p99_ms.value:g} ms",
            where.split(", in ")[0] + f", from {first.senders}, within {self.ends - self.begun:,.0f} s",
            f"run {self.run}: its applicants are called quotalab-{self.run}s1-..., quotalab-{self.run}s2-...",
        ]


def _broke_off(loaded: Loaded) -> str:
    """Why a stage says nothing of its rate; empty for one that came to its end, or was too slow to."""
    match loaded.replayed.how:
        case "over" | "out of time":
            return (
                "" if loaded.came_to_its_end or loaded.replayed.how != "over" else "a generator process died"
            )
        case "interrupted":
            return "interrupted"
        case "not understood":
            return "too many answers match no rule of the profile"
    return f"the generator broke off: {loaded.replayed.words}"


def staged(load: Load, ramp: Ramp, rate: float) -> Load:
    """The traffic of one stage; of what the whole ramp must have seen, it must have seen its share."""
    alone = ramp.model_copy(
        update={"starts_per_s": _worth(ramp.starts_per_s, rate), "ends_per_s": _worth(ramp.ends_per_s, rate)}
    )
    share = rate / sum(ramp.rates())
    asked = load.must_see.model_dump()
    fewer = {name: int(asked[name] * share) for name in COUNTED if asked[name]}
    must_see = load.must_see.model_copy(update=fewer)
    return load.model_copy(update={"ramp": alone, "must_see": must_see})


def _worth(number: Any, value: float) -> Any:
    """The labelled number with another value."""
    return number.model_copy(update={"value": value, "low": None, "high": None})


def _raised(intake: PlannedIntake, taken: int) -> PlannedIntake:
    return intake._replace(caps=tuple(replace(cap, limit=cap.limit + taken) for cap in intake.caps))


def _rate_of(plan: Plan) -> float:
    ramp = plan.trace.traffic.ramp
    assert ramp is not None
    return float(ramp.starts_per_s.value)
