"""quotalab serve: the reference service, with the store of your choice.

When every worker answers it prints "serving on http://127.0.0.1:PORT", and then what it serves; it stops on
Ctrl-C or SIGTERM. Log lines are JSON, on standard error.
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

from loadtests.reference.settings import STORES, TOKEN_VARIABLE, SameKey, Settings, StoreName
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
    same_key: SameKey = "wait",
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
        Where slots are kept; sqlite if left out. memory forgets with its process, and takes one worker only.
    workers
        Worker processes; they share one listening socket and the store.
    port
        Port to listen on; 0 picks a free one.
    host
        Address to listen on. One that is no loopback address needs a token for administrators in the
        environment, as QUOTALAB_ADMIN_TOKEN.
    cap
        A limit: --cap 2022=14700 for an intake, --cap 2022/pilot=550 for a stream of it; may be given again.
    scenario
        Take intakes, caps, switches and the waiting room from a scenario file, or from a shipped one by its
        name; with --clock-origin also the dates on which parts of the caps are released.
    policy
        The policy of the scenario that sets its caps and switches; its baseline if left out.
    scale
        Make caps and waiting room of the scenario so many times as large, as in --scale 0.02.
    gives_back
        A reason for which a released slot can be granted again; may be given again.
    counts
        The moment that takes a slot; with received, incomplete applications take one, too.
    refusals
        fresh: a key that was refused is decided anew; sticky: it keeps its refusal for ever.
    refresh_days
        Judge claims by a copy of the count, taken at midnight every so many days of the service's clock,
        in the scenario's time zone (America/Toronto without one).
    admit_per_minute
        Put a waiting room before the claims that lets so many people in a minute of the service's clock;
        the scenario's if left out.
    clock_origin
        What the service's clock shows at the start, as in 2022-12-31T23:50:00-05:00. With it, intakes open
        and close by the clock: those of a scenario on their days, those of --cap with the calendar year.
        Without it, the clock shows the time, and every intake is open, with its whole caps.
    clock_rate
        How many seconds the service's clock goes ahead in one second.
    data
        Folder to keep the store's files in; if left out, a temporary one that is gone at the end.
    store_url
        A PostgreSQL or Valkey that runs already, as postgresql://user:password@host:5432/database or
        valkey://:password@host:6379/0; if left out, one is started here, and stopped at the end.
    same_key
        What a claim does whose key is being decided already: wait, and get the first answer again; conflict,
        be told so at once, by 409 idempotency-in-progress. A worker knows only of its own claims.
    sync
        What a commit of SQLite waits for: full, the disk; normal, the file (safe against a killed process,
        not against a power cut).
    busy_s
        Seconds that a command may wait for the store before it is answered 503: nothing was done.
    fault
        Plant a fault for checks to find: check-then-act looks for room and grants in two steps;
        non-idempotent-retry serves a repeated key again; per-worker-cap lets each worker count for itself.
    log_requests
        Log every request, on standard error.
    openapi
        Print the OpenAPI document of the service, and serve nothing.
    """
    if openapi:
        from loadtests.reference.worker import document

        print(document(), end="")
        return 0

    _check(store, workers, host, store_url)
    _check_ranges(
        ("--workers", workers, 1, 64),
        ("--port", port, 0, 65_535),
        ("--clock-rate", clock_rate, 0, 1e7),
        ("--scale", scale, 1e-6, 1e3),
        ("--refresh-days", refresh_days, 1, 3_660),
        ("--admit-per-minute", admit_per_minute, 1e-6, 1e9),
        ("--busy-s", busy_s, 0, 3_600),
    )
    if scenario is None and (policy is not None or scale != 1.0):
        key = "--scale" if policy is None else "--policy"
        raise complaint("there is no scenario that it could be of", key=key, mend="name one with --scenario")
    from loadtests.reference import years

    settings = Settings(
        store=store,
        workers=workers,
        rate=clock_rate,
        fault=fault,
        same_key=same_key,
        sync=sync,
        busy_s=busy_s,
        logs_requests=log_requests,
        origin_ms=int(time.time() * 1000) if clock_origin is None else years.origin_of(clock_origin),
    )
    by_clock = clock_origin is not None
    if scenario is None:
        caps = years.caps_of_options(cap)
        settings = replace(settings, years=years.years_of_caps(caps, by_clock=by_clock))
    elif cap:
        raise complaint("--cap and --scenario are both given", expected="one of them")
    else:
        settings = years.with_scenario(settings, scenario, policy, scale, by_clock=by_clock)
    spec = settings.spec
    spec = replace(
        spec,
        counts=counts or spec.counts,
        gives_back=frozenset(gives_back) or spec.gives_back,
        refusals=refusals or spec.refusals,
        counter=refresh_days or spec.counter,
    )
    settings = replace(settings, spec=spec, admit_per_minute=admit_per_minute or settings.admit_per_minute)
    return _served(settings, host, port, data, store_url)


def _check_ranges(*options: tuple[str, float | None, float, float]) -> None:
    """Each number that was given is between the least and the most."""
    for key, number, least, most in options:
        if number is not None and not least <= number <= most:
            raise complaint(f"{number:g} is out of range", key=key, expected=f"{least:g} to {most:,.0f}")


def _check(store: StoreName, workers: int, host: str, store_url: str | None) -> None:
    if store == "memory" and workers != 1:
        raise complaint(
            f"the memory store is in one process, and {workers} workers are {workers} processes",
            key="--workers",
            expected="1",
            mend=f"use --store {' or '.join(STORES[1:])}",
        )
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
    from loadtests.reference.banner import lines
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
            place = _place(settings, folder, is_lasting=data is not None, is_ours=store_url is None)
            said = [f"serving on http://{shown}:{listening.getsockname()[1]}", *lines(settings, place=place)]
            print("\n".join(said), flush=True)
            workers.watch(ended)
        except CannotStart as error:
            if not ended():
                raise complaint(
                    f"the service cannot run: {error}", key=f"--store {settings.store}"
                ) from error
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


def _place(settings: Settings, folder: Path, *, is_lasting: bool, is_ours: bool) -> str:
    """Where what is granted is kept, and for how long."""
    if settings.store == "memory":
        return ", forgotten at the end"
    if not is_ours:
        return ", on the server of --store-url"
    return f" in {folder}" if is_lasting else ", forgotten at the end (--data FOLDER keeps it)"


def _started(
    stack: contextlib.ExitStack, store: StoreName, folder: Path, store_url: str | None, *, is_lasting: bool
) -> str:
    """Where the store is; a server that is needed is started, and stopped when the stack unwinds."""
    if store == "memory":
        return ""
    if store == "sqlite":
        return str(folder / "quota.sqlite")
    from loadtests.reference import launch, reach

    if store_url is not None:
        reach.check(store, store_url)
        return store_url

    return stack.enter_context(launch.server(store, folder / store, is_lasting=is_lasting))


def main() -> int:
    """python -m loadtests.commands.serve, without the front door."""
    try:
        code = app(result_action="return_value")
    except BadInput as error:
        print(error, file=sys.stderr)
        return 3
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    raise SystemExit(main())
