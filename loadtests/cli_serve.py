"""quotalab serve: the reference service, with the store of your choice.

It prints one line, "serving on http://127.0.0.1:PORT", when every worker answers, and stops on Ctrl-C or
SIGTERM. Log lines are JSON, on standard error.
"""

import contextlib
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from loadtests.reference.settings import STORES, TOKEN_VARIABLE, Settings, StoreName
from sim.errors import BadInput, complaint

app = App(name="serve", help="Serve a quota, exactly: the reference service.", help_format="plaintext")

Flag = Annotated[bool, Parameter(negative="")]
Many = Annotated[tuple[str, ...], Parameter(negative="")]
Fault = Literal["check-then-act", "non-idempotent-retry", "per-worker-cap"]


@app.default
def serve(
    *,
    store: StoreName = "sqlite",
    workers: int = 1,
    port: int = 8080,
    host: str = "127.0.0.1",
    cap: Many = (),
    scenario: str | None = None,
    policy: str | None = None,
    scale: float = 1.0,
    gives_back: Annotated[
        tuple[Literal["refusal", "withdrawal", "expiry"], ...], Parameter(negative="")
    ] = (),
    counts: Literal["accepted", "received", "approved"] | None = None,
    refusals: Literal["fresh", "sticky"] | None = None,
    refresh_days: int | None = None,
    admit_per_minute: float | None = None,
    clock_origin: str | None = None,
    clock_rate: float = 1.0,
    data: Path | None = None,
    store_url: str | None = None,
    sync: Literal["full", "normal"] = "full",
    busy_s: float = 5.0,
    fault: Fault | None = None,
    log_requests: Flag = False,
    openapi: Flag = False,
) -> int:
    """Serve a quota, exactly: the reference service.

    Parameters
    ----------
    store
        Where slots are kept. memory forgets with its process and takes one worker only.
    workers
        Worker processes; they share one listening socket and the store.
    port
        Port to listen on; 0 picks a free one.
    host
        Address to listen on. Another than a loopback address needs the admin token in the environment.
    cap
        A limit, as in --cap 2022=14700 or --cap 2022/pilot=550; may be given again.
    scenario
        Take intakes, caps, streams and spec from a scenario file, or from a shipped one by its name.
    policy
        The policy of the scenario whose caps and switches hold; its baseline if left out.
    scale
        Make every cap of the scenario so many times as large, as in --scale 0.02.
    gives_back
        Reason of a release that gives the slot back; may be given again.
    counts
        The moment that takes a slot; with received, incomplete applications count.
    refusals
        sticky keeps a refusal under its key for ever.
    refresh_days
        Judge claims by a copy of the count, taken every so many days of the service's clock.
    admit_per_minute
        Put a waiting room before the claims that lets so many in a minute of the service's clock.
    clock_origin
        What the service's clock shows at the start, as in 2022-12-31T23:50:00-05:00. With it, intakes open
        and close by the clock: those of a scenario on their days, those of --cap with the calendar year.
    clock_rate
        How many seconds the service's clock makes in one.
    data
        Folder for the store's files; a temporary one, gone at the end, if left out.
    store_url
        URL of a PostgreSQL or Valkey that runs already; started as a child if left out.
    sync
        What a commit of SQLite waits for: full, the disk; normal, the file (safe against a killed process).
    busy_s
        Seconds that a command may wait for the store before it is answered 503.
    fault
        Plant a fault for checks to find.
    log_requests
        Log every request.
    openapi
        Print the OpenAPI document of the service, and serve nothing.
    """
    if openapi:
        from loadtests.reference.worker import document

        print(document(), end="")
        return 0

    _check(store, workers, port, host, clock_rate, scale, store_url)
    from loadtests.reference import years

    by_clock = clock_origin is not None
    settings = Settings(
        store=store,
        workers=workers,
        rate=clock_rate,
        fault=fault,
        admit_per_minute=admit_per_minute,
        sync=sync,
        busy_s=busy_s,
        logs_requests=log_requests,
    )
    if scenario is not None:
        from sim import scenario_file

        if cap:
            raise complaint("--cap and --scenario are both given", expected="one of them")
        described = scenario_file.load(scenario)
        settings = replace(
            settings,
            years=years.years_of_scenario(described, policy, scale, by_clock=by_clock),
            spec=years.spec_of_scenario(described, policy),
            ineligible_streams=tuple(
                name for name, stream in described.streams.items() if not stream.eligible
            ),
        )
    else:
        settings = replace(settings, years=years.years_of_caps(years.caps_of_options(cap), by_clock=by_clock))
    spec = settings.spec
    spec = replace(
        spec,
        counts=counts or spec.counts,
        gives_back=frozenset(gives_back) or spec.gives_back,
        refusals=refusals or spec.refusals,
        counter=refresh_days or spec.counter,
    )
    origin_ms = int(time.time() * 1000) if clock_origin is None else years.origin_of(clock_origin)
    settings = replace(settings, spec=spec, origin_ms=origin_ms)
    return _served(settings, host, port, data, store_url)


