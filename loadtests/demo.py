"""The demonstration: simulate, compare, replay a rush, catch a planted fault, and one page that links it all.

Each step is a command as anybody would type it, run as a child in the demonstration's folder, with a folder
of its own there. Its page is made from what it left; the page of the whole shows of every step its sentence,
one picture, and the way to its own page. Links are relative, so that the folder can be sent to somebody.

A step that fails or is interrupted leaves the others as they are, and the page says so.
"""

import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from sim import results
from sim.errors import BadInput, complaint
from sim.reporting.page import Link, Page, Section
from sim.run_folders import provenance

INDEX: Final = "index.html"
LAST_WORDS: Final = 400
PATIENCE_S: Final = 60.0
"""So long an interrupted step has for judging and keeping what there is."""


@dataclass(frozen=True, slots=True)
class Step:
    """One command of the demonstration."""

    name: str
    """Its folder, and what the page's section is called after."""
    heading: str
    doing: str
    """What is going on, for whoever waits."""
    why: str
    """What it shows, in a sentence."""
    command: tuple[str, ...]
    """As typed after `quotalab`, without --out."""
    pictures: tuple[str, ...]
    """Sections of its page of which the first that is there lends its picture; a beginning suffices."""
    codes: tuple[int, ...] = (0,)
    """Exit codes that are as they should be."""

    def typed(self) -> str:
        """The command as anybody would type it."""
        return shlex.join(("quotalab", *self.command))


STEPS: Final = (
    Step(
        "simulated",
        "Simulate a programme",
        "simulating the flagship",
        "Quebec's IMP+ permit as published: is the cap reached, when, and how sure is that?",
        ("run", "imp-plus", "--replications", "72"),
        ("intake",),
    ),
    Step(
        "compared",
        "Compare rules on the same people",
        "comparing three rules",
        "Everybody keeps their luck under every rule, so a difference is the rule's doing.",
        (
            *("compare", "imp-plus-high-demand", "--policies", "lottery,monthly-release"),
            *("--replications", "10", "--no-register"),
        ),
        ("forest", "glance", "intake"),
    ),
    Step(
        "replayed",
        "Replay a rush against a service",
        "replaying the rush of 2019 at a tenth, and judging it",
        "A form opens at noon and is full minutes later. The same people as HTTP traffic, against the "
        "reference service on SQLite; every request is on record, and the record is judged.",
        ("load", "opening-day", "--scale", "0.1", "--minutes", "0.35", "--target", "reference:sqlite"),
        ("slots-",),
    ),
    Step(
        "caught",
        "Catch a fault that was planted",
        "planting a fault, and catching it",
        "The same service with one mistake: it checks for room, and takes the slot a moment later. The "
        "verdict must be INVALID, with the operations that prove it.",
        ("load", "last-slots", "--target", "reference:sqlite", "--fault", "check-then-act"),
        ("clash", "slots-"),
        codes=(1,),
    ),
)


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a step."""

    step: Step
    code: int
    """Its exit code."""
    words: str
    """What it said last, if it went wrong."""

    @property
    def is_fine(self) -> bool:
        return self.code in self.step.codes


Told = Callable[[int, int, Step, Done | None], None]
"""Is told of each step when it begins, and again when it is done: its number, how many there are."""


def make(folder: Path, told: Told, *, steps: Sequence[Step] = STEPS) -> tuple[list[Done], Path]:
    """All steps, and the page of the whole; Ctrl-C ends it with the page of what was done until then."""
    _clear(folder, steps)
    done: list[Done] = []
    with _interruptible():
        for number, step in enumerate(steps, 1):
            told(number, len(steps), step, None)
            done.append(_done(step, folder))
            told(number, len(steps), step, done[-1])
    return done, write(folder, done, steps)


def write(folder: Path, done: Sequence[Done], steps: Sequence[Step] = STEPS) -> Path:
    """The page of what was done; where it is."""
    from sim.reporting.html import html

    place = folder / INDEX
    place.write_text(html(index(folder, done, steps)), "utf-8")
    return place


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C ends what is inside, and nothing else."""
    try:
        yield
    except KeyboardInterrupt:
        return


