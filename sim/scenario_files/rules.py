"""What must hold between the parts of a scenario. Each rule reads a scenario and yields what breaks it.

A rule may be given a scenario of which parts could not be read; it then stops where it asks for one. So a
rule is small, and asks for what it needs before it yields. Where a number has a range, a rule looks at the
whole range if a draw from it could break what follows.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

from sim.errors import BadInput, nearest
from sim.labelled import Labelled
from sim.scenario import Scenario
from sim.scenario_files.faults import Fault, item_name
from sim.scenario_files.schema import Path

Rule = Callable[[Scenario], Iterator[Fault]]

CLOSE = 1e-6
"""How far from 1 the sum of shares may be."""

MOST_PEOPLE = 100_000_000
"""More would not fit into memory, in any run."""


def time_zone_exists(scenario: Scenario) -> Iterator[Fault]:
    zone = scenario.time_zone
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):  # no such name; no name at all; the folder of a continent
        known = available_timezones()
        city = {name.split("/")[-1]: name for name in sorted(known)}
        near = nearest(zone, known) or city.get(nearest(zone.split("/")[-1], city), "")
        mend = f'write "{near}"' if near else ""
        wanted = "an IANA name such as America/Toronto"
        yield Fault(("time_zone",), f'"{zone}" is not a time zone', wanted, mend)


def starts_before_ending(scenario: Scenario) -> Iterator[Fault]:
    if scenario.ends < scenario.starts:
        yield Fault(("ends",), f"{scenario.ends} is before starts = {scenario.starts}")


def years_match_their_dates(scenario: Scenario) -> Iterator[Fault]:
    for k, intake in enumerate(scenario.intake):
        is_inside = intake.opens.year <= intake.year <= intake.closes.year
        if intake.opens <= intake.closes and not is_inside:
            span = f"from {intake.opens} to {intake.closes}"
            yield Fault(("intake", k, "year"), f"{intake.year} is not a year of an intake {span}")


def years_are_unique(scenario: Scenario) -> Iterator[Fault]:
    years = [intake.year for intake in scenario.intake]
    for k, year in enumerate(years):
        if year in years[:k]:
            yield Fault(("intake", k, "year"), f"there are two intakes of the year {year}")


def intakes_follow_each_other(scenario: Scenario) -> Iterator[Fault]:
    for k, (before, after) in enumerate(pairwise(scenario.intake), 1):
        if after.opens < before.opens:
            yield Fault(
                ("intake", k, "opens"),
                f"{after.opens} is before the intake above opens, {before.opens}",
                mend="put the intakes in the order of their opening",
            )
        elif after.opens <= before.closes:
            message = f"{after.opens} is not after the intake above closes, {before.closes}"
            yield Fault(("intake", k, "opens"), message, "intakes that do not overlap")


def an_intake_is_simulated(scenario: Scenario) -> Iterator[Fault]:
    starts, ends = scenario.starts, scenario.ends
    if starts <= ends and all(each.closes < starts or each.opens > ends for each in scenario.intake):
        message = f"no intake is open between starts = {starts} and ends = {ends}"
        yield Fault(("intake",), message, "at least one that is")


def stream_shares_sum_to_one(scenario: Scenario) -> Iterator[Fault]:
    parts = {name: stream.share.value for name, stream in scenario.streams.items()}
    yield from _sum_to_one(parts, ("streams", list(parts)[-1], "share"))


def residence_shares_sum_to_one(scenario: Scenario) -> Iterator[Fault]:
    where = scenario.residence
    shares = {"abroad": where.abroad, "other_province": where.other_province, "quebec": where.quebec}
    given = [name for name in shares if name in where.model_fields_set]
    parts = {name if name in given else f"{name}, not given": share.value for name, share in shares.items()}
    yield from _sum_to_one(parts, ("residence", *given[-1:]))


def attribute_shares_sum_to_one(scenario: Scenario) -> Iterator[Fault]:
    for name, attribute in scenario.attribute.items():
        yield from _sum_to_one(attribute.values, ("attribute", name, "values"))


def entry_shares_sum_to_one(scenario: Scenario) -> Iterator[Fault]:
    parts = {str(number): share for number, share in scenario.entries.items()}
    yield from _sum_to_one(parts, ("entries", *list(parts)[-1:]))


def _sum_to_one(parts: dict[str, float], path: Path) -> Iterator[Fault]:
    total = sum(parts.values())
    if abs(total - 1.0) > CLOSE:
        said = " + ".join(f"{share:g} ({name})" for name, share in parts.items()) or "no shares"
        yield Fault(path, f"{said} = {total:.6g}", "shares that sum to 1")


def some_live_outside(scenario: Scenario) -> Iterator[Fault]:
    if reach(scenario.residence.quebec, lowest=False) >= 1.0:
        yield Fault(("residence", "quebec"), "1 leaves nobody outside Quebec to apply", "a number below 1")


def some_of_the_backlog_live_outside(scenario: Scenario) -> Iterator[Fault]:
    quebec = scenario.demand.backlog_quebec
    if quebec is not None and reach(quebec, lowest=False) >= 1.0:
        message = "1 leaves nobody of the backlog outside Quebec, where demand.backlog counts"
        yield Fault(("demand", "backlog_quebec"), message, "a number below 1")


def a_stream_is_eligible(scenario: Scenario) -> Iterator[Fault]:
    if not any(stream.eligible for stream in scenario.streams.values()):
        last = list(scenario.streams)[-1]
        yield Fault(("streams", last, "eligible"), "no stream is eligible, so nobody could apply")


def ceilings_name_streams(scenario: Scenario) -> Iterator[Fault]:
    for k, intake in enumerate(scenario.intake):
        for name in intake.stream_caps:
            if name not in scenario.streams:
                yield no_such_stream(scenario, ("intake", k, "stream_caps", name), name, at_key=True)


def surges_name_streams(scenario: Scenario) -> Iterator[Fault]:
    for k, surge in enumerate(scenario.demand.surges):
        name = surge.known.stream
        if name is not None and name not in scenario.streams:
            yield no_such_stream(scenario, ("demand", "surges", k, "known", "stream"), name)


def no_such_stream(scenario: Scenario, path: Path, name: str, *, at_key: bool = False) -> Fault:
    """A name that is none of the scenario's streams."""
    near = nearest(name, scenario.streams)
    mend = (f"write {near}" if at_key else f'write "{near}"') if near else ""
    return Fault(path, f'there is no stream "{name}"', f"one of {', '.join(scenario.streams)}", mend, at_key)


