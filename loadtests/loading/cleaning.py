"""Releasing what a run took: `quotalab target clean PROFILE --run ID`.

The applicants of a run are known by their prefix, so that whatever they hold is the run's. Where the profile
can release, each holding is released, once, under a key of its own; where it cannot, what is left is listed.
"""

import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from loadtests import profile, safe
from loadtests.asking import Asker
from loadtests.profile import Holder, Who
from loadtests.trace import PREFIX, Trace
from sim.errors import complaint

GONE: Final = frozenset({"released", "replayed", "unheld"})
PATIENCE: Final = 5


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What a cleaning did."""

    intake: str
    released: int
    """Holdings that were released, or that were gone already."""
    left: tuple[str, ...]
    """Applicants of the run who still hold a slot."""
    used: int | None
    """What the intake counts now: a release need not give a slot back."""

    def sentence(self) -> str:
        now = "" if self.used is None else f"; {self.used:,} slots are used now"
        left = f", {len(self.left):,} are left ({', '.join(self.left[:3])}, ...)" if self.left else ""
        return f"intake {self.intake}: {self.released:,} holdings of the run were released{left}{now}"


def clean(
    path_or_name: str,
    run: str,
    *,
    intakes: tuple[str, ...] = (),
    owned: tuple[str, ...] = (),
    folder: Path | None = None,
) -> list[Cleaned]:
    """Release whatever a run holds, in the intakes given or in those of the run's folder."""
    target = profile.target(path_or_name)
    safe.check_host(target.base_url, owned)
    trace = _trace(run, folder)
    names = intakes or (tuple(each.intake for each in trace.intakes) if trace else ())
    if not names:
        raise complaint(
            f"the intakes of run {run} are not known", key="--intake", mend="name them, as in --intake 2022"
        )
    asker = Asker(target)
    asker.wait_until_ready(5.0)
    asker.set_up(names)
    try:
        return [_cleaned(asker, run, intake, trace) for intake in names]
    finally:
        asker.close()


def _cleaned(asker: Asker, run: str, intake: str, trace: Trace | None) -> Cleaned:
    mine = _held(asker, run, intake, trace)
    released = 0
    for applicant, holder in mine.items():
        if not asker.target.release:
            break
        key = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{run}/{applicant}/{holder.claim_id}/clean"))
        who = Who(applicant, key=key, intake=intake, claim_id=holder.claim_id or holder.slot or "")
        released += _released(asker, who)
    left = tuple(sorted(_held(asker, run, intake, trace)))
    return Cleaned(intake, released, left, asker.figure("used", intake))


def _released(asker: Asker, who: Who) -> bool:
    variables = asker.enrolled(who)
    for number in range(PATIENCE):
        answer = asker.converse(asker.target.release, who, variables).classified
        if answer.answer not in ("throttled", "conflict"):
            return answer.answer in GONE
        time.sleep(answer.retry_after_s or 0.1 * 2**number)
    return False


def _held(asker: Asker, run: str, intake: str, trace: Trace | None) -> dict[str, Holder]:
    """The run's holdings, by applicant."""
    listed = asker.holders(intake)
    if listed is None:
        raise complaint(
            "the profile has no list of holders, so nobody knows what the run holds",
            file=str(asker.target.profile.name),
            key="readings.holders",
        )
    back = asker.target.way_back(trace.applicant) if trace else {}
    named = ((back.get(each.shown, each.shown), each) for each in listed)
    return {name: each for name, each in named if name.startswith(f"{PREFIX}{run}-")}


def _trace(run: str, folder: Path | None) -> Trace | None:
    """The trace of a run, if its folder is still there."""
    places = [folder] if folder else sorted(safe.LOCKS.glob("*")) if safe.LOCKS.is_dir() else []
    for place in places:
        path = place / "trace.npz"
        if path.is_file():
            trace = Trace.load(path)
            if trace.run == run:
                return trace
    return None