def _check(
    store: StoreName, workers: int, port: int, host: str, rate: float, scale: float, store_url: str | None
) -> None:
    if store == "memory" and workers != 1:
        raise complaint(
            f"the memory store is in one process, and {workers} workers are {workers} processes",
            key="--workers",
            expected="1",
            mend=f"use --store {' or '.join(STORES[1:])}",
        )
    for key, number, least, most in (
        ("--workers", workers, 1, 64),
        ("--port", port, 0, 65_535),
        ("--clock-rate", rate, 0, 1e7),
        ("--scale", scale, 1e-6, 1e3),
    ):
        if not least <= number <= most:
            raise complaint(f"{number} is out of range", key=key, expected=f"{least} to {most}")
    if store_url is not None and store not in ("postgres", "valkey"):
        raise complaint(f"the store {store} has no URL", key="--store-url", expected="postgres or valkey")
    is_loopback = host in ("localhost", "::1") or host.startswith("127.")
    if not is_loopback and not os.environ.get(TOKEN_VARIABLE):
        raise complaint(
            f"{host} is not a loopback address, and anybody could administer the service",
            key="--host",
            mend=f"set {TOKEN_VARIABLE} in the environment",
        )


def _served(settings: Settings, host: str, port: int, data: Path | None, store_url: str | None) -> int:
    from loadtests.reference.supervisor import CannotStart, Workers

    with _ended() as ended, contextlib.ExitStack() as stack:
        listening = stack.enter_context(_listening(host, port))
        folder = _folder(stack, data)
        settings = replace(
            settings,
            where=_started(stack, settings.store, folder, store_url, is_lasting=data is not None),
            board=str(_board(folder)),
            started_s=time.time(),
        )
        workers = Workers(settings, listening)
        stack.callback(workers.stop)
        try:
            workers.start()
            shown = f"[{host}]" if ":" in host else host
            print(f"serving on http://{shown}:{listening.getsockname()[1]}", flush=True)
            workers.watch(ended)
        except CannotStart:
            return 2 if not ended() else 0
    return 0


@contextlib.contextmanager
def _ended() -> Iterator["_Ended"]:
    """Whether SIGTERM or Ctrl-C has asked for the end. The handlers are put back."""
    ended = _Ended()
    before = {number: signal.signal(number, ended.ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Ended:
    def __init__(self) -> None:
        self._is_asked = False

    def ask(self, *_: object) -> None:
        self._is_asked = True

    def __call__(self) -> bool:
        return self._is_asked


def _listening(host: str, port: int) -> socket.socket:
    from loadtests.reference.supervisor import listen

    try:
        return listen(host, port)
    except OSError as error:
        message = f"cannot listen on {host}, port {port}: {error.strerror or error}"
        raise complaint(message, key="--port", mend="--port 0 picks a free one") from error


def _folder(stack: contextlib.ExitStack, data: Path | None) -> Path:
    if data is None:
        return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="quotalab-serve-")))
    data.mkdir(parents=True, exist_ok=True)
    return data


def _board(folder: Path) -> Path:
    from loadtests.reference.clock import Board

    path = folder / "board"
    Board.create(path)
    return path


def _started(
    stack: contextlib.ExitStack, store: StoreName, folder: Path, store_url: str | None, *, is_lasting: bool
) -> str:
    """Where the store is; a server that is needed is started, and stopped when the stack unwinds."""
    if store == "memory":
        return ""
    if store == "sqlite":
        return str(folder / "quota.sqlite")
    if store_url is not None:
        return store_url
    from loadtests.reference import launch

    return stack.enter_context(launch.server(store, folder / store, is_lasting=is_lasting))


def main() -> int:
    """python -m loadtests.cli_serve, without the front door."""
    try:
        code = app(result_action="return_value")
    except BadInput as error:
        print(error, file=sys.stderr)
        return 3
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    raise SystemExit(main())
