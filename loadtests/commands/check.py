"""quotalab check: judge recorded histories, whoever recorded them.

Exit codes: 0 VALID, 1 INVALID, 2 UNKNOWN, 3 usage or input, 130 interrupted. Of several files the gravest
counts: INVALID before a file that cannot be read, and that before UNKNOWN.
"""

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from sim.errors import BadInput, complaint

if TYPE_CHECKING:  # these bring NumPy with them, which --help has no use for
    from loadtests.history import History
    from loadtests.opening import Beside, Table
    from loadtests.showing.check import Judged, Refused
    from loadtests.verdict import Check, Verdict

app = App(name="check", help="Judge recorded histories: VALID, INVALID or UNKNOWN.", help_format="plaintext")

Flag = Annotated[bool, Parameter(negative="")]
Many = Annotated[tuple[str, ...], Parameter(negative="")]
INTERRUPTED = 130


@app.default
def check(
    *histories: Path,
    cap: Many = (),
    spec: Many = (),
    scenario: str | None = None,
    policy: str | None = None,
    scale: float = 1.0,
    only: Many = (),
    operations: int | None = None,
    column: Many = (),
    answer: Many = (),
    op: Many = (),
    fixed: Many = (),
    time_unit: Literal["ns", "us", "ms", "s", "iso"] = "ns",
    delimiter: str | None = None,
    memory: str | None = None,
    as_json: Annotated[Path | None, Parameter(name="--json", allow_leading_hyphen=True)] = None,
    junit: Path | None = None,
    order: Path | None = None,
    report: Path | None = None,
    quiet: Flag = False,
) -> int:
    """Judge recorded histories: is there an order of the operations that explains every answer?

    Parameters
    ----------
    histories
        Files: Parquet or JSON lines as `quotalab load` writes them, or CSV of another tool. Or runs: a
        folder, a name under results/runs or the beginning of one, or last; of a run of Locust alone, the
        records of its workers are merged first.
    cap
        A limit, instead of the header's: --cap 2022=14700 for an intake, --cap 2022/pilot=550 for a stream
        of it, --cap 2022/pilot+spouse=900 for two together; may be given again.
    spec
        A switch of the service, instead of the header's: --spec gives_back=withdrawal,refusal,
        --spec refusals=sticky, --spec counter=7, --spec tolerance=5, --spec counts=received.
    scenario
        Take caps and switches from a scenario, and ask for what its runs must have seen.
    policy
        The policy of the scenario that sets them; the scenario's own if left out.
    scale
        The scale of the scenario, as in --scale 0.02.
    only
        Ask these checks only, as in --only bounds,linearizability; a name that is none shows all of them.
        Whether the record is whole and was understood is asked in any case.
    operations
        How many operations the file must have; for files that do not say so themselves.
    column
        CSV: which column of the file is which of ours, as in --column invoked_ns=start; may be given again.
    answer
        CSV: what an answer of the file means, as in --answer 201=granted; may be given again.
    op
        CSV: what an operation of the file is, as in --op DELETE=release; all are claims without any.
    fixed
        CSV: what all rows have that no column says, as in --fixed intake=2022.
    time_unit
        CSV: what times are written in; iso for dates and times.
    delimiter
        CSV: what stands between two cells; a comma, or a tab in a file named .tsv, if left out.
    memory
        How much memory judging may take, as in --memory 1.5GB, instead of what is available. A file that
        needs more is judged with its columns on disk: in TMPDIR if that is set, else beside it.
    as_json
        Write everything that was found as JSON to this file; - prints it instead of the sentences.
    junit
        Write the findings as JUnit XML to this file.
    order
        Write the order that explains every answer to this file, as rows of the history from 0 (.npy).
    report
        Write the page of the one history to this HTML file.
    quiet
        Print the verdict only, with what clashes or what would settle it.
    """
    from loadtests.histories.alone import without_pandas
    from loadtests.opening import Table
    from loadtests.showing import check as show_check
    from loadtests.spilling.room import bytes_of

    _check(histories, scenario, policy, scale, {"--order": order, "--report": report})
    _check_folders({"--json": as_json, "--junit": junit, "--order": order, "--report": report})
    table = Table(
        columns=dict(_pair(each, "--column", "invoked_ns=start") for each in column),
        answers=dict(_pair(each, "--answer", "201=granted") for each in answer),
        ops=dict(_pair(each, "--op", "DELETE=release") for each in op),
        fixed=dict(_pair(each, "--fixed", "intake=2022") for each in fixed),
        unit=time_unit,
        delimiter=delimiter,
    )
    beside, more = _beside(cap, spec, scenario, policy, scale, operations, table)
    asked = tuple(name for each in only for name in each.split(",") if name)
    wants_text = as_json is None or str(as_json) != "-"
    most = None if memory is None else bytes_of(memory)
    without_pandas()
    found: list[Judged | Refused] = []
    with contextlib.ExitStack() as arrays:
        try:
            for file in histories:
                arrays.close()  # those of the one before stay where they are
                judged = _judged(file, beside, asked, more, most, arrays, shows_progress=not quiet)
                found.append(judged)
                if wants_text:
                    _show(found[-1], brief=quiet, is_one=len(histories) == 1)
        except KeyboardInterrupt:
            print(f"interrupted: {len(found)} of {len(histories)} histories were judged", file=sys.stderr)
            return 1 if show_check.exit_code(found) == 1 else INTERRUPTED
        _write_all(found, as_json, junit, order)
        if report is not None:
            _write_page(report, found[0])
    return show_check.exit_code(found)


