"""A case made as small as it gets: fewest people, fewest rules, smallest numbers, and the harm still there.

Simplifications are tried one after the other and kept where the engine says that the same harm still happens,
over and over until none of them can be kept (delta debugging). So the result is *locally minimal*: taking
away any one person, rule or intake, or making any one number plainer, makes the harm vanish.
"""

import datetime
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from sim.clock import DAY_S, NEVER
from sim.labelled import Labelled
from sim.outcome import Outcome
from sim.paradoxes.laws import Case, Harm, put, with_surges
from sim.paradoxes.trying import harm_of, played
from sim.paradoxes.worlds import EVERYBODY, RULE
from sim.policy import Invite, Policy
from sim.scenario_files.check import RULES
from sim.surges import Known, Surge

PASSES = 40
"""No case ever needed more than a dozen; a limit, so that a fault cannot loop for ever."""

Step = Callable[[Case], Iterator[Case]]


class Shrunk(NamedTuple):
    """A case as small as it gets."""

    case: Case
    harm: Harm
    tries: int
    """How many simpler cases the engine was asked about."""

    @property
    def size(self) -> tuple[int, int, int]:
        """People, intakes and the length of what is known: what makes one example simpler than another."""
        world = self.case.world
        numbers = sum(len(surge.known.model_fields_set) for surge in world.demand.surges)
        return len(world.demand.surges), len(world.intake), numbers


def shrunk(case: Case, harm: Harm) -> Shrunk:
    """The case made as small as it gets with the same harm."""
    tries = 0
    for _ in range(PASSES):
        before = case
        for step in STEPS:
            # A step begins again after a success, from the smaller case, as long as it finds one.
            found: Case | None = case
            while found is not None:
                case, found = found, None
                for simpler in step(case):
                    if simpler == case:
                        continue
                    tries += 1
                    if still(simpler, harm):
                        found = simpler
                        break
        if case == before:
            break
    return Shrunk(case, harm, tries)


def still(case: Case, harm: Harm) -> bool:
    """Whether the same harm happens in a case that could be written as a scenario file."""
    is_more = case.more < case.less if case.law == "frequency" else case.more > case.less
    return is_more and harm_of(case, (harm,)) == harm and is_legal(case)


def is_legal(case: Case) -> bool:
    """Whether both worlds of a case keep the rules for scenario files."""
    return not any(fault for world in (case.world, case.other) for rule in RULES for fault in rule(world))


# --- people ----------------------------------------------------------------------------------------------


def fewer_people(case: Case) -> Iterator[Case]:
    """Half of them away, then a quarter, then each one; the person whom the case is about stays."""
    surges = case.world.demand.surges
    size = len(surges) // 2
    while size >= 1:
        for begin in range(0, len(surges), size):
            kept = [
                surge
                for k, surge in enumerate(surges)
                if not begin <= k < begin + size or surge.name == case.subject
            ]
            if len(kept) < len(surges):
                yield case._replace(world=with_surges(case.world, tuple(kept)))
        size //= 2


def plainer_people(case: Case) -> Iterator[Case]:
    """One thing about one person as it is with everybody, or a smaller number."""
    for surge in case.world.demand.surges:
        for name in Known.model_fields:
            value = getattr(surge.known, name)
            if name in ("stream", "lottery") or value is None:
                continue
            if case.key.endswith(f"{surge.name.lower()}.known.{name}"):
                continue
            for plain in _plainer(value, getattr(EVERYBODY, name)):
                yield _with_person(case, surge, {name: plain})


