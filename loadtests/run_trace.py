"""The trace of a run as Locust's command line describes it: one made earlier, or made now and kept."""

import datetime
from pathlib import Path

from loadtests.settings import Settings, folder_of
from loadtests.trace import Trace, build


def trace_of(settings: Settings) -> tuple[Trace, Path, Path]:
    """The trace, the file in which it is, and the run's folder."""
    if settings.trace is not None:
        place = Path(settings.trace).resolve()
        trace = Trace.load(place)
        return trace, place, folder_of(settings, trace.run)
    from sim.scenario_file import load

    run = settings.run_id or datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%S")
    trace = build(
        load(settings.scenario),
        run=run,
        seed=settings.seed,
        policy=settings.policy,
        compress=settings.compress,
        minutes=settings.minutes,
        rate=settings.rate,
        scale=settings.scale,
    )
    folder = folder_of(settings, run)
    folder.mkdir(parents=True, exist_ok=True)
    place = (folder / "trace.npz").resolve()
    trace.save(place)
    return trace, place, folder