def names_can_be_typed(scenario: Scenario) -> Iterator[Fault]:
    tables = ("streams", scenario.streams), ("attribute", scenario.attribute), ("policies", scenario.policies)
    for table, names in tables:
        for name in names:
            if not name.replace("-", "").replace("_", "").isalnum():
                message = "a name is typed on command lines and in dotted keys"
                yield Fault((table, name), message, "letters, digits, - and _ only", at_key=True)


def baseline_is_a_policy(scenario: Scenario) -> Iterator[Fault]:
    name, names = scenario.baseline, scenario.policy_names()
    if name not in names:
        near = nearest(name, names)
        mend = f'write "{near}"' if near else ""
        yield Fault(("baseline",), f'there is no policy "{name}"', f"one of {', '.join(names)}", mend)


def answers_are_not_more_than_letters(scenario: Scenario) -> Iterator[Fault]:
    declines, applies = scenario.behaviour.declines_share.value, scenario.behaviour.applies_share.value
    if declines + applies > 1.0 + CLOSE:
        message = f"{applies:g} with declines_share = {declines:g} makes more answers than letters"
        yield Fault(("behaviour", "applies_share"), message, f"at most {1 - declines:g}")


def landing_is_in_order(scenario: Scenario) -> Iterator[Fault]:
    low, high = scenario.behaviour.landing_days_low.value, scenario.behaviour.landing_days_high.value
    if low > high:
        yield Fault(("behaviour", "landing_days_low"), f"{low:g} is more than landing_days_high = {high:g}")


def events_touch_the_scenario(scenario: Scenario) -> Iterator[Fault]:
    delay_days = 31 * (1 + scenario.demand.certificate_delay_months.high)
    for k, event in enumerate(scenario.demand.events):
        path = ("demand", "events", k)
        if (scenario.starts - event.ends).days > delay_days:
            message = f"{event.ends} is so long before starts = {scenario.starts} that nobody is left of it"
            yield Fault((*path, "ends"), message)
        if event.starts > scenario.ends:
            yield Fault((*path, "starts"), f"{event.starts} is after the scenario ends, {scenario.ends}")


def surges_are_inside_the_scenario(scenario: Scenario) -> Iterator[Fault]:
    for k, surge in enumerate(scenario.demand.surges):
        if not scenario.starts <= surge.starts.date() <= scenario.ends:
            span = f"the scenario, {scenario.starts} to {scenario.ends}"
            yield Fault(("demand", "surges", k, "starts"), f"{surge.starts.isoformat()} is outside {span}")


