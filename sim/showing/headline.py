"""The sentences that lead the result of a run: is the cap reached, what is left, when does it bind.

Made from the data of summary.json alone. Each interval says what it is: *chance alone* or *with the
assumptions drawn*, from the 5th to the 95th percentile of replications, or, where there are too few for
percentiles, from the lowest to the highest.
"""

import datetime
from typing import Any

Data = dict[str, Any]


def sentences(found: Data) -> list[str]:
    """The paragraphs, the most important first."""
    if not found["policy"]["capped"]:
        said = [_without_cap(found)]
    else:
        said = [_cap(found), _other_years(found), _turned_away(found), _overshoot(found), _both_left(found)]
        said.append(binding_sentence(found))
    return [each for each in [*said, _intervals(found)] if each]


def count(value: float) -> str:
    """A number of people or slots, whole, with thousands separators."""
    return f"{round(value):,}"


def day(date: str) -> str:
    """A date as people write it, such as 3 Jun 2022."""
    parsed = datetime.date.fromisoformat(date)
    return f"{parsed.day} {parsed:%b %Y}"


def bounds(spread: Data | None) -> tuple[float, float] | None:
    """5th and 95th percentile, or lowest and highest of too few replications; None without values."""
    if spread is None or spread["n"] == 0:
        return None
    if spread["p5"] is None:
        return spread["lowest"], spread["highest"]
    return spread["p5"], spread["p95"]


def span(spread: Data | None) -> str:
    """The bounds as text: "5,870 to 7,955", one number if they agree, a dash if there are none."""
    if (found := bounds(spread)) is None:
        return "-"
    low, high = (count(bound) for bound in found)
    return low if low == high else f"{low} to {high}"


def _amount(measure: Data) -> str:
    """A mean with both intervals: "6,912 (5,870 to 7,955; with the assumptions 4,210 to 9,800)"."""
    if measure["chance"]["n"] == 1:
        return count(measure["chance"]["mean"])
    text = span(measure["chance"])
    if measure["assumptions"] is not None and bounds(measure["assumptions"]):
        text += f"; with the assumptions {span(measure['assumptions'])}"
    return f"{count(measure['chance']['mean'])} ({text})"


def _cap(found: Data) -> str:
    """The cap that matters most: whether it is reached, when, and what is left."""
    intake = next(each for each in found["intakes"] if each["year"] == found["headline_year"])
    year, reached, measures = intake["year"], intake["reached"], found["measures"]
    head = f"The {year} cap of {count(intake['cap'])} is"
    carried = measures[f"carried_in/{year}"]["chance"]["mean"]
    if carried >= 0.5:
        head = f"The {year} cap of {count(intake['cap'])}, with {count(carried)} slots carried in, is"
    times, n = reached["times"], reached["n"]
    if 2 * times < n or times == 0:
        where = f"any of {n:,} replications" if times == 0 and n > 1 else _of(n - times, n)
        said = f"{head} not reached in {where}; on average {_left(found, year)}."
    else:
        half = reached["quantiles"]["median"]
        when = f", in half of them by {day(half['date'])}" if half else ""
        if times == n and half:
            when = f", in half of them by {day(half['date'])} ({_days(reached, intake)} after opening)"
        said = f"{head} reached in {_of(times, n)}{when}."
        if times < n:
            said += f" On average {_left(found, year)}."
    drawn = intake["reached_with_assumptions"]
    if drawn is not None:
        said += f" With the assumptions drawn it is reached in {drawn['times']:,} of {drawn['n']:,}."
    return said


def _left(found: Data, year: int) -> str:
    """Slots nobody used: lost for good, or carried on."""
    unused, carried = found["measures"][f"unused_slots/{year}"], found["measures"][f"carried_slots/{year}"]
    if carried["chance"]["mean"] >= 0.5:
        return f"{_amount(carried)} slots are left and pass to the next year"
    return f"{_amount(unused)} slots stay unused"


def _of(times: int, n: int) -> str:
    if n == 1:
        return "the only replication"
    return f"all {n:,} replications" if times == n else f"{times:,} of {n:,} replications"


def _days(reached: Data, intake: Data) -> str:
    """Days from the opening: the median, with the range of the replications where all got there."""
    quantiles = reached["quantiles"]
    middle, low, high = (quantiles[name] for name in ("median", "p5", "p95"))
    text = _short(middle["days"])
    if reached["n"] >= 72 and low and high and _short(low["days"]) != _short(high["days"]):
        text += f", 5 to 95 %: {_short(low['days'])} to {_short(high['days'])}"
    return text


def _short(days: float) -> str:
    if days < 1.0 / 24.0:
        return f"{days * 1440.0:.0f} minutes"
    if days < 2.0:
        return f"{days * 24.0:.0f} hours"
    return f"{days:.0f} days"


def _other_years(found: Data) -> str:
    """The caps of the other years, in one sentence."""
    others = [each for each in found["intakes"] if each["year"] != found["headline_year"]]
    reached = [(each["year"], each["reached"]["times"]) for each in others]
    n = found["replications"]
    if not reached:
        return ""
    years = _listed([str(year) for year, _ in reached])
    caps = f"The cap of {years} is" if len(reached) == 1 else f"The caps of {years} are"
    if all(times == 0 for _, times in reached):
        return f"{caps} not reached in {f'any of {n:,} replications' if n > 1 else 'the only replication'}."
    if all(times == n for _, times in reached):
        return f"{caps} reached in {_of(n, n)} too."
    if len(reached) == 1:
        return f"{caps} reached in {_of(reached[0][1], n)}."
    return f"{caps} reached in {_listed([f'{times:,}' for _, times in reached])} of {n:,} replications."