def _check(
    histories: tuple[Path, ...],
    scenario: str | None,
    policy: str | None,
    scale: float,
    of_one: Mapping[str, Path | None],
) -> None:
    if not histories:
        raise complaint("no history is named", expected="quotalab check HISTORY...")
    if scenario is None and (policy is not None or scale != 1.0):
        key = "--scale" if policy is None else "--policy"
        raise complaint("there is no scenario that it could be of", key=key, mend="name one with --scenario")
    if not 1e-6 <= scale <= 1e3:
        raise complaint(f"{scale:g} is out of range", key="--scale", expected="0.000001 to 1,000")
    for key in (key for key, file in of_one.items() if file is not None and len(histories) > 1):
        raise complaint(f"one {key[2:]} cannot be of several histories", key=key, expected="one history")


def _check_folders(files: Mapping[str, Path | None]) -> None:
    """A folder that is not there is a slip of the pen, and better said before anything is judged."""
    for key, file in files.items():
        if file is not None and not file.parent.is_dir():
            what = f"there is no folder {file.parent}"
            raise complaint(what, key=key, file=str(file), mend="make it, or name another")


def _pair(text: str, key: str, example: str) -> tuple[str, str]:
    name, is_there, value = text.partition("=")
    if not is_there or not name:
        raise complaint(f"{text!r} has no name and value", key=key, expected=f"such as {example}")
    return name, value


def _beside(
    cap: tuple[str, ...],
    spec: tuple[str, ...],
    scenario: str | None,
    policy: str | None,
    scale: float,
    operations: int | None,
    table: "Table",
) -> tuple["Beside", dict[str, "Check"]]:
    """What the options say beside the files, and what a scenario adds to the checks."""
    from loadtests.opening import Beside
    from loadtests.reference.years import caps_of_options

    caps = {each.name: each for each in caps_of_options(cap)}
    typed = tuple(caps)
    switches = dict(_pair(each, "--spec", "gives_back=withdrawal") for each in spec)
    if scenario is None:
        return Beside(tuple(caps.values()), typed, None, switches, operations, table), {}
    from loadtests.checks import exercise, prediction
    from loadtests.opening import of_scenario
    from sim import scenario_file

    planned, own, must_see = of_scenario(scenario, policy, scale)
    caps = {each.name: each for each in planned} | caps
    seen = functools.partial(exercise.check, must_see=must_see, planned=0, sent=0)
    rules = prediction.rules_of(scenario_file.load(scenario), policy, caps=planned, spec=own)
    predicted = functools.partial(prediction.check, rules=rules)
    return Beside(tuple(caps.values()), typed, own, switches, operations, table), {
        "exercise": seen,
        "prediction": predicted,
    }


