"""What a worker did whose record is not here: nobody knows, so all of it may have happened.

A worker on another host dies, or its host is cut off, and its record stays there. Its people may have been
granted slots that no row tells of, which must not look like a fault of the service. So for every send that
was planned for it there is a row without an answer, and one for every release that might follow: the checks
take them as done or not done, whichever explains what the service says. `quotalab load-merge` puts the real
record in their place.
"""

from pathlib import Path
from typing import Final

from loadtests.protocol import OP
from loadtests.recorder import Recorder
from loadtests.trace import Trace

LOST: Final = "lost"
"""The host of these rows."""


def suppose(folder: Path, trace: Trace, *, shards: int, lost: tuple[int, ...], start_ns: int) -> None:
    """Write the rows of lost shards; the run's first send was due at start_ns."""
    for shard in lost:
        mine = trace.shard(shard, shards)
        recorder = Recorder(folder, host=LOST, worker=shard, rows=2 * len(mine.due_ns) + 1)
        columns = (mine.due_ns, mine.op, mine.person, mine.chain)
        for due_ns, op, person, chain in zip(*(each.tolist() for each in columns), strict=True):
            ops = [op, OP["claim"]] if op == OP["ticket"] else [op]
            if person >= 0 and trace.release_due_ns(person, chain) >= 0:
                ops.append(OP["release"])
            for each in ops:
                recorder.invoke(
                    op=each,
                    person=person,
                    chain=chain,
                    attempt=0,
                    client=0,
                    due_ns=start_ns + due_ns,
                    invoked_ns=start_ns + due_ns,
                )
        recorder.close()


def forget(folder: Path, shard: int) -> None:
    """Take away what was supposed of a shard, since its record is here now."""
    for place in folder.glob(f"{LOST}-{shard}-*"):
        place.unlink()


def supposed(folder: Path) -> list[int]:
    """The shards of which there is no record still."""
    return sorted({int(place.name.split("-")[1]) for place in folder.glob(f"{LOST}-*.json")})
