"""The published cases: numbers that others printed, or that follow from them, with their sources.

tests/cases/published.json holds them. A test that reproduces a case names it, so that none is forgotten.
"""

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "cases" / "published.json"
CASES: dict[str, dict[str, Any]] = {each["id"]: each for each in json.loads(FILE.read_text("utf-8"))["cases"]}


def case(name: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """What goes into a case, what is expected, and how near to that is near enough."""
    found = CASES[name]
    return found["input"], found["expected"], found["tolerance"]
