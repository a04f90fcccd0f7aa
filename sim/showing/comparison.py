"""A comparison on a screen or in a file: sentences first, the planner's table, then each policy in detail.

Everything is made from the data of summary.json. Every table has, per policy, the busiest hour at the portal
and the most files in processing at any moment: what a rule asks of the service and of the offices.
"""

import json
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sim.showing import chances, dates, foresight, robust
from sim.showing.comparison_sentences import called, sentences, whom
from sim.showing.headline import Data, bounds, count
from sim.showing.terminal import figure, print_whole, table_of
from sim.showing.whereabouts import show_folder

PLANNER = (
    ("granted", "grants", "count"),
    ("permits", "permits", "count"),
    ("P(slot)", "slot_probability", "share"),
    ("before\nPR", "permit_before_pr_probability", "share"),
    ("days", "median_wait_days", "count"),
    ("work-\nmonths", "labour_months_gained", "count"),
    ("unused", "unused_slots", "count"),
    ("over\ncap", "over_cap_returns", "count"),
    ("letters\nwasted", "invitations_wasted", "count"),
    ("busiest\nhour", "peak_hour_applications", "count"),
    ("peak\nbacklog", "backlog_max", "count"),
)
"""Column, measure, how it is written."""
BESIDE = (
    ("slots granted", "grants", "count"),
    ("P(slot)", "slot_probability", "share"),
    ("median days to a decision", "median_wait_days", "count"),
    ("applications in the busiest hour", "peak_hour_applications", "count"),
    ("most files in processing", "backlog_max", "count"),
)
SIGNS = {
    "better": "+",
    "worse": "-",
    "higher": ">",
    "lower": "<",
    "same": "=",
    "no worse": "~",
    "not settled": "?",
}
SHARES = ("slot_probability", "permit_before_pr_probability", "service_level")
CHANGES = ("slot_gained", "slot_lost", "permit_gained", "permit_lost", "permit_earlier", "permit_later")
LABELS = {
    "grants": "slots granted",
    "permits": "permits",
    "slot_probability": "P(slot), %",
    "permit_before_pr_probability": "P(permit before PR), %",
    "median_wait_days": "median days to a decision",
    "service_level": "decided within the standard, %",
    "labour_months_gained": "months of work gained",
    "unused_slots": "unused slots",
    "over_cap_returns": "returns over the cap",
    "invitations_wasted": "invitations wasted",
    "gini_wait": "Gini of waits",
    "order_inversions": "served out of order",
    "peak_hour_applications": "applications, busiest hour",
    "backlog_max": "files in processing, most",
}


def show(found: Data, console: Console, *, folder: Path | None = None, brief: bool = False) -> None:
    """Print a comparison; `brief`: the sentences only."""
    for sentence in sentences(found):
        console.print(sentence, highlight=False)
    if not found["complete"]:
        console.print(
            f"INCOMPLETE: {found['stopped']}. What was finished is shown and kept.", style="bold red"
        )
    if brief:
        return
    _print(console, _planner_title(found), _planner(found))
    if found["beside"]:
        _print(console, _beside_title(found), _beside(found))
    if (when := dates.compared(found)) is not None:
        _print(console, dates.COMPARED_TITLE, when)
    if len(found["streams"]) > 1:
        _print(console, chances.title(found), chances.equal_chances(found))
    if found["predictability"]:
        _print(console, foresight.title(found), foresight.foresight(found))
    for title, table in robust.tables(found) if found["shocks"] else []:
        _print(console, title, table)
    for name in found["order"][1:]:
        if _is_identical(found, name):
            console.print()
            console.print(f"{_title(found, name)}: nothing differs for anybody; {_load(found, name)}.")
            continue
        _print(console, _title(found, name), _contrasts(found, name))
        _print(
            console,
            f"Who gains and who loses under {called(name)}; {_load(found, name)}",
            _groups(found, name),
        )
        for line in _why(found, name):
            console.print(line, highlight=False)
    console.print()
    console.print(_assumed(found), highlight=False)
    console.print(Text(_provenance(found), style="dim"), soft_wrap=False)
    if folder is not None:
        show_folder(console, folder)


def _print(console: Console, title: str, table: Table) -> None:
    table.columns[0].no_wrap = True
    console.print()
    console.print(Text(title, style="bold"))
    print_whole(table, console)


KEY = (
    "Before PR: people with a permit before permanent residence; days: median, application to decision; "
    "over cap: applications that found no slot; busiest hour: applications at the portal; peak backlog: "
    "most files in processing"
)


