"""What the service says of itself: one line of JSON an event, on standard error."""

import contextlib
import json
import os
import sys
import time


def log(event: str, **more: object) -> None:
    """Say that something happened."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    with contextlib.suppress(OSError):  # a full disk must not cost anybody an answer
        sys.stderr.write(json.dumps({"at": at, "pid": os.getpid(), "event": event, **more}) + "\n")
        sys.stderr.flush()
