"""What a compiled profile costs: microseconds of CPU to build a request and to classify its answer.

Run by itself, or by the bench of the whole project: `measured()` gives the figures by name.
"""

import json
import time
from collections.abc import Callable

from loadtests.profile import Who, target
from loadtests.profiles.sources import document_of

WHO = Who("ql-7f3a-123456", "pilot", key="7c1f5b1e-8a07-5d2c-9d4e-0a1b2c3d4e5f", intake="2022")
HEADERS = {"content-type": "application/json", "content-length": "160", "date": "x", "server": "uvicorn"}
GRANT = json.dumps(
    {
        "claim_id": "2022-14700",
        "slot": 14700,
        "position": 14700,
        "intake": "2022",
        "stream": "pilot",
        "status": "granted",
        "received_at": "2022-05-24T08:30:00.123456-04:00",
    },
    separators=(",", ":"),
).encode()
FULL = b'{"type":"https://quotalab.invalid/problems/exhausted","status":409,"cap":"2022"}'


def cost_us(function: Callable[[], object], calls: int = 20_000, rounds: int = 7) -> float:
    """CPU microseconds a call: the quickest of some rounds, the empty loop included."""
    best = float("inf")
    for _ in range(rounds):
        began = time.process_time_ns()
        for _ in range(calls):
            function()
        best = min(best, (time.process_time_ns() - began) / calls / 1e3)
    return best


def measured() -> dict[str, float]:
    """Name -> microseconds; `round_us` is a request built and its grant classified."""
    made = target("reference", environment={})
    step, variables = made.claim[0], made.variables
    assert step.classify(201, HEADERS, GRANT, variables).answer == "granted"
    assert step.classify(409, HEADERS, FULL, variables).answer == "full"
    build = cost_us(lambda: step.request(WHO, variables))
    granted = cost_us(lambda: step.classify(201, HEADERS, GRANT, variables))
    full = cost_us(lambda: step.classify(409, HEADERS, FULL, variables))
    return {
        "build_us": build,
        "classify_granted_us": granted,
        "classify_full_us": full,
        "round_us": build + granted,
        "json_alone_us": cost_us(lambda: document_of(GRANT)),
    }


if __name__ == "__main__":
    for name, cost in measured().items():
        print(f"{name:<20} {cost:6.2f}")
