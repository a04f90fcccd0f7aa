"""Safe by default: traffic goes to this machine, within bounds, once, and is said before it is sent.

A host is *ours* if it is loopback, or was named with --i-own exactly as the target has it. A target is
*dirty* if it counts slots before the run: what is found afterwards could not be told from what the run did.
"""

import fcntl
import ipaddress
import os
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from sim.errors import complaint

MOST_PER_S: Final = 5_000.0
"""Sends a second, averaged over the busiest second, unless --most-rate raises it."""
MOST_MINUTES: Final = 30.0
"""How long a run may last unless --most-minutes raises it."""
MASTER_PORT: Final = 5557
LOCKS: Final = Path("results", "runs")


def check_host(base_url: str, owned: tuple[str, ...]) -> None:
    """BadInput unless the target is on this machine, or its owner says so."""
    host = urlsplit(base_url).hostname or ""
    if is_loopback(host) or host in owned:
        return
    said = f" (--i-own names {', '.join(owned)})" if owned else ""
    raise complaint(
        f"{host} is not this machine, and a load test can bring a service down{said}",
        key="--target",
        mend=f"if the service is yours, or its owner agrees: --i-own {host}",
    )


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its name or address alone; nothing is looked up."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def address(text: str, *, key: str) -> tuple[str, int]:
    """HOST:PORT in its parts; the port may be left out."""
    host, _, port = text.strip().rpartition(":") if ":" in text else (text.strip(), ":", str(MASTER_PORT))
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise complaint(
            f"{text!r} is no address", key=key, expected=f"HOST:PORT, such as 192.0.2.7:{MASTER_PORT}"
        )
    return host.strip("[]"), int(port)


def check_pace(busiest_per_s: float, minutes: float, *, most_per_s: float, most_minutes: float) -> None:
    """BadInput if more would be sent than was allowed."""
    if busiest_per_s > most_per_s:
        raise complaint(
            f"{busiest_per_s:,.0f} requests would be sent in one second, and {most_per_s:,.0f} are allowed",
            key="--rate",
            mend=f"spread them with --rate or --minutes, or allow them: --most-rate {busiest_per_s:.0f}",
        )
    if minutes > most_minutes:
        raise complaint(
            f"the run would last {minutes:,.1f} minutes, and {most_minutes:g} are allowed",
            key="--minutes",
            mend=f"shorten it with --minutes or --compress, or allow it: --most-minutes {minutes:.0f}",
        )


def check_clean(used: dict[str, int], *, reset: str, dirty_ok: bool, shared: bool) -> None:
    """BadInput if the target has slots taken, unless that was said to be so."""
    taken = {intake: number for intake, number in used.items() if number}
    if not taken or dirty_ok or shared:
        return
    listed = ", ".join(f"{number:,} of intake {intake}" for intake, number in taken.items())
    raise complaint(
        f"the target has slots taken already: {listed}",
        key="--target",
        mend=f"{reset}; or say --dirty to count from there, or shared = true in the profile if others use it",
    )


class Lock:
    """The lock of a run id: while a run is under way, and after it was, the same id does not run again."""

    def __init__(self, run: str, folder: Path = LOCKS) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f".{run}.lock"
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            raise complaint(
                f"run {run} is under way", key="--run", mend="give another id, or none"
            ) from error
        if os.fstat(self._file).st_size:
            self.release()
            raise complaint(
                f"run {run} has been made: its applicants and keys are known to the service",
                key="--run",
                mend="give another id, or none for a new one",
            )
        os.write(self._file, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Let go; the file stays, so that the id stays used."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
