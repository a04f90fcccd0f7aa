"""quotalab trace: what a load test of a scenario would send, without sending it.

Exit codes: 0; 3 for usage or input.
"""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from sim.errors import complaint

if TYPE_CHECKING:  # these bring the simulation with them, which --help has no use for
    from rich.table import Table

    from loadtests.trace import Trace
    from loadtests.tracing.summary import Summary

app = App(
    name="trace", help="Print or write what a load test of a scenario would send.", help_format="plaintext"
)

Flag = Annotated[bool, Parameter(negative="")]
SHOWN = 10
"""Rows that are printed when nobody says how many."""
SHORT = (
    "due_s",
    "op",
    "applicant",
    "stream",
    "intake",
    "chain",
    "complete",
    "hedge_ms",
    "release_s",
    "reason",
)
"""The columns that are printed; a file has all of them."""


@app.default
def trace(
    scenario: str,
    /,
    *,
    out: Path | None = None,
    head: int | None = None,
    rate: float | None = None,
    compress: float | None = None,
    minutes: float | None = None,
    window: str | None = None,
    scale: float = 1.0,
    seed: int | None = None,
    policy: str | None = None,
    run: str = "trace",
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
    quiet: Flag = False,
) -> int:
    """Print what a load test of a scenario would send, or write it to a file for another tool.

    Parameters
    ----------
    scenario
        Path of a scenario file, or the name of a shipped one, such as opening-day.
    out
        File to write the requests to: .csv, .jsonl or .parquet.
    head
        Only so many requests, the first ones; 10 are printed if left out, and all written to a file.
    rate
        No more first sends a second than this.
    compress
        Seconds of the scenario in a second of the run; the scenario's own if left out.
    minutes
        How long the replay lasts, instead.
    window
        Only a part of the scenario: a day as 2022-12-31, or 2022-12-31T23:59:30/2023-01-01T00:00:30.
    scale
        Shrink people and caps together, as in --scale 0.02.
    seed
        Seed of the population; the scenario's own if left out.
    policy
        Policy whose simulated outcome gives the moments; the scenario's own if left out.
    run
        Id of the run, part of the applicants' names and of every key.
    as_json
        Print the numbers as JSON.
    quiet
        Print nothing where a file is written; else the requests as CSV, without the numbers.
    """
    from loadtests.trace import build
    from loadtests.tracing import table
    from loadtests.tracing.summary import summary
    from loadtests.tracing.window import window_of
    from sim import scenario_file

    _check(scale=scale, rate=rate, compress=compress, minutes=minutes, head=head, run=run)
    made = build(
        scenario_file.load(scenario),
        run=run,
        seed=seed,
        policy=policy,
        compress=compress,
        minutes=minutes,
        rate=rate,
        scale=scale,
        window=None if window is None else window_of(window),
    )
    if out is not None:
        table.write(made, out, head=head)
    if as_json:
        print(json.dumps(summary(made).as_plain(), indent=2))
    elif quiet and out is None:
        table.write_csv(table.rows(made, head=head), sys.stdout)
    elif not quiet:
        _show(made, summary(made), SHOWN if head is None else head, out)
    return 0


def _check(*, run: str, **numbers: float | None) -> None:
    least = {"scale": 1e-6, "rate": 1e-3, "compress": 1e-6, "minutes": 1e-3, "head": 0}
    for key, number in numbers.items():
        if number is not None and number < least[key]:
            raise complaint(f"{number:g} is too small", key=f"--{key}", expected=f"at least {least[key]:g}")
    if not (run.isascii() and run.isalnum()):
        raise complaint(f"{run!r} is no id", key="--run", expected="letters and digits")


def _show(made: "Trace", numbers: "Summary", head: int, out: Path | None) -> None:
    """The numbers in sentences; then the first requests, or where all of them are."""
    from sim.showing.run import console_for

    console = console_for(sys.stdout)
    for sentence in sentences(made, numbers):
        console.print(sentence, soft_wrap=True)
    if out is not None:
        console.print(f"written to {out}", soft_wrap=True)
    elif head:
        console.print()
        console.width = max(console.width, 120)
        console.print(_first(made, head))


def sentences(made: "Trace", numbers: "Summary") -> list[str]:
    """What will be sent, in words: for whom and what, how often again, for how long, how fast."""
    found = numbers
    caps = ", ".join(f"{cap.name}: {cap.limit:,}" for each in made.intakes for cap in each.caps)
    may_not = f", {found.ineligible:,} of whom may not have a slot" if found.ineligible else ""
    return [
        f"{made.scenario} under {made.policy}, seed {made.seed}: {found.people:,} people{may_not}; "
        + (f"slots by cap: {caps}" if caps else "no cap"),
        _requests(found),
        f"up to {found.retries_at_most:,} more, if every answer is a reason to try again",
        f"the run lasts {found.lasts_s:,.1f} s, {_passes(found.seconds_in_one)}",
        _rates(found),
        f"in the simulation {found.granted:,} slots were granted and {found.refused:,} claims refused "
        "for want of room",
    ]


def _requests(found: "Summary") -> str:
    """What is sent, whatever is answered."""
    kinds = [
        (found.incomplete, "incomplete"),
        (found.repeats, "by people who hold a slot by then"),
        (found.waitlist, "from the waiting list"),
    ]
    among = ", ".join(f"{number:,} {name}" for number, name in kinds if number)
    beside = [
        (found.tickets, "tickets of the waiting room"),
        (found.withdrawals, "withdrawals"),
        (found.revocations, "releases by the administration"),
        (found.reads, "readings"),
        (found.orders, "orders of the administration"),
    ]
    also = ", ".join(f"{number:,} {name}" for number, name in beside if number)
    claims = f"{found.claims:,} claims" + (f" ({among})" if among else "")
    if found.hedges:
        claims += f", {found.hedges:,} of them sent a second time at once under the same key"
    return claims + (f"; {also}" if also else "")


def _passes(seconds_in_one: float) -> str:
    """How fast the time of the scenario passes."""
    if seconds_in_one == 1.0:
        return "as it would in the scenario"
    for unit, seconds in (("days", 86_400), ("hours", 3_600), ("minutes", 60), ("s", 1)):
        if seconds_in_one >= 2 * seconds or seconds == 1:
            return f"each of which stands for {seconds_in_one / seconds:,.4g} {unit} of the scenario"
    raise AssertionError(seconds_in_one)


def _rates(found: "Summary") -> str:
    """Requests a second; a run of less than a minute has no busiest one."""
    minute = f", {found.peak_60s:,.0f} in its busiest minute" if found.lasts_s > 60.0 else ""
    return (
        "requests a second, before anything is tried again or given back: "
        f"{found.mean_per_s:,.0f} on average{minute}, {found.peak_1s:,} in its busiest second"
    )


def _first(made: "Trace", head: int) -> "Table":
    from rich import box
    from rich.table import Table

    from loadtests.tracing import table

    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in SHORT:
        shown.add_column(name, no_wrap=True, justify="right" if name.endswith(("_s", "_ms")) else "left")
    for row in table.rows(made, head=head):
        shown.add_row(*(_said(row[name]) for name in SHORT))
    return shown


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
