"""quotalab load: replay a scenario's people against a service, record every request, and judge what it did.

Exit codes: 0 VALID, 1 INVALID, 2 UNKNOWN, 3 usage or input, 4 a gate missed, 130 interrupted with nothing to
judge.
"""

import contextlib
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from loadtests import safe
from sim.errors import complaint

if TYPE_CHECKING:  # both bring NumPy with them, which --help has no use for
    from loadtests.load import Loaded
    from loadtests.loading.searched import Searched

app = App(
    name="load", help="Replay a scenario against a service, and judge what it did.", help_format="plaintext"
)

Flag = Annotated[bool, Parameter(negative="")]
Many = Annotated[tuple[str, ...], Parameter(negative="")]
Fault = Literal["check-then-act", "non-idempotent-retry", "per-worker-cap"]


@app.default
def load(
    scenario: str,
    /,
    *,
    target: str = "reference:sqlite",
    fault: Fault | None = None,
    workers: int = 1,
    expect_workers: int = 0,
    listen: str = "127.0.0.1:5557",
    service_workers: int | None = None,
    rate: float | None = None,
    compress: float | None = None,
    minutes: float | None = None,
    window: str | None = None,
    scale: float = 1.0,
    budget: str | None = None,
    seed: int | None = None,
    policy: str | None = None,
    gate: Literal["correctness", "all"] = "correctness",
    out: Path | None = None,
    run: str | None = None,
    i_own: Many = (),
    dirty: Flag = False,
    reset: Flag = False,
    no_open: Flag = False,
    most_rate: float = safe.MOST_PER_S,
    most_minutes: float = safe.MOST_MINUTES,
    junit: Path | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
    quiet: Flag = False,
) -> int:
    """Replay a scenario's people as traffic, record every request, and judge what the service did.

    A scenario with [load.ramp], such as ramp, is a search: for the highest rate that the service bears.

    Parameters
    ----------
    scenario
        Path of a scenario file, or the name of a shipped one, such as opening-day.
    target
        reference:memory, :sqlite, :postgres or :valkey start the reference service; anything else is a
        profile (a file, or the name of a shipped one) of a service that runs.
    fault
        Plant a fault in the reference service: check-then-act, non-idempotent-retry or per-worker-cap.
    workers
        Locust processes that send, all started here.
    expect_workers
        Wait for so many processes on other hosts instead, each started by `quotalab load-worker --master`.
    listen
        HOST:PORT at which they find this one. Whoever reaches it can take part: use a network of your own.
    service_workers
        Processes of the reference service; 1 if left out, 2 for the fault per-worker-cap.
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
    budget
        How long the run may take in all, as in 90s or 5m; the replay is compressed to fit.
    seed
        Seed of the population; the scenario's own if left out.
    policy
        Policy whose simulated outcome gives the moments; the scenario's own if left out.
    gate
        all: also end with exit code 4 if errors, punctuality or the service level miss their limits.
    out
        Folder to write to; results/runs/SCENARIO-UTC-SEED if left out.
    run
        Id of the run, part of the name of every applicant; a new one if left out. No id runs twice.
    i_own
        A host that is not this machine and that you may load; exactly as the profile has it.
    dirty
        Run against a service that has slots taken already, and count from there.
    reset
        Run the command of the profile's [reset] first.
    no_open
        Do not open intakes that are not open yet, though the profile says how.
    most_rate
        Allow more requests in the busiest second than 5,000.
    most_minutes
        Allow a longer run than 30 minutes.
    junit
        Write the findings as JUnit XML to this file.
    as_json
        Print everything that was found as JSON.
    quiet
        Print the verdict only.
    """
    from loadtests import ramp, report
    from loadtests.histories.alone import without_pandas
    from loadtests.load import Watcher
    from loadtests.load import load as made
    from loadtests.loading.plan import Options

    if service_workers is None:
        service_workers = 2 if fault == "per-worker-cap" else 1
    options = Options(
        scenario=scenario,
        target=target,
        fault=fault,
        workers=workers,
        expect_workers=expect_workers,
        listen=listen,
        service_workers=service_workers,
        rate=rate,
        compress=compress,
        minutes=minutes,
        window=window,
        scale=scale,
        budget_s=None if budget is None else _seconds(budget),
        seed=seed,
        policy=policy,
        gate=gate,
        owned=i_own,
        dirty=dirty,
        reset=reset,
        opens=not no_open,
        most_rate=most_rate,
        most_minutes=most_minutes,
        run=run,
        out=out,
    )
    without_pandas()
    is_shown = not quiet and sys.stderr.isatty()
    wants_search = ramp.is_ramp(scenario)
    found: Loaded | Searched
    with _progress(is_shown) as moved:
        says = (lambda line: None) if quiet or as_json else (lambda line: print(line, file=sys.stderr))
        watcher = Watcher(says, moved)
        found = ramp.search(options, watcher) if wants_search else made(options, watcher)
    page = report.write(found.folder)
    _tell(found, page, junit=junit, as_json=as_json, quiet=quiet)
    return found.exit_code


