"""What Locust's log says of a run that broke off, and Locust's command line."""

import sys
from pathlib import Path

import pytest

from loadtests import signs
from loadtests.loading.replay import why
from loadtests.loading.watching import Watch
from loadtests.target import start

LOG = "[2026-11-22 15:49:12,251] host/{level}/{name}: {text}\n"


def log(level: str, name: str, text: str) -> str:
    return LOG.format(level=level, name=name, text=text)


FULL = "the history cannot be recorded: No space left on device\n      to mend:  free some room"
RAISED = "Traceback (most recent call last):\n  File x, line 1\nOSError: [Errno 28] No space left on device\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (log("INFO", "locust.main", "Starting") + "----|----\n", ""),
        (
            log("ERROR", "loadtests.fleet", f"nothing was judged: {FULL}") + log("INFO", "locust.main", "x"),
            FULL,
        ),
        (
            log("ERROR", "loadtests.worker", "worker 1 broke off") + RAISED,
            "worker 1 broke off: OSError: [Errno 28] No space left on device",
        ),
        (
            log("CRITICAL", "locust.main", "Unhandled exception in greenlet: <Greenlet>") + RAISED,
            "OSError: [Errno 28] No space left on device",
        ),
        (
            log("ERROR", "loadtests.fleet", "ours") + log("CRITICAL", "locust.main", "Locust's"),
            "ours",
        ),
        (RAISED, "OSError: [Errno 28] No space left on device"),
    ],
    ids=["nothing", "a complaint", "a traceback", "unhandled", "ours first", "before any log"],
)
def test_what_locust_complained_of_is_found_in_its_log(tmp_path: Path, text: str, said: str) -> None:
    child = start("locust", [sys.executable, "-c", ""], tmp_path / "log")
    child.process.wait()
    child.output.write_text(text, "utf-8")
    assert why(child) == said


def test_counts_of_other_hosts_are_taken_from_the_master(tmp_path: Path) -> None:
    (tmp_path / "history").mkdir()
    watch = Watch(tmp_path / "history", late_ns=1)
    watch.look()
    assert watch.sent == 0
    counts = {"sent": 9, "late": 2, "in_flight": 3, "answers": {"claim granted": 5, "read count": 1}}
    signs.goes_on(tmp_path, counts)
    watch.look()
    assert (watch.sent, watch.answered, watch.late) == (9, 6, 2)
    assert watch.outcomes == {"granted": 5, "read count": 1}
