"""The commands of the load half: serve, target and load, mounted beside those of the simulation.

`python -m loadtests.cli` is the whole command line, as the front door builds it.
"""

from collections.abc import Sequence

from cyclopts import App

COMMANDS = {
    "serve": ("loadtests.cli_serve:app", "Serve a quota, exactly: the reference service."),
    "target": ("loadtests.cli_target:app", "Check and make target profiles; clean up after a run."),
    "load": ("loadtests.cli_load:app", "Replay a scenario against a service, and judge what it did."),
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