def _plainer(value: Any, plain: Any) -> Iterator[Any]:
    if value == plain:
        return
    yield plain
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if is_number and isinstance(plain, (int, float)) and not isinstance(plain, bool) and plain != 500:
        for smaller in (1, round(value) // 2, round(value) - 1):
            if plain < smaller < value:
                yield smaller


def earlier_people(case: Case) -> Iterator[Case]:
    """Somebody's certificate on an earlier day: the first, half as late, the day before."""
    first = datetime.datetime.combine(case.world.starts, datetime.time())
    for surge in case.world.demand.surges:
        day = (surge.starts - first).days
        for earlier in dict.fromkeys((0, day // 2, day - 1)):
            if 0 <= earlier < day or (earlier == day and surge.starts.time() != datetime.time()):
                starts = first + datetime.timedelta(days=earlier)
                yield _with_surge(case, surge, surge.model_copy(update={"starts": starts}))


def plainer_ranks(case: Case) -> Iterator[Case]:
    """Scores ten apart, draw numbers sixteenths, and one stream for all if that is enough."""
    surges = case.world.demand.surges
    invite = case.world.policies[RULE].invite
    scores = sorted({surge.known.score or 0 for surge in surges})
    ranked = {score: 500 + 10 * k for k, score in enumerate(scores)}
    if case.law != "score":
        yield _with_known(case, lambda known: {"score": ranked[known.score or 0]})
    numbers = sorted({surge.known.lottery or 0.0 for surge in surges})
    if invite.order in ("first-come", "score"):
        yield _with_known(case, lambda known: {"lottery": 0.0})
    yield _with_known(case, lambda known: {"lottery": numbers.index(known.lottery or 0.0) / 16.0})
    names = list(case.world.streams)
    if len(names) > 1 and not case.world.policies[RULE].reserves:
        only = case.world.streams[names[0]].model_copy(
            update={"share": Labelled(value=1.0), "eligible": True}
        )
        alone = case.world.model_copy(update={"streams": {names[0]: only}})
        yield _with_known(case._replace(world=alone), lambda known: {"stream": None})


def _with_known(case: Case, change: Callable[[Known], dict[str, Any]]) -> Case:
    surges = tuple(
        surge.model_copy(update={"known": _changed(surge.known, change(surge.known))})
        for surge in case.world.demand.surges
    )
    return case._replace(world=with_surges(case.world, surges))


def _changed(known: Known, changes: dict[str, Any]) -> Known:
    return Known(**{name: getattr(known, name) for name in known.model_fields_set} | changes)


def _with_person(case: Case, surge: Surge, changes: dict[str, Any]) -> Case:
    return _with_surge(case, surge, surge.model_copy(update={"known": _changed(surge.known, changes)}))


def _with_surge(case: Case, before: Surge, after: Surge) -> Case:
    surges = tuple(after if each is before else each for each in case.world.demand.surges)
    return case._replace(world=with_surges(case.world, surges))


# --- rules -----------------------------------------------------------------------------------------------


def fewer_intakes(case: Case) -> Iterator[Case]:
    """Without one of the intakes."""
    intakes = case.world.intake
    for each in intakes if len(intakes) > 1 else ():
        if not case.key.startswith(f"intake.{each.year}."):
            kept = tuple(other for other in intakes if other is not each)
            yield case._replace(world=case.world.model_copy(update={"intake": kept}))


def plainer_rules(case: Case) -> Iterator[Case]:
    """A rule of the policy, or of the programme, left out."""
    rule, programme = case.world.policies[RULE], case.world.programme
    for name in sorted(rule.model_fields_set - {"invite"}):
        if not case.key.startswith(f"policies.{RULE}.{name}"):
            kept = {each: getattr(rule, each) for each in rule.model_fields_set if each != name}
            yield _with_rule(case, Policy(**kept))
    for changes in _plainer_invites(case, rule.invite):
        try:
            invite = Invite(**_given(rule.invite) | changes)
        except ValueError:  # a composition that makes no sense
            continue
        if _given(invite) != _given(rule.invite):
            yield _with_rule(case, rule.model_copy(update={"invite": Invite(**_given(invite))}))
    for name in sorted(programme.model_fields_set - {"certificate_months"}):
        kept = {each: getattr(programme, each) for each in programme.model_fields_set if each != name}
        yield case._replace(world=case.world.model_copy(update={"programme": type(programme)(**kept)}))


def _given(record: Any) -> dict[str, Any]:
    """The fields of a record that differ from their defaults."""
    fields = type(record).model_fields
    return {name: getattr(record, name) for name in fields if getattr(record, name) != fields[name].default}


def _plainer_invites(case: Case, invite: Invite) -> Iterator[dict[str, Any]]:
    changes: list[dict[str, Any]] = [
        {"letter_validity_days": None},
        {"entry_validity_days": None},
        {"adapts_after": None},
        {"weights": None},
        {"order": "first-come", "weights": None},
        {"factor": 1.0},
        {"size": "pool", "number": None, "factor": 1.0, "adapts_after": None},
    ]
    # Each is plainer than what stands there, never the other way round, or shrinking would not end.
    if invite.order not in ("first-come", "score"):
        changes.append({"order": "score", "weights": None})
    if invite.size == "to-cap":
        changes.append({"size": "fixed", "number": 1, "factor": 1.0, "adapts_after": None})
    if invite.number is not None and invite.number > 1:
        changes += [{"number": 1}, {"number": invite.number // 2}, {"number": invite.number - 1}]
    for change in changes:
        if not any(case.key == f"policies.{RULE}.invite.{name}" for name in change):
            yield change
    if not invite.dates and not case.key.endswith("every_days"):  # fewer rounds
        for days in (31, 2 * invite.every_days, invite.every_days + 1):
            if invite.every_days < days <= 31:
                yield {"every_days": days}


def _with_rule(case: Case, rule: Policy) -> Case:
    return case._replace(world=case.world.model_copy(update={"policies": {RULE: rule}}))


def smaller_numbers(case: Case) -> Iterator[Case]:
    """Smaller caps, one officer, and less between less and more."""
    world = case.world
    for intake in world.intake:
        key, cap = f"intake.{intake.year}.cap", intake.cap.value
        for smaller in dict.fromkeys((0.0, 1.0, cap // 2, cap - 1)):
            if 0 <= smaller < cap:
                step = cap - smaller if key == case.key else 0.0
                yield case._replace(world=put(world, key, smaller), more=case.more - step)
    if world.offices.officers.value > 1 and case.key != "offices.officers":
        yield case._replace(world=put(world, "offices.officers", 1.0))
    gap = case.more - case.less
    least = 0.5 if case.law == "over-invitation" else 1.0
    for part in (least, gap / 2 - gap / 2 % least):
        if 0 < abs(part) < abs(gap):
            yield case._replace(more=case.less + (abs(part) if gap > 0 else -abs(part)))
    yield from _smaller_pair(case)


def _smaller_pair(case: Case) -> Iterator[Case]:
    """Less and more, both nearer to nothing."""
    if case.law in ("cap", "demand", "over-invitation", "score"):
        return
    for step in (case.less // 2, 1.0):
        low = case.less - step
        if step >= 1 and low >= (0 if case.law == "reserve" else 1) and case.more - step >= 1:
            yield case._replace(world=put(case.world, case.key, low), more=case.more - step)


def shorter(case: Case) -> Iterator[Case]:
    """The scenario ended the day after the last thing happened."""
    last = max((_last(played(each)) for each in (case.world, case.other)), default=0)
    world = case.world
    days = (last - world.starts_s) // DAY_S + 1
    ends = world.starts + datetime.timedelta(days=int(days))
    first_days = [intake.opens for intake in world.intake]
    ends = max([ends, *first_days])
    if ends < world.ends:
        yield case._replace(world=world.model_copy(update={"ends": ends}))


def _last(outcome: Outcome) -> int:
    times = [
        column[column < NEVER].max(initial=0)
        for name, column in outcome.columns().items()
        if name.endswith("_s")
    ]
    return int(max(times, default=0))


STEPS: tuple[Step, ...] = (
    fewer_people,
    fewer_intakes,
    plainer_rules,
    smaller_numbers,
    plainer_ranks,
    plainer_people,
    earlier_people,
    shorter,
)


def said_only(case: Case) -> Case:
    """The case without what is everybody's anyway; numbers in draws stay, as nothing else gives them."""
    surges = tuple(
        surge.model_copy(update={"known": _unusual(surge.known, case.subject == surge.name)})
        for surge in case.world.demand.surges
    )
    rule = case.world.policies[RULE]
    plain = Policy(**_given(rule) | {"invite": Invite(**_given(rule.invite))})
    return _with_rule(case._replace(world=with_surges(case.world, surges)), plain)


def _unusual(known: Known, is_subject: bool) -> Known:
    said = {name: value for name in Known.model_fields if (value := getattr(known, name)) is not None}
    stays = ("lottery", "stream", "score") if is_subject else ("lottery", "stream")
    return Known(
        **{name: value for name, value in said.items() if name in stays or value != getattr(EVERYBODY, name)}
    )