def _clear(folder: Path, steps: Sequence[Step]) -> None:
    """BadInput if the folder holds anything that no demonstration left."""
    known = {INDEX, *(step.name for step in steps), *(step.name for step in STEPS)}
    if folder.is_file():
        raise complaint("this is a file", key="--out", file=str(folder), mend="give a folder")
    folder.mkdir(parents=True, exist_ok=True)
    if strange := sorted({each.name for each in folder.iterdir()} - known):
        what = f"the folder holds other files ({', '.join(strange[:3])})"
        raise complaint(what, key="--out", file=str(folder), mend="give a folder that is new or empty")


def _done(step: Step, folder: Path) -> Done:
    """One step, as a child."""
    out = str(folder / step.name)
    command = [sys.executable, "-m", "loadtests.cli", *step.command, "--quiet", "--out", out]
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        said, wrong = child.communicate()
    except BaseException:
        _ended(child)
        raise
    return Done(step, child.returncode, (wrong.strip() or said.strip())[-LAST_WORDS:])


def _ended(child: "subprocess.Popen[str]") -> None:
    """Let the child end as it does after Ctrl-C, which only we have heard: with what it has, kept."""
    child.send_signal(signal.SIGINT)
    try:
        child.communicate(timeout=PATIENCE_S)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        child.kill()
        child.communicate()


def index(folder: Path, done: Sequence[Done], steps: Sequence[Step] = STEPS) -> Page:
    """The page of the whole."""
    whole = len(done) == len(steps) and all(each.is_fine for each in done)
    lead = [
        "A rule is tried on simulated people; then the same kind of people put a service to the test, and "
        "what it did is judged. Everything here was made on this machine just now.",
    ]
    if not whole:
        finished = sum(each.is_fine for each in done)
        lead.insert(0, f"INCOMPLETE: {finished} of {len(steps)} steps came out as they should.")
    return Page(
        title="quotalab, from a rule to a verdict",
        subtitle="The demonstration",
        lead=tuple(lead),
        sections=tuple(_section(folder, each) for each in done),
        provenance=(
            *((each.step.heading, each.step.typed()) for each in done),
            ("Version", f"quotalab {provenance.version()}"),
        ),
    )


def _section(folder: Path, done: Done) -> Section:
    """A step: its sentence, its picture, and the way to its page."""
    step = done.step
    page = _page(folder / step.name)
    if page is None:
        text = (
            f"{step.why} This step left nothing to show (exit code {done.code}): {done.words or 'no words'}"
        )
        return Section(step.name, step.heading, text=text)
    says = page.lead[0] if done.is_fine else f"Not as it should be (exit code {done.code}). {page.lead[0]}"
    shown = _lent(page, step)
    found = Section(
        step.name,
        step.heading,
        text=f"{step.why} {says}",
        links=(Link(f"The whole page: {page.title}", f"{step.name}/{results.PAGE}"),),
    )
    if shown is None:
        return found
    return replace(found, picture=shown.picture, label=shown.label, note=f"{shown.heading}. {shown.text}")


def _lent(page: Page, step: Step) -> Section | None:
    """The section of a page whose picture is shown."""
    drawn = [each for each in page.sections if each.picture is not None]
    named = (each for name in step.pictures for each in drawn if each.id.startswith(name))
    return next(named, drawn[0] if drawn else None)


def _page(run: Path) -> Page | None:
    """The page of a step's folder, which is written there too; None if there is nothing to show."""
    from loadtests import report as loads
    from sim import report as simulations

    try:
        page = loads.page_of(run) if loads.is_ours(run) else simulations.page_of(run)
        simulations.write(run, page)
    except (BadInput, OSError, ValueError):
        return None
    return page
