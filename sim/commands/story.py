"""`quotalab story`: what happened to one person of a run, event by event.

Exit codes: 0 fine; 3 the input cannot be used.
"""

import json
import sys
from typing import Annotated

from cyclopts import App, Parameter

from sim.cli import encodable
from sim.errors import complaint

app = App(name="story", help="One person's story, event by event.", help_format="plaintext")


@app.default
def story(
    run: str,
    /,
    *,
    replication: int = 0,
    policy: str | None = None,
    applicant: int | None = None,
    who: str = "",
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> int:
    """Tell one person's story event by event; of a comparison, under the baseline beside it.

    Nothing needs to be stored: the replication is simulated again from the seed.

    Parameters
    ----------
    run
        Folder of the run, its name under results/runs or the beginning of it, or last.
    replication
        Number of the replication, from 0.
    policy
        Under which policy; if left out, that of the run, or the one that a comparison leads with. A policy
        other than that of a run is told beside it.
    applicant
        Whose story: the id as in applicants.parquet.
    who
        Instead: lost, gained, sooner or later than under the baseline; waited-longest, served-fastest,
        first-slot, last-slot, turned-away, overtaken, lapsed, declined, withdrawn, never.
    as_json
        Print the story as data.
    """
    from sim.errors import nearest
    from sim.run_folders.locating import locate
    from sim.showing import story as show_story
    from sim.showing.terminal import console_for
    from sim.telling import picking, words
    from sim.telling import story as telling

    if who and applicant is not None:
        raise complaint("--who and --applicant: give one of the two", key="--who")
    if who and who not in picking.WHO:
        near = nearest(who, list(picking.WHO))
        mend = f"write {near}" if near else ""
        raise complaint(f"{who!r} is nobody", key="--who", expected=", ".join(picking.WHO), mend=mend)
    found = telling.story(locate(run), replication=replication, policy=policy, applicant=applicant, who=who)
    data = telling.data(found)
    if as_json:
        sys.stdout.write(encodable(json.dumps(data, indent=1, ensure_ascii=False) + "\n"))
        return 0
    seconds = {event.at_s for each in found.told for event in each.events}
    moments = {at_s: words.moment(found.scenario, at_s) for at_s in seconds}
    show_story.show(data, console_for(sys.stdout), moments=moments)
    return 0
