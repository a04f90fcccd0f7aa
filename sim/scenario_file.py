"""Scenario files: find one, read it, check it in full, and say everything that is wrong with it at once."""

import dataclasses
from pathlib import Path
from typing import Final

from sim.errors import BadInput
from sim.scenario import Scenario
from sim.scenario_files import files
from sim.scenario_files.check import Faulty, checked
from sim.scenario_files.files import Kind, Shipped
from sim.scenario_files.schema import schema
from sim.scenario_files.settings import parse_setting, replaced
from sim.scenario_files.syntax import read

__all__ = ["Shipped", "load", "parse_setting", "replaced", "schema", "shipped", "text_of"]

SCENARIOS: Final = Kind("scenario", package="scenarios", folder="scenarios")


def load(path_or_name: str | Path) -> Scenario:
    """The scenario of a file, or the shipped one of that name; raises BadInput with every problem."""
    file, text = text_of(path_or_name)
    found = read(text)
    problems = found.problems
    try:
        if found.data is not None:
            scenario = checked(found.data)
            if not problems:
                return scenario
    except Faulty as error:
        places = files.places_of(found.text)
        problems = problems + [files.placed(each, found.data, found.text, places) for each in error.faults]
    ordered = sorted(problems, key=lambda problem: (problem.line, problem.column))
    raise BadInput([dataclasses.replace(problem, file=file) for problem in ordered])


def text_of(path_or_name: str | Path) -> tuple[str, str]:
    """What to call the file in messages, and its text."""
    return files.text_of(SCENARIOS, path_or_name)


def shipped() -> list[Shipped]:
    """The scenarios that come with the package, by name."""
    return files.shipped(SCENARIOS)