def _listed(parts: list[str]) -> str:
    """Parts as a list; years that follow each other as a range."""
    if (
        len(parts) > 2
        and all(part.isdigit() for part in parts)
        and int(parts[-1]) - int(parts[0]) == len(parts) - 1
    ):
        return f"{parts[0]} to {parts[-1]}"
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def _turned_away(found: Data) -> str:
    """People who found no slot, and what it was that had run out: not always the cap of a year."""
    turned, policy = found["measures"]["over_cap_persons"], found["policy"]
    if (turned["chance"]["mean"] or 0.0) < 0.5:
        return ""
    parts = []
    if policy.get("releases", "year") != "year":
        parts.append("the part of a year's slots released by then")
    if policy.get("splits"):
        parts.append("the part open to their stream")
    less = " or ".join(parts)
    if found["measures"]["caps_reached"]["chance"]["mean"] > 0:
        return f"Over all years {_amount(turned)} people find a cap reached{f', or {less}' if less else ''}."
    said = f"Over all years {_amount(turned)} people find no slot, although no year's cap is reached"
    return f"{said}: {less} runs out." if less else f"{said}."


def _overshoot(found: Data) -> str:
    """Slots beyond the cap, which a counter that is out of date lets through."""
    beyond = found["measures"]["overshoot"]
    if (beyond["chance"]["mean"] or 0.0) < 0.5:
        return ""
    return f"Over all years {_amount(beyond)} slots are granted beyond the caps, by a counter out of date."


def _both_left(found: Data) -> str:
    """Slots of the last year and people in the pool: the rule, not the cap, keeps them apart."""
    pool, year = found.get("pool"), found["intakes"][-1]["year"]
    unused = found["measures"][f"unused_slots/{year}"]
    waiting = (pool["mean"] if pool else None) or 0.0
    # Whoever came after the last round waits too; that is no fault of the rule, and below one in a hundred.
    if (unused["chance"]["mean"] or 0.0) < 0.5 or waiting < max(0.5, 0.01 * _people(found)):
        return ""
    people = _amount({"chance": pool, "assumptions": None})
    return f"At the end {people} people wait in the pool, while {_amount(unused)} slots of {year} are left."


def _people(found: Data) -> float:
    return float(found["measures"]["in_scope"]["chance"]["mean"] or 0.0)


def binding_sentence(found: Data) -> str:
    """From which demand on a cap binds, against the demand of this run."""
    binding = found["binding"]
    if binding is None:
        return ""
    current, n, half = binding["current"], binding["replications"], binding["half"]
    here = "" if current == 1.0 else f" (this run: {current:g})"

    def demand(multiple: float) -> str:
        if current == 1.0:
            return f"{multiple:.3g} times the scenario's demand"
        return f"demand.multiple = {multiple:.3g}{here}"

    if half is None:
        tried = f"{demand(binding['most'])}, the most tried in all of them"
        return f"No cap comes to bind in half of {n} replications, not up to {tried}."
    if half == 0.0:
        return f"A cap binds in half of {n} replications even at {demand(binding['least'])}."
    quarter, three = binding["quarter"], binding["three_quarters"]
    low = f"less than {binding['least']:.3g}" if quarter == 0.0 else f"{quarter:.3g}"
    high = f"more than {binding['most']:.3g}" if three is None else f"{three:.3g}"
    if half > current:
        said = f"A cap starts to bind, that of {binding['year']} first, at {demand(half)}"
    else:
        times = f"{half:.2g} times the demand" if current == 1.0 else f"demand.multiple = {half:.3g}{here}"
        return (
            f"The {binding['year']} cap would still be reached in half of {n} replications with {times} "
            f"(in a quarter of them: {low}; in three quarters: {high})."
        )
    return f"{said}: in half of {n} replications (in a quarter of them: {low}; in three quarters: {high})."


def _without_cap(found: Data) -> str:
    """What an uncapped programme would take, against the caps there are."""
    measures, intakes = found["measures"], found["intakes"]

    def fill(intake: Data) -> float:
        granted: float = measures[f"grants/{intake['year']}"]["chance"]["mean"]
        return granted / max(1, intake["cap"])

    fullest = max(intakes, key=fill)
    year = fullest["year"]
    said = f"Without a cap {_amount(measures['grants'])} applications are granted over {_years(intakes)}"
    if len(intakes) == 1:
        return f"{said}; the scenario's cap is {count(fullest['cap'])}."
    granted = _amount(measures[f"grants/{year}"])
    return f"{said}; in {year} {granted}, where the scenario's cap is {count(fullest['cap'])}."


def _years(intakes: list[Data]) -> str:
    return _listed([str(each["year"]) for each in intakes])


def _intervals(found: Data) -> str:
    """What the numbers in brackets are."""
    n, drawn, needed = (
        found["replications"],
        found["replications_with_assumptions"],
        found["replications_for_percentiles"],
    )
    if n == 1:
        return "A single replication: it shows one possible world and no range."
    kind = "5th to 95th percentile" if n >= needed else "lowest to highest"
    said = f"In brackets: {kind} of {n:,} replications, by chance alone"
    if drawn:
        other = "" if (drawn >= needed) == (n >= needed) else " (lowest to highest)"
        said += f"; then of {drawn:,} with every uncertain number drawn from its range as well{other}"
    said += "."
    if n < needed:
        said += f" Percentiles are not estimable from fewer than {needed} replications."
    return said
