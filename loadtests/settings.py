"""What a run is told on Locust's command line, or in the form of its web page."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

LEFT_BY_SETUP: Final = "QUOTALAB_LEFT_BY_SETUP"
"""Of the environment: the variables (as JSON) that the target's setup left, where it was done already."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One run, as its user wants it. None: as the scenario has it."""

    scenario: str = "opening-day"
    """A scenario file, or the name of a shipped one."""
    target: str = "reference"
    """A target profile, or the name of a shipped one."""
    trace: str | None = None
    """A trace file made earlier, instead of one made from the scenario."""
    run_folder: str | None = None
    """Where the history goes; left out: results/runs/ and the run's id."""
    run_id: str | None = None
    """The run's id, part of every applicant's name; left out: from the time of day."""
    compress: float | None = None
    """Seconds of the scenario in a second of the run."""
    minutes: float | None = None
    """How long the run lasts, instead of compress."""
    rate: float | None = None
    """The most sends a second."""
    scale: float = 1.0
    """Shrinks people and caps together: 0.02 is a fiftieth."""
    seed: int | None = None
    """Another seed than the scenario's."""
    policy: str | None = None
    """The policy whose simulated outcome gives the moments."""
    clients: int | None = None
    """Connections opened before the run; more are opened when all are in use."""
    drain_s: float = 10.0
    """How long answers that are on their way are waited for when a run is stopped."""
    i_own: str | None = None
    """A host that is not this machine and may be loaded."""

    def as_plain(self) -> dict[str, Any]:
        """For a message to the workers."""
        return asdict(self)


HELP = {
    "scenario": "scenario file, or the name of a shipped one",
    "target": "target profile, or the name of a shipped one",
    "trace": "trace file made earlier, instead of a scenario",
    "run_folder": "where the history goes",
    "run_id": "id of the run, part of every applicant's name",
    "compress": "seconds of the scenario in a second of the run",
    "minutes": "how long the run lasts, instead of --compress",
    "rate": "the most sends a second",
    "scale": "shrinks people and caps together",
    "seed": "another seed than the scenario's",
    "policy": "policy whose simulated outcome gives the moments",
    "clients": "connections opened before the run",
    "drain_s": "seconds that answers under way are waited for at a stop",
    "i_own": "host that is not this machine and may be loaded",
}


def _kind(field: Any) -> Callable[[str], Any]:
    """What turns the text of an option into its value."""
    return next((kind for kind in (float, int) if kind.__name__ in str(field.type)), str)


def add_options(parser: ArgumentParser, **_: Any) -> None:
    """The settings as options of Locust's command line; they appear in its web form too."""
    group = parser.add_argument_group("quotalab", "what is played, against what")
    for each in fields(Settings):
        group.add_argument(
            "--" + each.name.replace("_", "-"),
            type=_kind(each),
            default=each.default,
            help=HELP[each.name],
        )


def from_options(options: Namespace | None) -> Settings:
    """The settings among Locust's parsed options; what the web form leaves empty has its default."""
    found = {}
    for each in fields(Settings):
        value = getattr(options, each.name, None)
        if value not in (None, ""):
            found[each.name] = _kind(each)(value)
    return Settings(**found)


def folder_of(settings: Settings, run: str) -> Path:
    """Where the run's files go."""
    return Path(settings.run_folder) if settings.run_folder else Path("results", "runs", run)
