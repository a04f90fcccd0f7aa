"""The commands of the load half, such as serve, load and check, mounted beside those of the simulation.

`python -m loadtests.cli` is the whole command line, as the front door builds it.
"""

from collections.abc import Sequence

from cyclopts import App

COMMANDS = {
    "serve": ("loadtests.commands.serve:app", "Serve a quota, exactly: the reference service."),
    "target": ("loadtests.commands.target:app", "Check and make target profiles; clean up after a run."),
    "trace": ("loadtests.commands.trace:app", "Print or write what a load test of a scenario would send."),
    "load": ("loadtests.commands.load:app", "Replay a scenario against a service, and judge what it did."),
    "check": ("loadtests.commands.check:app", "Judge recorded histories: VALID, INVALID or UNKNOWN."),
    "report": (
        "loadtests.commands.report:app",
        "One page of a run: pictures and tables in one HTML file.",
    ),
    "demo": ("loadtests.commands.demo:app", "All of it once: simulate, compare, load, judge; one page."),
    "load-worker": ("loadtests.commands.worker:worker", "Send a part of a load test from this host."),
    "load-merge": ("loadtests.commands.worker:merge", "Bring a worker's record into a run, and judge again."),
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
