"""What the scripts of this folder share: their options, and a WSGI server on a free loopback port."""

import argparse
from collections.abc import Callable
from typing import Any

import waitress.server

from tests.services import ANNOUNCEMENT


def parser(title: str | None) -> argparse.ArgumentParser:
    """The options that every script has: the port, 0 for a free one, and the cap of the service."""
    found = argparse.ArgumentParser(description=title)
    found.add_argument("--port", type=int, default=0)
    found.add_argument("--cap", type=int, default=20)
    return found


def options(title: str | None) -> argparse.Namespace:
    """What a script without further options was told."""
    return parser(title).parse_args()


def serve(application: Callable[..., Any], port: int, threads: int = 8) -> None:
    """Serve until the process is ended."""
    server = waitress.server.create_server(application, host="127.0.0.1", port=port, threads=threads)
    print(f"{ANNOUNCEMENT}http://127.0.0.1:{server.effective_port}", flush=True)
    server.run()
