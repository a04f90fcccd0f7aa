"""The result of a run on a screen or in a file: sentences first, then tables, the uptake, the assumptions.

Everything is made from the data of summary.json, so an old run is shown like a new one.
"""

import json
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sim.showing import chances, dates
from sim.showing.headline import Data, bounds, count, day, sentences
from sim.showing.terminal import console_for, figure, print_whole, table_of
from sim.showing.whereabouts import show_folder

__all__ = ["console_for", "show"]

MOST_SHOWN = 10
"""Numbers of the register that are printed; all are in summary.json."""
LONG_KEY = 30
BARS, ASCII_BARS = " ▁▂▃▄▅▆▇█", " .:-=+*#@"


def show(found: Data, console: Console, *, folder: Path | None = None, brief: bool = False) -> None:
    """Print a run; `brief`: the sentences only."""
    for sentence in sentences(found):
        console.print(sentence, highlight=False)
    if not found["complete"]:
        console.print(
            f"INCOMPLETE: {found['stopped']}. What was finished is shown and kept.", style="bold red"
        )
    if brief:
        return
    bars = ASCII_BARS if console.options.ascii_only else BARS
    for title, table in (
        (YEAR_BY_YEAR, _years(found)),
        (dates.TITLE + _starred(found), dates.reached(found, ascii_only=console.options.ascii_only)),
        ("Who gets a slot by the end", _streams(found)),
        (chances.title(found), chances.equal_chances(found)),
        ("What it gains, and what it asks of the offices", _gains(found)),
        (f"Uptake against the cap, month by month: {bars[-1]} is the cap", _uptake(found, bars)),
        (_register_title(found), _register(found)),
    ):
        if table is not None and table.row_count:
            console.print()
            console.print(Text(title, style="bold"))
            print_whole(table, console)
    console.print()
    console.print(Text(_provenance(found), style="dim"), soft_wrap=False)
    if folder is not None:
        show_folder(console, folder)


def _starred(found: Data) -> str:
    return "; *: assumptions drawn" if found["replications_with_assumptions"] else ""


def _mean(found: Data, name: str, *, unit: str = "count") -> str:
    """The mean of a measure under chance; a dash if there is none."""
    measure = found["measures"].get(name)
    if measure is None or measure["chance"]["mean"] is None:
        return "-"
    return figure(measure["chance"]["mean"], unit)


def _range(found: Data, name: str, *, unit: str = "count", variant: str = "chance") -> str:
    measure = found["measures"].get(name)
    ends = bounds(measure[variant]) if measure else None
    if ends is None:
        return "-"
    low, high = (figure(end, unit) for end in ends)
    return low if low == high else f"{low} to {high}"


YEAR_BY_YEAR = (
    "Year by year: means over replications; reached: how often; permits: decided by the scenario's end; "
    "days: median, application to decision; busy: officers' time"
)

BY_YEAR = (
    ("applied", "applications", "count"),
    ("granted", "grants", "count"),
    ("permits", "permits", "count"),
    ("days", "median_wait_days", "count"),
    ("busy", "utilisation", "share"),
)
"""Column, measure and how it is written; a measure that is not known by year is left out."""


def _years(found: Data) -> Table:
    """One row a year, then all together; around `granted` what the cap does to it."""
    years = [intake["year"] for intake in found["intakes"]]
    shown = [each for each in BY_YEAR if any(f"{each[1]}/{year}" in found["measures"] for year in years)]
    capped = found["policy"]["capped"]
    halves = [
        (intake["reached"] or {"quantiles": {}})["quantiles"].get("median") for intake in found["intakes"]
    ]
    headers = ["year", "cap + carried in" if any(_carried_in(found, f"/{y}") for y in years) else "cap"]
    for header, name, _ in shown:
        if name == "grants" and not capped:
            header += f" ({_reach(found)})"
        headers.append(header)
        if name == "grants" and capped:
            headers += [f"unused ({_reach(found)})", "reached", *(["half by"] if any(halves) else [])]
    table = table_of(*headers)
    for intake, half in zip([*found["intakes"], None], [*halves, None], strict=True):
        suffix = f"/{intake['year']}" if intake else ""
        row = [str(intake["year"]) if intake else "all"]
        row.append(count(intake["cap"] if intake else sum(each["cap"] for each in found["intakes"])))
        row[-1] += f" + {count(carried)}" if intake and (carried := _carried_in(found, suffix)) else ""
        for _, name, unit in shown:
            cell = _mean(found, name + suffix, unit=unit)
            if name == "grants" and not capped:
                cell += f" ({_range(found, name + suffix)})"
            row.append(cell)
            if name == "grants" and capped:
                row += [
                    _left(found, suffix),
                    figure(intake["reached"]["probability"], "share") if intake else "",
                ]
                row += [day(half["date"]) if half else "-" if intake else ""] if any(halves) else []
        table.add_row(*row)
    return table


def _reach(found: Data) -> str:
    return "5-95 %" if found["replications"] >= found["replications_for_percentiles"] else "range"


def _left(found: Data, suffix: str) -> str:
    """Unused slots with their range; instead, those carried on."""
    carried = found["measures"][f"carried_slots{suffix}"]["chance"]["mean"]
    if suffix and carried is not None and carried >= 0.5:
        return f"{count(carried)} carried on"
    return f"{_mean(found, f'unused_slots{suffix}')} ({_range(found, f'unused_slots{suffix}')})"


