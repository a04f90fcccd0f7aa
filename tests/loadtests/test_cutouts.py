"""Parts of histories: what contradicts a part contradicts the whole; a part of a legal one is never so."""

import dataclasses

import numpy as np
import pytest

from loadtests import sensitivity
from loadtests.checks import linearizability
from loadtests.cutouts import Part, around, of_people
from loadtests.edits import Edits
from loadtests.history import History
from loadtests.linear.object import refuted
from tests.large_histories import FRAGMENTS, crowded
from tests.random_histories import MIXES, from_ledger, sized

WITHOUT = {"shared", "shared-audited", "copies", "copies-and-releases", "cuts", "cuts-alone"}
STEADY = {name for name, mix in MIXES.items() if not mix.cuts and not mix.refreshes}
CAN_BE_CUT = sorted(STEADY - WITHOUT)


def parts_of(history: History, order: np.ndarray, rng: np.random.Generator) -> list[Part]:
    found = []
    for cap in history.header.caps:
        for size in (3, 12, 40):
            part = around(history, order, int(rng.integers(len(order))), size=size, cap=cap)
            found += [part] if part else []
    who = np.unique(history.coded("applicant").codes)
    people = rng.choice(who[who >= 0], min(3, int((who >= 0).sum())), replace=False)
    return [*found, of_people(history, order, people)]


@pytest.mark.parametrize("name", CAN_BE_CUT)
def test_no_part_of_a_legal_history_is_contradictory(name: str) -> None:
    cut = 0
    for seed in range(6):
        rng = np.random.default_rng([seed, 23])
        history = from_ledger(rng, sized(MIXES[name], 50, in_flight=5))
        [explained] = linearizability.check(history)
        if explained.order is None:
            continue
        for part in parts_of(history, explained.order, rng):
            assert refuted(part.history) is None, (name, seed)
            assert np.array_equal(np.unique(part.order), np.sort(part.order))
            cut += 1
    assert cut > 6


@pytest.mark.parametrize("name", ["claims", "readings", "releases"])
def test_what_convicts_a_part_would_convict_the_whole(name: str) -> None:
    """The same stranger's grant, refusal or reading, written into the whole history."""
    crowd = dataclasses.replace(FRAGMENTS[name], operations=600, in_flight=8)
    history = crowded(np.random.default_rng(2), crowd)
    [explained] = linearizability.check(history)
    assert explained.order is not None
    [cap], convicted = history.header.caps, 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        place = Edits(history, explained.order, rng).fullest()
        part = around(history, explained.order, place, size=100, cap=cap)
        assert part is not None
        edited = Edits(part.history, part.order, np.random.default_rng(seed), cap=cap).grants(1)
        if edited is None or refuted(edited) is None:
            continue
        [row] = [each for each in edited.rows() if str(each.get("applicant", "")).startswith("edited")]
        rows = sorted([*history.rows(), row], key=lambda each: int(each["invoked_ns"]))
        whole = history_with(history, rows)
        assert refuted(whole) is not None, (name, seed)
        convicted += 1
    assert convicted > 0


def history_with(history: History, rows: list[dict[str, object]]) -> History:
    from loadtests.history import history_of

    return history_of(history.header, [{k: v for k, v in row.items() if k != "index"} for row in rows])


@pytest.mark.parametrize("operations", [6_000, 60_000])
def test_a_large_history_is_judged_in_small_parts(operations: int) -> None:
    crowd = dataclasses.replace(FRAGMENTS["everything"], operations=operations, in_flight=20)
    history = crowded(np.random.default_rng(5), crowd)
    [explained] = linearizability.check(history)
    looked_at = []

    def is_wrong(edited: History) -> bool:
        looked_at.append(len(edited))
        return refuted(edited) is not None

    [finding] = sensitivity.check(history, explained.order, is_wrong=is_wrong)
    assert finding.judgement == "VALID"
    assert "in a part of" in finding.says
    assert max(looked_at) < operations
    assert sum(looked_at) <= 2 * (sensitivity.FLOOR + operations // 10)


def test_a_large_history_without_parts_says_what_was_not_tried() -> None:
    crowd = dataclasses.replace(FRAGMENTS["claims"], operations=sensitivity.LARGE + 1_000)
    history = crowded(np.random.default_rng(5), crowd)
    history = dataclasses.replace(history, header=dataclasses.replace(history.header, shared=True))
    [explained] = linearizability.check(history)
    [finding] = sensitivity.check(history, explained.order)
    assert "not tried: one grant too many" in finding.says
