"""The tables of a search for the number of officers, for spreadsheets; figures as summary.json has them."""

from sim.showing.headline import Data
from sim.showing.sheets import Sheet
from sim.showing.size import sentences

SPREAD = ("mean", "mean_low", "mean_high", "p5", "p95", "lowest", "highest")


def sheets(found: Data) -> tuple[Sheet, ...]:
    """officers, portal, over_time and method."""
    officers = [
        (row["officers"], row["met"]["times"], row["met"]["n"], name, *(each[part] for part in SPREAD))
        for row in found["officers"]
        for name, each in row["measures"].items()
    ]
    portal = [
        (name, measure, *(each[measure][part] for part in SPREAD))
        for name, each in (found["portal"] or {"stretches": {}})["stretches"].items()
        for measure in each
    ]
    curves = found["over_time"] or {"ends": [], "backlog": [], "queue": []}
    over_time = [
        (end, name, *(each[part] for part in SPREAD))
        for name in ("backlog", "queue")
        for end, each in zip(curves["ends"], curves[name], strict=True)
    ]
    method = [(f"finding {k}", said) for k, said in enumerate(sentences(found), 1)]
    method += [(name, found[name]) for name in ("seed", "replications", "stopped", "complete", "confidence")]
    method += list(found["standard"].items())
    return (
        Sheet("officers", ("officers", "met", "judged", "measure", *SPREAD), officers),
        Sheet("portal", ("busiest", "measure", *SPREAD), portal),
        Sheet("over_time", ("end_of", "files", *SPREAD), over_time),
        Sheet("method", ("what", "value"), method),
    )
