"""What the scripts of this folder share: their options, and a WSGI server on a free loopback port."""

import argparse
from collections.abc import Callable
from typing import Any

import waitress.server

from tests.services import ANNOUNCEMENT


def options(title: str | None) -> argparse.Namespace:
    """The options of a script: the port, 0 for a free one, and the cap of the service."""
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--cap", type=int, default=20)
    return parser.parse_args()


def serve(application: Callable[..., Any], port: int, threads: int = 8) -> None:
    """Serve until the process is ended."""
    server = waitress.server.create_server(application, host="127.0.0.1", port=port, threads=threads)
    print(f"{ANNOUNCEMENT}http://127.0.0.1:{server.effective_port}", flush=True)
    server.run()
