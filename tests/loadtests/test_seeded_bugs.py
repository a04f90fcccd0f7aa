"""Each of 27 bugs is convicted somewhere on a small ladder; the service without any is never accused."""

import re

import pytest

from tests import bug_table
from tests.bug_table import CORRECT, LADDER, told
from tests.seeded_bugs import BUGS


@pytest.mark.parametrize("name", BUGS)
def test_a_bug_is_convicted(name: str) -> None:
    """From the highest rung down, since most bugs need two requests at once, and some need a fault."""
    for seed in range(3):
        for clients, faults in reversed(LADDER):
            if told(name, clients, seed, faults=faults).verdict == "INVALID":
                return
    pytest.fail(f"{name} was never convicted")


def test_the_service_without_a_bug_is_valid() -> None:
    for seed in range(3):
        for clients, faults in LADDER:
            assert told(CORRECT, clients, seed, faults=faults).verdict == "VALID", (clients, faults, seed)


def test_the_table_says_what_it_should() -> None:
    page = bug_table.PUBLISHED.read_text("utf-8")
    rows = [line.split("|")[1:6] for line in page.splitlines() if line.startswith("| ")][1:]
    figures = {name.strip(): (plain.split(), faulty.split()) for name, plain, faulty, _, _ in rows}
    assert list(figures) == [*BUGS, CORRECT]
    plain, faulty = figures.pop(CORRECT)
    assert {*plain, *faulty} == {"0"}
    assert all(max(map(int, plain + faulty)) >= 3 for plain, faulty in figures.values())
    assert re.search(r"27 of 27 bugs convicted", page)


@pytest.mark.long
def test_the_table_can_be_made_again() -> None:
    assert bug_table.page() == bug_table.PUBLISHED.read_text("utf-8")
