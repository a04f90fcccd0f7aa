"""The commands of the load half, such as serve, load and check, mounted beside those of the simulation.

`python -m loadtests.cli` is the whole command line, as the front door builds it.
"""

from collections.abc import Sequence

from cyclopts import App

COMMANDS = {
    "serve": ("loadtests.cli_serve:app", "Serve a quota, exactly: the reference service."),
    "target": ("loadtests.cli_target:app", "Check and make target profiles; clean up after a run."),
    "trace": ("loadtests.cli_trace:app", "Print or write what a load test of a scenario would send."),
    "load": ("loadtests.cli_load:app", "Replay a scenario against a service, and judge what it did."),
    "check": ("loadtests.cli_check:app", "Judge recorded histories: VALID, INVALID or UNKNOWN."),
    "report": ("loadtests.cli_report:app", "One page of a run: pictures, tables, in a single HTML file."),
    "demo": ("loadtests.cli_demo:app", "All of it once: simulate, compare, load, judge; one page."),
    "load-worker": ("loadtests.cli_worker:worker", "Send a part of a load test from this host."),
    "load-merge": ("loadtests.cli_worker:merge", "Bring a worker's record into a run, and judge again."),
}
"""Name of a command -> where its App is, and its line in the help."""


def mount(app: App) -> None:
    """Add the commands to the app of the front door, once; nothing is imported until one of them runs."""
    known = set(app)
    for name, (place, line) in COMMANDS.items():
        if name not in known:
            app.command(place, name=name, help=line)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command of either half; the exit code."""
    from sim import cli

    mount(cli.app)
    return cli.main(argv)


if __name__ == "__main__":
    raise SystemExit(main())