def _planner_title(found: Data) -> str:
    said = f"Means over {found['replications']:,} replications; against {called(found['baseline'])}: "
    said += "+ better, - worse, > higher, < lower (Holm), "
    return f"{said}= same within {100 * found['margin']:g} % (TOST), ~ no worse, ? not settled. {KEY}"


def _planner(found: Data) -> Table:
    """One row a policy, the baseline first."""
    table = table_of("policy", *(header for header, _, _ in PLANNER))
    signs = _signs(found["contrasts"])
    for name in found["order"]:
        policy = found["policies"][name]
        table.add_row(
            name, *(_mean(policy["measures"][m], unit) + signs.get((name, m), "") for _, m, unit in PLANNER)
        )
    return table


def _signs(contrasts: list[Data]) -> dict[tuple[str, str], str]:
    """(policy, measure) -> the sign of its verdict."""
    return {(each["policy"], each["measure"]): " " + SIGNS.get(each["verdict"], " ") for each in contrasts}


def _beside_title(found: Data) -> str:
    n = found["beside"][0]["replications"]
    return (
        f"The same at more demand, side by side (means of {n:,} replications; 1 x: {found['replications']:,})"
    )


def _beside(found: Data) -> Table:
    """Demands as columns; for each measure a block with one row a policy."""
    sides = found["beside"]
    table = table_of(
        "", "1 x", *(f"{side['times']:.3g} x" + ("\nbinds" if side["binds"] else "") for side in sides)
    )
    for label, measure, unit in BESIDE:
        table.add_row(label, *[""] * (len(sides) + 1), style="italic")
        for name in found["order"]:
            policy = found["policies"][name]
            cells = [
                _mean(policy["measures"][measure], unit) + _signs(found["contrasts"]).get((name, measure), "")
            ]
            cells += [
                _mean(side["policies"][name][measure], unit)
                + _signs(side["contrasts"]).get((name, measure), "")
                for side in sides
            ]
            table.add_row(f"  {name}", *cells)
    return table


def _title(found: Data, name: str) -> str:
    summary = found["policies"][name]["summary"]
    return f"{name}{': ' if summary else ''}{summary}; against {found['baseline']}"


def _is_identical(found: Data, name: str) -> bool:
    """Whether a policy does what the baseline does, person by person."""
    gaps = (each["difference"] for each in found["contrasts"] if each["policy"] == name)
    everyone = next(row for row in found["groups"] if (row["policy"], row["kind"]) == (name, "everyone"))
    return not any(gaps) and not any(everyone[each] for each in CHANGES)


def _contrasts(found: Data, name: str) -> Table:
    """One row a measure: the difference with its intervals, and what it comes to."""
    drawn = found["replications_with_assumptions"] > 0
    table = table_of(
        "",
        found["baseline"],
        name,
        "difference (95 %)",
        "all hold together",
        *(["with assumptions"] if drawn else []),
        "p (Holm)",
        "verdict",
    )
    for each in found["contrasts"]:
        is_told = each["measure"] != "disparate_impact_ratio" or len(found["streams"]) > 1
        if each["policy"] == name and "/" not in each["measure"] and is_told:
            table.add_row(*_row(found, each, drawn))
    return table


def _row(found: Data, each: Data, drawn: bool) -> list[str]:
    measure = each["measure"]
    label = LABELS.get(measure) or chances.ratio_label(found)
    if not each["n"]:
        return [label, *["-"] * (6 if drawn else 5), "not estimable"]
    cells = [
        label,
        _number(measure, each["base"]),
        _number(measure, each["value"]),
        f"{_number(measure, each['difference'], signed=True)} ({_range(measure, each['low'], each['high'])})",
        _range(measure, each["all_low"], each["all_high"]),
    ]
    if drawn:
        cells.append(_range(measure, *(bounds(each["assumptions"]) or (None, None))))
    p, n = each["p_holm"], each["n"]
    some = (
        f" ({n:,} of {found['replications']:,})" if n < found["replications"] else ""
    )  # the others have none
    return [*cells, "" if p is None else "<0.001" if p < 0.001 else f"{p:.3f}", each["verdict"] + some]