def _tell(
    found: "Loaded | Searched", page: Path | None, *, junit: Path | None, as_json: bool, quiet: bool
) -> None:
    """What was found, in the forms that were asked for."""
    from loadtests.loading import searched
    from loadtests.loading.searched import Searched
    from loadtests.showing import load as show_load
    from loadtests.showing import ramp as show_ramp
    from sim.showing.run import console_for

    if junit is not None:
        _write(junit, show_ramp.junit(found) if isinstance(found, Searched) else show_load.junit(found))
    if as_json:
        print(searched.as_json(found) if isinstance(found, Searched) else show_load.as_json(found))
    elif isinstance(found, Searched):
        show_ramp.show(found, console_for(sys.stdout), brief=quiet)
    else:
        show_load.show(found, console_for(sys.stdout), brief=quiet)
    if not (quiet or as_json):
        print(f"the page: {page}" if page else "the page could not be made: quotalab report RUN says why")


def _seconds(text: str) -> float:
    """A length of time: 90s, 5m, 1.5h or a number of seconds."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|m|h|)\s*", text)
    if not found:
        raise complaint(f"{text!r} is not a length of time", key="--budget", expected="90s, 5m or 1h")
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]]


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise complaint(f"cannot be written: {error.strerror}", key="--junit", file=str(path)) from error


@contextlib.contextmanager
def _progress(shown: bool) -> Iterator[Callable[["object"], None]]:
    """One line on stderr, written anew: time, rate, late sends, outcomes; nothing where nobody looks."""
    if not shown:
        yield lambda progress: None
        return
    from rich.console import Console
    from rich.live import Live

    from loadtests.loading.replay import Progress

    with Live(console=Console(stderr=True), transient=True, refresh_per_second=5) as live:
        before = [0.0, 0.0]

        def moved(progress: object) -> None:
            assert isinstance(progress, Progress)
            live.update(progress_line(progress, before))

        yield moved


def progress_line(progress: "object", before: list[float]) -> str:
    """How far the replay is, in a line; `before` keeps time and sends of the last look."""
    from loadtests.loading.replay import Progress

    assert isinstance(progress, Progress)
    watch = progress.watch
    elapsed = max(0.0, progress.elapsed_s)
    rate = (watch.sent - before[1]) / max(0.05, elapsed - before[0]) if elapsed > before[0] else 0.0
    before[:] = [elapsed, watch.sent]
    outcomes = ", ".join(f"{number:,} {name}" for name, number in watch.outcomes.most_common(5))
    died = f"; {progress.dead} worker{'s' if progress.dead > 1 else ''} died" if progress.dead else ""
    return (
        f"{elapsed:,.0f} of {progress.replay_s:,.0f} s: {rate:,.0f} requests a second, {watch.sent:,} sent, "
        f"{watch.sent - watch.answered:,} under way, {watch.late:,} late; {outcomes}{died}"
    )
