"""What the commands that explore a scenario share: reading the scenario, the policies, the numbers."""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from sim.cli import encodable
from sim.errors import complaint
from sim.scenario import Scenario


class Given(NamedTuple):
    """A scenario as the command line gave it."""

    source: str
    text: str
    settings: dict[str, Any]
    scenario: Scenario
    """With the settings replaced."""


def given(path_or_name: str, settings: tuple[str, ...]) -> Given:
    """The scenario of a file or name, with --set applied."""
    from sim import scenario_file

    source, text = scenario_file.text_of(path_or_name)
    scenario = scenario_file.load(path_or_name)
    values = dict(scenario_file.parse_setting(each) for each in settings)
    return Given(source, text, values, scenario_file.replaced(scenario, values) if values else scenario)


def policies_of(scenario: Scenario, text: str | None) -> tuple[str, ...]:
    """The policies asked for, the baseline if none are; BadInput for one that cannot be simulated."""
    from sim import study
    from sim.compare import misfit
    from sim.exploring.naming import listed

    names = listed(text) if text is not None else (scenario.baseline,)
    if not names:
        raise complaint("no policy is named", key="--policies", expected="a,b,c")
    for name in names:
        reason = misfit(scenario, study.named(scenario, name))
        if reason:
            raise complaint(f"{name} does not fit {scenario.name}: {reason}", key="--policies")
    return names


def policy_of(scenario: Scenario, text: str | None) -> str:
    """The one policy asked for, the baseline if none is; BadInput for several, or one that cannot be run."""
    names = policies_of(scenario, text)
    if len(names) > 1:
        mend = f"write --policy {names[0]}, and run it again for the others"
        raise complaint(f"{', '.join(names)} are several policies", key="--policy", mend=mend)
    return names[0]


def check_numbers(**numbers: tuple[int | None, int]) -> None:
    """BadInput for a number below its least: option -> (number, least)."""
    for name, (number, least) in numbers.items():
        if number is not None and number < least:
            expected = f"a whole number of at least {least}"
            raise complaint(f"{number} is too small", key=f"--{name}", expected=expected)


def check_fast(fast: bool) -> None:
    """BadInput where compiled kernels are asked for and cannot be had."""
    if fast and find_spec("numba") is None:
        mend = "install quotalab[fast], or leave --fast out"
        raise complaint("numba is not installed", key="--fast", mend=mend)


def print_summary(folder: Path) -> None:
    """summary.json as it stands."""
    sys.stdout.write(encodable((folder / "summary.json").read_text("utf-8")))