def _streams(found: Data) -> Table:
    """One row a stream: how many people, and the chance of a slot."""
    table = table_of("stream", "people in scope", "P(slot)", _reach(found), "with assumptions")
    rows = [("everyone", "in_scope", "slot_probability")]
    rows += [
        (f"{name}: {text}" if text else name, f"in_scope/stream={name}", f"slot_probability/stream={name}")
        for name, text in found["streams"].items()
    ]
    for label, people, probability in rows if len(rows) > 2 else rows[:1]:
        table.add_row(
            label,
            _mean(found, people),
            _mean(found, probability, unit="share"),
            _range(found, probability, unit="share"),
            _range(found, probability, unit="share", variant="assumptions"),
        )
    return table


def _carried_in(found: Data, suffix: str) -> int:
    """Slots of the year before that were added, on average; none under a policy without a cap."""
    mean = found["measures"][f"carried_in{suffix}"]["chance"]["mean"]
    return round(mean or 0.0)


SHOWN = (
    (
        "years_saved",
        "years earlier than by permanent residence alone (whom it would never bring: a permit's validity)",
        "count",
    ),
    ("years_saved_per_arrival", "the same, per person who arrived", "decimal"),
    ("labour_months_gained", "months of work gained", "count"),
    ("permit_before_pr_probability", "P(permit before permanent residence)", "share"),
    ("median_wait_days", "median days from application to decision", "count"),
    ("service_level", "decided within the service standard", "share"),
    ("utilisation", "officers' time in use", "share"),
    ("longest_queue", "longest queue for an officer, files", "count"),
    ("peak_day_applications", "applications on the busiest day", "count"),
    ("peak_hour_applications", "applications in the busiest hour", "count"),
)
"""Measure, how it is called here, and how its values are written."""


def _gains(found: Data) -> Table:
    table = table_of("", "mean", _reach(found), "with assumptions")
    for name, label, unit in SHOWN:
        if found["measures"].get(name, {"chance": {"n": 0}})["chance"]["n"]:
            table.add_row(
                label,
                _mean(found, name, unit=unit),
                _range(found, name, unit=unit),
                _range(found, name, unit=unit, variant="assumptions"),
            )
    return table


def _uptake(found: Data, bars: str) -> Table | None:
    """Three sparklines a year: low, mean and high share of the slots used by each month's end."""
    if not any(intake["uptake"]["spreads"] for intake in found["intakes"]):
        return None
    table = table_of("year", "low", "mean", "high", "used by its end", left=4)
    for intake in found["intakes"]:
        spreads = intake["uptake"]["spreads"]
        if not spreads:
            continue
        ends = [bounds(each) for each in spreads]
        low, high = ([end[side] if end else 0.0 for end in ends] for side in (0, 1))
        mean = [each["mean"] for each in spreads]
        last = f"{figure(mean[-1], 'share')} ({figure(low[-1], 'share')} to {figure(high[-1], 'share')})"
        # Months before the opening stay blank, so that the same month stands in the same column each year.
        before = " " * (int(intake["uptake"]["months"][0][5:]) - 1)
        table.add_row(str(intake["year"]), *(before + spark(line, bars) for line in (low, mean, high)), last)
    return table


def spark(shares: list[float], bars: str = BARS) -> str:
    """A line of blocks, one a share between 0 and 1; anything above 0 shows, only 1 fills a block."""
    return "".join(bars[min(8, max(1 if share > 0 else 0, int(8 * share + 1e-9)))] for share in shares)


def _register_title(found: Data) -> str:
    register = found["register"]
    name, numbers = register["ranked_by"], len(register["numbers"])
    what = {"grants": "slots granted in total", "median_wait_days": "the median wait"}.get(name, name)
    shown = f" (first {MOST_SHOWN} of {numbers})" if numbers > MOST_SHOWN else ""
    return f"Assumptions, by how far each alone moves {what}{shown}"


def _register(found: Data) -> Table:
    """One row a number: its range, and the headline at its low, as it is, and at its high."""
    name = found["register"]["ranked_by"]
    table = table_of("number", "basis", "low to high", "at low", "base", "at high", "moves", left=2)
    for number in found["register"]["numbers"][:MOST_SHOWN]:
        unit, moves = "count" if name == "grants" else "decimal", number["influence"]
        ends = [number.get(at, {}).get(name) for at in ("at_low", "at_base", "at_high")]
        table.add_row(
            _broken(number["key"]),
            " ".join(filter(None, [number["basis"], number["source"]])),
            f"{_plain(number['low'])} to {_plain(number['high'])}",
            *("-" if end is None else figure(end, unit) for end in ends),
            "-" if moves is None else figure(moves, unit) if number.get("above_chance", True) else NOISE,
        )
    return table


NOISE = "not above\nchance"


def _broken(key: str) -> str:
    """A long key on several lines, parted at dots."""
    first, *rest = key.split(".")
    lines = [first]
    for part in rest:
        if len(f"{lines[-1]}.{part}") <= LONG_KEY or len(key) <= LONG_KEY:
            lines[-1] += f".{part}"
        else:
            lines.append(f"  .{part}")
    return "\n".join(lines)


def _plain(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) else f"{value:g}"


def _provenance(found: Data) -> str:
    """What was run, so that it can be run again."""
    parts = [
        f"{found['scenario']['name']}, policy {found['policy']['name']}",
        f"seed {found['seed']}",
        f"{found['stopped']}",
    ]
    if found.get("settings"):
        settings = (f"{key} = {json.dumps(value)}" for key, value in sorted(found["settings"].items()))
        parts.insert(1, "with " + ", ".join(settings))
    numbers = found["register"]["numbers"]
    if numbers:
        parts.append(f"influence from {found['register']['replications']} replications at either end")
    return "; ".join(parts) + "."
