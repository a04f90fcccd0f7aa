"""What other load generators cost, for scale: wrk (C) and hey (Go), if they are installed.

They send the claim that our client sends, over as many connections, to the same server, and look at nothing
in the answer but its status: no record, no JSON, no classification.
"""

import re
import resource
import shutil
import subprocess
from pathlib import Path

CLAIM = (
    '{"applicant":"quotalab-bench-123","stream":"general","residence":"abroad",'
    '"certificate":true,"letter":true,"complete":true}'
)
KEY = '"6ba7b810-9dad-51d1-80b4-00c04fd430c8"'
WANTED = ("wrk", "hey")


def installed() -> list[str]:
    """Those that can be measured here."""
    return [name for name in WANTED if shutil.which(name)]


def cpu_us(name: str, address: str, requests: int, clients: int, folder: Path) -> float:
    """CPU a request of one run, the start of the process included."""
    url = f"{address}/quotas/2019/claims"
    if name == "wrk":
        script = folder / "claim.lua"
        script.write_text(
            f"wrk.method = 'POST'\nwrk.body = [[{CLAIM}]]\n"
            f"wrk.headers['Content-Type'] = 'application/json'\nwrk.headers['Idempotency-Key'] = [[{KEY}]]\n"
        )
        command = ["wrk", "-t1", f"-c{clients}", "-d1s", "-s", str(script), url]
    else:
        headers = ("-T", "application/json", "-H", f"Idempotency-Key: {KEY}")
        command = [
            "hey",
            *("-n", str(requests), "-c", str(clients), "-m", "POST", *headers, "-d", CLAIM, url),
        ]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent / _answered(said) * 1e6


def _answered(said: str) -> int:
    """How many requests were answered, and all of them with a grant."""
    assert "Non-2xx" not in said, said
    if found := re.search(r"(\d+) requests in", said):
        return int(found[1])
    found = re.search(r"\[201\]\s+(\d+) responses", said)
    assert found is not None, said
    return int(found[1])
