"""Profiles for tests, written in a line or two over a smallest one."""

from collections.abc import Mapping
from pathlib import Path

from loadtests.profile import Target, Who, compiled, load

SMALLEST = """\
format = 1
name = "smallest"
title = "the smallest profile"
base_url = "http://127.0.0.1:8080"
slot = "applicant"

[[claim]]
request = "POST /claims"
json = { applicant = "{applicant}" }
rules = [{ status = 201, answer = "granted" }]
"""

ANA = Who("Ana-1", "main", intake="2022", key="k-1")


def target_of(folder: Path, text: str, environment: Mapping[str, str] | None = None) -> Target:
    """The target of a profile's text."""
    file = folder / "profile.toml"
    file.write_text(text, "utf-8")
    return compiled(load(file), environment=environment or {})


def with_rules(rules: str) -> str:
    """The smallest profile with other rules of its claim, over one that says `granted`."""
    listed = f'rules = [\n{rules}\n    {{ status = 299, answer = "granted" }},\n]\n'
    return SMALLEST.replace('rules = [{ status = 201, answer = "granted" }]\n', listed)
