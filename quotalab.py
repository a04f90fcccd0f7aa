"""The front door: the `quotalab` command, and the few names that `import quotalab` offers.

Everything is imported on first use, so that `quotalab --help` and `import quotalab` cost nothing.
"""

from importlib import import_module
from typing import Any

OFFERED = {"load": "sim.scenario_file", "run": "sim.study", "compare": "sim.compare"}


def __getattr__(name: str) -> Any:
    """quotalab.load(path) reads a scenario file; run(scenario) and compare(scenario) simulate it."""
    if name in OFFERED:
        return getattr(import_module(OFFERED[name]), name)
    raise AttributeError(f"module 'quotalab' has no attribute {name!r}; it offers {', '.join(OFFERED)}")


def __dir__() -> list[str]:
    return [*OFFERED, "main"]


def main() -> None:
    """Run the command line in sys.argv; leaves through SystemExit with the exit code."""
    import loadtests.cli

    raise SystemExit(loadtests.cli.main())


if __name__ == "__main__":
    main()
