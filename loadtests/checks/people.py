"""People: how many requests each has, and who held a slot before the run."""

import numpy as np

from loadtests.checks.arrays import Flags, Numbers, Rows
from loadtests.checks.requests import Requests
from loadtests.history import NOBODY, History


class PerPerson:
    """How many requests of some kind each person has, by intake."""

    def __init__(self, requests: Requests, which: Flags, people: Numbers) -> None:
        """`people`: those who will be asked about."""
        names = requests.history.coded("applicant").names
        self._width = len(requests.history.coded("intake").names) + 1
        is_wanted = np.zeros(len(names) + 1, dtype=np.bool_)
        is_wanted[people] = True
        is_wanted[NOBODY] = True
        mine = np.flatnonzero(which & is_wanted[requests.applicant])
        keys = self._keys(requests.applicant[mine], requests.intake[mine])
        self._known, self._counts = np.unique(keys, return_counts=True)

    def _keys(self, applicant: Numbers, intake: Numbers) -> Rows:
        return applicant.astype(np.int64) * self._width + intake + 1

    def exactly(self, applicant: Numbers, intake: Numbers) -> Rows:
        """For each pair how many of the person's requests are certainly about the intake."""
        return self._of(applicant, intake)

    def concerning(self, applicant: Numbers, intake: Numbers) -> Rows:
        """For each pair how many requests about the intake are the person's, or may be: nobody's too."""
        nobody, anywhere = np.full_like(applicant, NOBODY), np.full_like(intake, NOBODY)
        pairs = ((applicant, intake), (applicant, anywhere), (nobody, intake), (nobody, anywhere))
        found = [self._of(*pair) for pair in pairs]
        return np.asarray(found[0] + found[1] + found[2] + found[3])

    def _of(self, applicant: Numbers, intake: Numbers) -> Rows:
        keys = self._keys(applicant, intake)
        places = np.minimum(np.searchsorted(self._known, keys), max(0, len(self._known) - 1))
        if not len(self._known):
            return np.zeros(len(keys), dtype=np.int64)
        return np.where(self._known[places] == keys, self._counts[places], 0)


def initial_holders(history: History, intake: str) -> frozenset[str] | None:
    """Who held a slot of the intake before the run; None if that is not known."""
    initial = history.header.initial
    if initial is None:
        return frozenset()
    return None if initial.holders is None else frozenset(initial.holders.get(intake, ()))


def held_before(history: History, intake: str, applicant: Numbers) -> Flags | None:
    """Which of these applicants held a slot of the intake before the run; None if that is not known."""
    before = initial_holders(history, intake)
    if before is None:
        return None
    if not before:
        return np.zeros(len(applicant), dtype=np.bool_)
    return np.append(history.coded("applicant").names.among(before), False)[applicant]
