"""A number of officers on a screen: sentences first, then who decides how much, the portal, the backlog."""

import json
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sim.showing.headline import Data, bounds, count, day
from sim.showing.terminal import figure, print_whole, table_of
from sim.showing.whereabouts import show_folder

MOST_ROWS = 24
COLUMNS = (
    ("decided\nin time", "level", "share"),
    ("worst\nyear", "level_worst_year", "share"),
    ("busy", "utilisation", "share"),
    ("busiest\nmonth", "peak_month_utilisation", "share"),
    ("days:\nmedian", "median_wait_days", "count"),
    ("9 in 10\nwithin", "p90_wait_days", "count"),
    ("peak\nbacklog", "backlog_max", "count"),
    ("longest\nqueue", "longest_queue", "count"),
    ("overtime\nh/week", "overtime_hours_a_week", "decimal"),
)


def show(found: Data, console: Console, *, folder: Path | None = None, brief: bool = False) -> None:
    """Print what was found; `brief`: the sentences only."""
    for sentence in sentences(found):
        console.print(sentence, highlight=False, soft_wrap="\n  " in sentence)  # a command stays one line
    if not found["complete"]:
        console.print(
            f"INCOMPLETE: {found['stopped']}. What was finished is shown and kept.", style="bold red"
        )
    if brief:
        return
    for title, table in (
        (_officers_title(found), _officers(found)),
        ("The busiest moments at the portal, means over replications and " + _reach(found), _portal(found)),
        (
            f"Files over time with {_officers_of(found['shown'])}, means over replications and "
            + _reach(found),
            _over_time(found),
        ),
    ):
        if table is not None and table.row_count:
            console.print()
            console.print(Text(title, style="bold"))
            print_whole(table, console)
    console.print()
    console.print(Text(_provenance(found), style="dim"), soft_wrap=False)
    if folder is not None:
        show_folder(console, folder)


def sentences(found: Data) -> list[str]:
    """The paragraphs, the most important first."""
    said = [_answer(found), _busy(found), _assumed(found), _portal_said(found), _load_said(found)]
    return [each for each in said if each]


def _officers_of(number: int) -> str:
    return "1 officer" if number == 1 else f"{count(number)} officers"


def _row(found: Data, officers: int | None) -> Data | None:
    return next((each for each in found["officers"] if each["officers"] == officers), None)


def _target(found: Data) -> str:
    """What is to be met: "90 % of the applications within 112 days"."""
    standard = found["standard"]
    of = " of every year's applications" if standard["each_year"] and found["years"] > 1 else ""
    return f"{_percent(standard['share'])}{of} within {standard['days']:g} days"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _judged(found: Data) -> str:
    """The measure that is judged."""
    return "level_worst_year" if found["standard"]["each_year"] else "level"


def _shares(row: Data, name: str) -> str:
    """Bounds of a share: "81 to 86 %"."""
    ends = bounds(row["measures"].get(name))
    if ends is None:
        return ""
    low, high = (f"{100 * end:.0f}" for end in ends)
    return f"{low} %" if low == high else f"{low} to {high} %"


def _times(row: Data) -> str:
    """In how many replications: "97 of 100 replications (92 to 99 %)"."""
    met = row["met"]
    if met["n"] == 1:
        return "the only replication"
    low, high = (f"{100 * met[end]:.0f}" for end in ("low", "high"))
    return f"{met['times']:,} of {met['n']:,} replications ({low} to {high} %)"


def _answer(found: Data) -> str:
    needed = found["needed"]
    if needed is None:
        return (
            f"No service level can be judged: the scenario ends before {found['standard']['days']:g} days "
            "after the applications are over."
        )
    if not found["officers"]:
        return ""
    if found["answer"] is None:
        return _none(found)
    row, below = _row(found, found["answer"]), _row(found, found["answer"] - 1)
    assert row is not None, found["answer"]
    decide = "decides" if found["answer"] == 1 else "decide"
    said = f"{_officers_of(found['answer'])} {decide} {_target(found)} in {_times(row)}"
    if below is not None:
        worst = " in the worst year" if found["standard"]["each_year"] and found["years"] > 1 else ""
        do = "does" if below["officers"] == 1 else "do"
        said += f"; {count(below['officers'])} {do} so in {below['met']['times']:,}"
        said += f" ({_shares(below, _judged(found))} decided in time{worst})"
    return said + "."