def _groups(found: Data, name: str) -> Table:
    """One row a group: chances of a slot under both, and people who gain and lose; all mean numbers."""
    table = table_of(
        "", "people", "P(slot) before", "after", "points (95 %)", "gain", "lose", "sooner", "later"
    )
    for row in found["groups"]:
        if (
            row["policy"] != name
            or row["kind"] == "quarter"
            or (row["kind"] == "decile" and row["group"] not in "10")
        ):
            continue
        if not row["people"]:
            continue
        measure = "slot_probability"
        suffix = "" if row["kind"] == "everyone" else f"/{row['kind']}={row['group']}"
        difference = _number(measure, row["difference"], signed=True)
        table.add_row(
            whom(measure + suffix).removeprefix("people "),
            count(row["people"]),
            _number(measure, row["base"]),
            _number(measure, row["value"]),
            f"{difference} ({_range(measure, row['low'], row['high'])})",
            *(_small(row[each]) for each in ("slot_gained", "slot_lost", "permit_earlier", "permit_later")),
        )
    return table


def _why(found: Data, name: str) -> list[str]:
    """Why people gain and lose a slot, and how much sooner and later permits come."""
    measures = found["policies"][name]["measures"]
    lines = []
    for counted, head in (
        ("slot_lost", "Why a slot is lost"),
        ("slot_gained", "Why there was none before, of slots gained"),
    ):
        causes = [(measures[f"{counted}/why={why}"]["mean"], said) for why, said in found["reasons"].items()]
        told = [f"{said} ({_small(mean)})" for mean, said in sorted(causes, reverse=True) if mean >= 0.05]
        if told:
            lines.append(f"{head}: {'; '.join(told)}.")
    for way, word in (("earlier", "sooner"), ("later", "later")):
        days = measures[f"permit_days_{way}"]["mean"]
        if days is not None:
            stages = {s: measures[f"permit_{way}/why={s}"]["mean"] for s in ("letter", "slot", "office")}
            most = max(stages, key=lambda stage: stages[stage])
            lines.append(f"Permits that come {word} do so by {days:.0f} days on average, most by the {most}.")
    return lines


def _load(found: Data, name: str) -> str:
    measures = found["policies"][name]["measures"]
    hour, files = (measures[each]["mean"] for each in ("peak_hour_applications", "backlog_max"))
    return f"busiest hour {count(hour)} applications, at most {count(files)} files in processing"


def _mean(spread: Data, unit: str) -> str:
    return "-" if spread["mean"] is None else figure(spread["mean"], unit)


def _number(measure: str, value: float | None, *, signed: bool = False) -> str:
    """A value of a measure as text, shares in per cent, with places to suit its size."""
    if value is None:
        return "-"
    value = 0.0 if abs(value) < 1e-12 else value  # rounding is no difference
    if measure.partition("/")[0] in SHARES:
        return f"{100 * value:{'+' if signed else ''}.1f}"
    places = (
        0
        if abs(value) >= 100
        else 3
        if measure in ("disparate_impact_ratio", "gini_wait", "order_inversions")
        else 1
    )
    return f"{value:{'+' if signed else ''},.{places}f}"


def _range(measure: str, low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return "-"
    return f"{_number(measure, low)} to {_number(measure, high)}"


def _small(value: float | None) -> str:
    """A mean number of people: with a place if it is small."""
    if value is None:
        return "-"
    return f"{value:.1f}" if 0 < value < 10 else count(value)


def _assumed(found: Data) -> str:
    """How many numbers are uncertain, and where each is found with its source."""
    numbers = found["assumptions"]
    assumed = sum(each["basis"] == "assumption" for each in numbers)
    ranged = sum(each["low"] is not None for each in numbers)
    said = f"{assumed} of {len(numbers)} labelled numbers are assumptions, {ranged} have a range; "
    return said + "summary.json, --csv and --xlsx have each with its source and note."


def _provenance(found: Data) -> str:
    """What was run, so that it can be run again."""
    parts = [found["scenario"]["name"], f"seed {found['seed']}", found["stopped"]]
    if found["settings"]:
        settings = (f"{key} = {json.dumps(value)}" for key, value in sorted(found["settings"].items()))
        parts.insert(1, "with " + ", ".join(settings))
    n, needed = found["replications"], found["replications_for"]["tails"]
    if drawn := found["replications_with_assumptions"]:
        kind = "5th to 95th percentile" if drawn >= found["replications_for"]["percentiles"] else "range"
        parts.append(f"with assumptions: {kind} of the differences of {drawn:,} replications that draw them")
    if 1 < n < needed:
        parts.append(f"bad years (one in ten) not estimable from fewer than {needed} replications")
    return "; ".join(parts) + "."
