"""What the next attempt of a chain sends, once its answer (chains.py) says that there is one.

The same request again; from the step on that the profile's retries begin with; the same under another key,
where a refusal is kept under the old one; or, instead of the request, a reading of the applicant's slot.
"""

from collections.abc import Callable, Sequence
from typing import Final

from loadtests.chains import Chain
from loadtests.connection import Encoded
from loadtests.flights import Flight
from loadtests.profile import Request, Step, Target
from loadtests.profiles.reading_back import HELD, SEPARATOR
from loadtests.protocol import OP, OPS
from loadtests.recorder import KEYS
from loadtests.trace import Trace

CLAIM: Final = OP["claim"]


def next_try(
    flight: Flight,
    due_ns: int,
    *,
    trace: Trace,
    target: Target,
    encode: Callable[[Request], Encoded],
    slots: Sequence[str],
) -> Flight:
    """The next attempt after this one; `slots` are those that the person was granted by earlier chains."""
    chain, who = flight.chain, flight.who
    steps = target.operation(OPS[chain.op])
    if chain.next_try == "read back":
        assert target.readings.slot is not None, "a profile that reads back has the reading"
        chain.variables = {**chain.variables, HELD: SEPARATOR.join(slots)}
        steps = target.read_back[OPS[chain.op]]
        due_ns += int(target.readings.slot.settle_s * 1e9)
    elif chain.next_try == "new key" and chain.op == CLAIM:
        renew(chain, trace)
        who = who._replace(key=chain.key)
    elif chain.op == CLAIM and target.retry.from_step > 1:
        steps = steps[min(target.retry.from_step, chain.reached) - 1 :]
    elif len(steps) == 1 and flight.steps is steps and not target.profile.cookies:
        return flight.again(due_ns)  # word for word the same
    encoded = encode(steps[0].request(who, chain.variables))
    found = Flight(chain, due_ns, who, steps, encoded)
    found.is_first = False
    return found


def renew(chain: Chain, trace: Trace) -> None:
    """Give the chain its next key; it begins anew under it."""
    chain.renewed += 1
    assert chain.renewed < KEYS // 2, "more keys than the record can tell apart"
    chain.key = trace.key(chain.person, chain.chain, chain.renewed)
    chain.row_chain = chain.chain + KEYS * chain.renewed
    chain.next_try, chain.reached = "again", 1


def where(steps: tuple[Step, ...], whole: tuple[Step, ...], step: int) -> int:
    """Which step of a whole operation the step of its rest is."""
    return len(whole) - len(steps) + step