def _none(found: Data) -> str:
    """That officers are not what is missing, or that more are needed than may be had."""
    most = found["bounds"][1]
    row = _row(found, most)
    assert row is not None, most
    low, high = found["unstaffed_weeks"]
    said = f"No number of officers up to {count(most)} decides {_target(found)} often enough: "
    said += f"{_officers_of(most)} in {_times(row)}, with {_shares(row, _judged(found))} decided in time"
    waited = row["measures"]["waited_share"]["mean"]
    if waited is not None and waited < 0.01:
        return said + (
            f". It is not officers that are missing: with so many hardly a file waits for one, but the "
            f"checks before them take {low:g} to {high:g} weeks."
        )
    return said + "."


def _busy(found: Data) -> str:
    """Whether the average or a peak decides how many are needed."""
    row, own = _row(found, found["answer"]), _row(found, found["own"])
    said = ""
    if row is not None:
        mean, peak = (row["measures"][name]["mean"] for name in ("utilisation", "peak_month_utilisation"))
        if mean is not None and peak is not None:
            said = f"On average they are busy {figure(mean, 'share')} of their time"
            said += f", in the busiest month {figure(peak, 'share')}"
            said += ": a peak decides, not the average." if peak > 1.5 * mean else "."
    if own is not None and row is not None and found["own"] < row["officers"]:
        worst = " in the worst year" if found["standard"]["each_year"] and found["years"] > 1 else ""
        said += f" The scenario has {count(found['own'])}, who get {_shares(own, _judged(found))} "
        said += f"done in time{worst}."
    elif row is not None and found["own"] > row["officers"]:
        said += f" The scenario has {count(found['own'])}."
    return said


def _assumed(found: Data) -> str:
    needed = found["needed_with_assumptions"]
    if needed is None:
        return ""
    most = f"more than {count(found['bounds'][1])}"
    half, sure, least = (
        most if needed[name] is None else count(needed[name]) for name in ("half", "confident", "least")
    )
    return (
        f"With the assumptions drawn from their ranges it takes {sure} to be as sure; half of the draws need "
        f"at most {half}, the luckiest {least}."
    )


def _portal_said(found: Data) -> str:
    portal = found["portal"]
    if portal is None or not portal["day"]["applications"]["mean"]:
        return ""
    a_day, hour = portal["day"], portal["stretches"]["hour"]
    minute = portal["stretches"]["minute"]
    often = a_day["often"]
    when = f"{day(a_day['date'])}" + (
        f" in {often['times']:,} of {often['n']:,} replications" if often["times"] < often["n"] else ""
    )
    rush = minute["per_s"]["mean"] * 60 >= 30
    peak = minute if rush else hour
    said = (
        f"The busiest day is {when}, with {_count(a_day['applications'])} applications; the busiest hour has "
        f"{_count(hour['applications'])}"
    )
    said += f", the busiest minute {_count(minute['applications'])}" if rush else ""
    said += f": {_rate(peak['per_s']['mean'])} a second."
    if not rush:
        said += (
            " People file evenly round the clock here, so that is a floor: all in the offices' "
            f"{portal['office_hours']:g} hours they would be "
            f"{_rate(portal['in_office_hours_per_s']['mean'])} a second."
        )
    worst = peak["requests_per_s_at_worst"]["mean"]
    return said + (
        f" With what [load] assumes that is {_rate(peak['requests_per_s']['mean'])} requests a second, and "
        f"{_rate(worst)} if every one had to be repeated."
    )