def _judged(
    file: Path,
    beside: "Beside",
    only: tuple[str, ...],
    more: dict[str, "Check"],
    memory: int | None,
    arrays: contextlib.ExitStack,
    *,
    shows_progress: bool,
) -> "Judged | Refused":
    from loadtests import left_behind, opening
    from loadtests.showing.check import Judged, Refused
    from loadtests.spilling.room import Room, arrays_in, judged_in, room_for

    with _progress(shows_progress and sys.stderr.isatty()) as told:
        told(f"reading {file}")
        try:
            folder = left_behind.folder_of(file) if left_behind.is_run(file) else None
            is_loose = folder is not None and not left_behind.is_merged(folder)
            path = file if folder is None else folder / left_behind.HISTORY
            room = Room() if is_loose else room_for(path, memory=memory)
            shelf = arrays.enter_context(arrays_in(room))
            if shelf is not None:
                told(f"reading {file}, its columns on disk in {room.folder}")

            def read() -> "History":
                if folder and is_loose:
                    return opening.loose(folder, beside)
                return opening.opened(path, beside, in_batches=shelf is not None)

            def judge(history: "History") -> "Verdict":
                """Columns are read when they are needed, and may be damaged."""
                show = functools.partial(_tell, told, len(history))
                asked = _judge(only, more, show, is_loose=is_loose)
                return left_behind.judged(history, asked) if is_loose else asked(history)

            found = judged_in(room, shelf, path, read=read, judge=judge)
        except BadInput as error:
            if any(problem.key == "--only" for problem in error.problems):
                raise
            return Refused(str(file), str(error))
        return Judged(str(folder if is_loose else path), *found)


def _tell(told: Callable[[str], None], operations: int, name: str) -> None:
    told(f"{name}: {operations:,} operations")


def _judge(
    only: tuple[str, ...], more: "dict[str, Check]", told: Callable[[str], None], *, is_loose: bool
) -> "Callable[[History], Verdict]":
    """What judges a history; an audit is not asked of one that nobody could make."""
    from loadtests import checking

    audited = False if is_loose else None
    return lambda history: checking.judged(history, only=only, more=more, told=told, audited=audited)


def _show(found: "Judged | Refused", *, brief: bool, is_one: bool) -> None:
    from loadtests.showing import check as show_check
    from sim.showing.run import console_for

    if isinstance(found, show_check.Refused):
        print(found.why, file=sys.stderr)
    else:
        show_check.show(found, console_for(sys.stdout), brief=brief, is_one=is_one)


def _write_all(
    found: "list[Judged | Refused]", as_json: Path | None, junit: Path | None, order: Path | None
) -> None:
    """The files that were asked for."""
    from loadtests.showing import check as show_check

    if as_json is not None and str(as_json) == "-":
        print(show_check.as_json(found))
    elif as_json is not None:
        _write(as_json, f"{show_check.as_json(found)}\n".encode(), "--json")
    if junit is not None:
        _write(junit, show_check.junit(found), "--junit")
    if order is not None:
        _write_order(order, found[0])


def _write_order(path: Path, found: "Judged | Refused") -> None:
    import io

    import numpy as np

    from loadtests.showing.check import Judged

    orders = [each.order for each in found.verdict.findings] if isinstance(found, Judged) else []
    order = next((each for each in orders if each is not None), None)
    if order is None:
        print(f"{path}: not written, since no order was found", file=sys.stderr)
        return
    data = io.BytesIO()
    np.save(data, order)
    _write(path, data.getvalue(), "--order")


def _write_page(path: Path, found: "Judged | Refused") -> None:
    from loadtests import report
    from loadtests.showing.check import Judged

    if not isinstance(found, Judged):
        print(f"{path}: not written, since there is nothing to show", file=sys.stderr)
        return
    report.write_to(path, report.of_judged(found.file, found.history, found.verdict))


def _write(path: Path, data: bytes, key: str) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise complaint(f"cannot be written: {error.strerror}", key=key, file=str(path)) from error


@contextlib.contextmanager
def _progress(shown: bool) -> Iterator[Callable[[str], None]]:
    """What is being done, and for how long, on one line of stderr; nothing where nobody looks."""
    if not shown:
        yield lambda what: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:

        def told(what: str) -> None:
            for task in progress.task_ids:
                progress.remove_task(task)
            progress.add_task(what, total=None)

        yield told