def people_fit_into_memory(scenario: Scenario) -> Iterator[Fault]:
    demand, quebec = scenario.demand, scenario.residence.quebec
    backlog, others = (1.0 - each.value for each in (demand.backlog_quebec or quebec, quebec))
    years = max(0.0, (scenario.ends - scenario.starts).days / 365.25)
    coming = demand.per_year.value * years + sum(surge.people.value for surge in demand.surges)
    if backlog <= 0 or others <= 0:
        return
    people = demand.multiple.value * (demand.backlog.value / backlog + coming / others)
    if people > MOST_PEOPLE:
        message = f"{people:.3g} people in all, those in Quebec included, are more than fit into memory"
        largest = max(("backlog", "per_year", "multiple"), key=lambda key: getattr(demand, key).value)
        yield Fault(("demand", largest), message, f"at most {MOST_PEOPLE:,} people in all")


def list_names_are_unique(scenario: Scenario) -> Iterator[Fault]:
    for table, items in (("events", scenario.demand.events), ("surges", scenario.demand.surges)):
        names = [item_name(item, k) for k, item in enumerate(items)]
        for k, name in enumerate(names):
            if name in names[:k]:
                message = f'"{items[k].name}" is the name of another of the {table} too'
                yield Fault(("demand", table, k, "name"), message, "names that differ")


def the_office_works(scenario: Scenario) -> Iterator[Fault]:
    if not scenario.offices.weekdays:
        yield Fault(("offices", "weekdays"), "an office that never opens decides nothing", "at least one day")
    for k, day in enumerate(scenario.offices.weekdays):
        if day in scenario.offices.weekdays[:k]:
            yield Fault(("offices", "weekdays", k), f'"{day}" is in the list twice')


def the_office_closes_by_midnight(scenario: Scenario) -> Iterator[Fault]:
    opens, hours = scenario.offices.opens_at, scenario.offices.hours_per_day
    before_midnight = 24 - opens.hour - opens.minute / 60 - opens.second / 3600
    if hours > before_midnight:
        message = f"{hours:g} hours from {opens.isoformat()} on go past midnight"
        yield Fault(("offices", "hours_per_day"), message, f"at most {before_midnight:g}")


def medians_are_in_order(scenario: Scenario) -> Iterator[Fault]:
    path: Path = ("pathways", "permanent_residence", "medians")
    points = scenario.pathways.permanent_residence.medians
    if not points:
        yield Fault(path, "there is no processing time", "at least one { filed = 2022-01-01, months = 27 }")
    for k, (before, after) in enumerate(pairwise(points), 1):
        if after.filed <= before.filed:
            message = f"{after.filed} is not after the date before it, {before.filed}"
            yield Fault((*path, k, "filed"), message, "dates in order")


def reach(number: Labelled, *, lowest: bool) -> float:
    """The lowest or highest value that a number may take in a draw."""
    bound = number.low if lowest else number.high
    return number.value if bound is None else bound


def shocks_can_be(scenario: Scenario) -> Iterator[Fault]:
    """Every shock is tried on the scenario, so that a misspelt key is found before anything runs."""
    from sim.scenario_files.settings import replaced  # which checks what it makes, by these rules

    bare = scenario.model_copy(update={"shocks": {}})
    for name, shock in scenario.shocks.items():
        try:
            replaced(bare, {})
        except BadInput:  # what is wrong without the shock is said already
            return
        try:
            replaced(bare, shock.settings)
        except BadInput as error:
            problem = error.problems[0]
            message = f"{problem.key}: {problem.message}" if problem.key else problem.message
            yield Fault(("shocks", name, "settings"), message, problem.expected, problem.mend)


RULES: tuple[Rule, ...] = (
    time_zone_exists,
    starts_before_ending,
    baseline_is_a_policy,
    years_match_their_dates,
    years_are_unique,
    intakes_follow_each_other,
    an_intake_is_simulated,
    stream_shares_sum_to_one,
    residence_shares_sum_to_one,
    attribute_shares_sum_to_one,
    entry_shares_sum_to_one,
    some_live_outside,
    some_of_the_backlog_live_outside,
    a_stream_is_eligible,
    ceilings_name_streams,
    surges_name_streams,
    names_can_be_typed,
    answers_are_not_more_than_letters,
    landing_is_in_order,
    events_touch_the_scenario,
    surges_are_inside_the_scenario,
    people_fit_into_memory,
    list_names_are_unique,
    the_office_works,
    the_office_closes_by_midnight,
    medians_are_in_order,
    shocks_can_be,
)