def _rate(per_s: float) -> str:
    return f"{per_s:,.0f}" if per_s >= 100 else f"{per_s:.2g}"


def _count(spread: Data) -> str:
    """A mean with its bounds: "163 (150 to 175)"."""
    ends = bounds(spread)
    if ends is None:
        return "-"
    low, high = (count(end) for end in ends)
    return count(spread["mean"]) + ("" if low == high else f" ({low} to {high})")


def _load_said(found: Data) -> str:
    load = found["load"]
    if load is None:
        return ""
    if load["command"] is None:
        return f"No line replays this against a service: {load['why']}."
    pace = "as fast as it comes" if load["compress"] == 1 else f"{load['compress']} times as fast as it comes"
    stretch = "minute" if load["compress"] == 1 else "hour"
    return f"Replay the busiest {stretch}, {pace}:\n  {load['command']}"


def _reach(found: Data) -> str:
    return "5-95 %" if found["replications"] >= found["replications_for_percentiles"] else "their range"


def _officers_title(found: Data) -> str:
    wanted = f"{_target(found)}; wanted in {_percent(found['confidence'])} of them"
    return f"Officers, means over {found['replications']:,} replications; met: {wanted}"


def _officers(found: Data) -> Table:
    table = table_of("officers", "met", *(header for header, _, _ in COLUMNS))
    for row in found["officers"]:
        met, measures = row["met"], row["measures"]
        marked = (" <" if row["officers"] == found["answer"] else "") + (
            " (now)" if row["officers"] == found["own"] else ""
        )
        share = "-" if met["probability"] is None else figure(met["probability"], "share")
        cells = [share]
        for _, name, unit in COLUMNS:
            mean = measures[name]["mean"]
            cells.append("-" if mean is None else figure(mean, unit))
        ends = _shares(row, _judged(found))
        judged = 1 if _judged(found) == "level" else 2
        cells[judged] += f"\n({ends})" if ends else ""
        table.add_row(f"{count(row['officers'])}{marked}", *cells)
    return table


def _portal(found: Data) -> Table | None:
    portal = found["portal"]
    if portal is None:
        return None
    table = table_of("", "applications", "a second", "requests a second", "at worst")
    a_day = portal["day"]
    table.add_row(f"day ({day(a_day['date'])} most often)", _count(a_day["applications"]), "", "", "")
    hours = portal["in_office_hours_per_s"]["mean"]
    table.add_row("  if all in the offices' hours", "", _rate(hours), _rate(hours * portal["sends"]), "")
    for name in ("hour", "minute", "second"):
        each = portal["stretches"][name]
        table.add_row(
            name,
            _count(each["applications"]),
            _rate(each["per_s"]["mean"]),
            _rate(each["requests_per_s"]["mean"]),
            _rate(each["requests_per_s_at_worst"]["mean"]),
        )
    return table


def _over_time(found: Data) -> Table | None:
    curves = found["over_time"]
    if curves is None:
        return None
    table = table_of("end of", "in processing", "waiting for an officer")
    rows = list(zip(curves["ends"], curves["backlog"], curves["queue"], strict=True))
    step = -(-len(rows) // MOST_ROWS)
    for end, backlog, queue in rows[(len(rows) - 1) % step :: step]:
        table.add_row(day(end), _count(backlog), _count(queue))
    return table


def _provenance(found: Data) -> str:
    """What was run, so that it can be run again."""
    parts = [f"{found['scenario']['name']}, policy {found['policy']['name']}", f"seed {found['seed']}"]
    if found["settings"]:
        settings = (f"{key} = {json.dumps(value)}" for key, value in sorted(found["settings"].items()))
        parts.insert(1, "with " + ", ".join(settings))
    parts.append(found["stopped"])
    parts.append(f"{found['bounds'][0]} to {count(found['bounds'][1])} officers were allowed")
    return "; ".join(parts) + "."
