"""The clash: no smaller than a proof, no larger than somebody reads; said in a sentence, and drawn."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from loadtests.checks import linearizability
from loadtests.clash import MOST_DRAWN, Clash, smallest, svg, timeline
from loadtests.clashes.drawing import drawing, lines
from loadtests.clashes.persons import Persons
from loadtests.clashes.relaxing import Counting, Relaxed
from loadtests.clashes.sentences import moment
from loadtests.clashes.shrinking import fewest
from loadtests.history import NEVER, History, read
from loadtests.linear.counters import counters
from loadtests.linear.reading import operations
from loadtests.protocol import ANSWER
from loadtests.verdict import verdict_of
from tests.large_histories import FRAGMENTS, crowded
from tests.loadtests.histories import drawn
from tests.mutations import mutated
from tests.oracle import truth, verdict
from tests.random_histories import MIXES, from_ledger

INVALID = Path(__file__).resolve().parents[1] / "histories" / "invalid"


def clash_of(history: History) -> Clash:
    found = smallest(history, verdict_of(linearizability.check(history)))
    assert found is not None
    return found


def relaxations(rng: np.random.Generator, history: History) -> Iterator[Relaxed | None]:
    """Some ways in which a history can lose operations, at random."""
    every, _ = operations(history)
    for counter in counters(history, every):
        counting = Counting(history, every, counter)
        for share in (0.1, 0.3, 0.6, 0.9):
            kept = np.flatnonzero(rng.random(len(counting)) < share)
            ends = np.append(counting.ends, NEVER)
            yield counting.relaxed(kept, int(ends[rng.integers(len(ends))]))
            yield counting.relaxed(kept)
    rows = np.flatnonzero(rng.random(len(history)) < 0.5)
    persons = Persons(history, rows)
    for share in (0.4, 0.8):
        units = [each for each in persons.units if rng.random() < share]
        yield persons.relaxed(units) if units else None


@pytest.mark.parametrize("seeds", [range(24), pytest.param(range(24, 200), marks=pytest.mark.long)], ids=str)
@pytest.mark.parametrize("name", MIXES)
def test_what_is_left_of_a_legal_history_is_legal(name: str, seeds: range) -> None:
    """Whatever is dropped: else a clash might show what the whole history explains."""
    for seed in seeds:
        rng = np.random.default_rng([seed, 11])
        history = from_ledger(rng, MIXES[name])
        for left in relaxations(rng, history):
            if left is not None:
                assert verdict(left.history) != "INVALID", (name, seed, list(left.history.rows()))


def test_a_grant_that_may_be_older_than_a_cut_is_not_held_to_the_lower_cap() -> None:
    """Two slots were taken, then one of them was cut; of ana's grant alone nothing can be told."""
    history = drawn(
        """
        ana claim   0-9 granted
        bo  claim   1-2 granted
        -   set-cap 3-4 done cap=2022 value=1
        """,
        cap=2,
    )
    every, _ = operations(history)
    [counter] = [each for each in counters(history, every) if each.limit == 2]
    left = Counting(history, every, counter).relaxed(np.array([0]))
    assert verdict(history) == "VALID"
    assert left is None or verdict(left.history) == "VALID"


@pytest.mark.parametrize("file", sorted(INVALID.glob("*.jsonl")), ids=lambda file: file.stem)
def test_every_kept_history_shows_a_few_operations_that_are_invalid_by_themselves(file: Path) -> None:
    history = read(file)
    if file.stem == "granted-though-the-copy-was-full":
        return  # a history judged by copies of the count loses nothing that moves it
    clash = clash_of(history)
    assert clash.is_proof
    assert len(clash.rows) <= len(history)
    assert verdict(clash.history) == truth(clash.history) == "INVALID"


@pytest.mark.parametrize("name", ["claims", "readings", "releases", "keys", "quotas", "audited-releases"])
def test_what_clashes_in_an_edited_history_is_invalid_for_the_plain_search_too(name: str) -> None:
    shrunk = 0
    for seed in range(60):
        rng = np.random.default_rng([seed, 12])
        history = mutated(rng, from_ledger(rng, MIXES[name]), edits=2)
        if verdict(history) != "INVALID":
            continue
        clash = clash_of(history)
        assert clash.says
        if clash.is_proof:
            assert truth(clash.history) == "INVALID", (name, seed)
            shrunk += 1
    assert shrunk > 10


def edited(history: History, rows: dict[int, dict[str, object]]) -> History:
    """A history in which some rows say something else."""
    columns = {name: column.copy() for name, column in history.columns.items()}
    for row, said in rows.items():
        for name, value in said.items():
            columns[name][row] = value
    return History(history.header, columns)


FULL = {"answer": ANSWER["full"], "slot": None, "cap": "2022"}
GRANTED = {"answer": ANSWER["granted"], "slot": "one more", "cap": None}


def crowd(name: str, operations: int = 10_000) -> History:
    wanted = dataclasses.replace(FRAGMENTS[name], operations=operations, in_flight=20)
    return crowded(np.random.default_rng(5), wanted)


@pytest.mark.parametrize("name", ["claims", "readings", "retries", "releases"])
def test_one_grant_too_many_in_a_crowd_comes_down_to_a_few_operations(name: str) -> None:
    history = crowd(name)
    refused = int(np.flatnonzero(history.is_answer("full"))[-1])
    clash = clash_of(edited(history, {refused: GRANTED}))
    assert clash.anomaly == "over-cap"
    assert clash.is_proof
    assert len(clash.rows) <= 8
    limit = history.header.caps[0].limit
    assert f"{limit + 1:,} slots of intake 2022 were certainly held; the cap is {limit:,}" in clash.says
    assert "held before" in clash.besides


def test_a_refusal_with_room_in_a_crowd_comes_down_to_a_few_operations() -> None:
    history = crowd("claims")
    granted = np.flatnonzero(history.is_answer("granted"))
    middle = int(granted[len(granted) // 2])
    clash = clash_of(edited(history, {middle: FULL}))
    assert clash.anomaly == "phantom-full"
    assert len(clash.rows) <= 8
    assert middle in clash.rows
    assert "while at most" in clash.says
    assert "of 5,000 slots of intake 2022 can have been taken" in clash.says


def test_a_stale_reading_in_a_crowd_comes_down_to_a_few_operations() -> None:
    history = crowd("readings")
    reading = int(np.flatnonzero(history.is_op("read"))[-1])
    clash = clash_of(edited(history, {reading: {"value": int(history["value"][reading]) - 40}}))
    assert clash.anomaly == "wrong-reading"
    assert len(clash.rows) <= 8
    assert "certainly taken before it began" in clash.says


SENTENCES = [
    (
        "ana claim 1-2 granted slot=1\nana claim 3-4 granted slot=2 key=k2",
        "ana was granted two slots of intake 2022",
    ),
    (
        "ana claim 1-2 full cap=2022",
        "the claim of ana was refused at 0.000 s–1 ns while at most 0 of 1 slots",
    ),
    (
        "ana claim 1-2 granted slot=1\nbo claim 3-4 granted slot=1",
        "slot 1 of intake 2022 has two holders: ana",
    ),
    ("ana claim 1-2 granted slot=1\nana claim 3-4 replayed slot=2", "ana's key ana-1 was told granted 1"),
    ("bo release 1-2 released", "bo released a slot that they cannot have held, at 0.000 s–1 ns"),
    (
        "- read 1-2 count value=1",
        "the reading at 0.000 s–1 ns saw 1 slot taken, and at most 0 slots of intake 2022",
    ),
    (
        "ana claim 1-2 granted slot=1\n- read 3-4 count value=0",
        "saw 0 slots taken, and 1 slot of intake 2022 was",
    ),
    ("ana claim 1-2 duplicate", "ana was refused for a slot that they cannot have held"),
]


@pytest.mark.parametrize(("text", "says"), SENTENCES)
def test_the_sentence_says_who_was_told_what_and_why_it_cannot_be(text: str, says: str) -> None:
    [finding] = linearizability.check(drawn(text))
    assert says in finding.says


def test_a_grant_between_two_equal_readings_is_told_in_their_order() -> None:
    text = """ana claim 1-100 granted slot=1
    - read 5-10 count value=1
    bo claim 12-14 granted slot=2
    - read 20-22 count value=1"""
    [finding] = linearizability.check(drawn(text, cap=5))
    first, _, second = finding.says.partition("; then ")
    assert "1 more were granted wholly between" in first
    assert "saw 1 slot taken" in second


def test_seconds_are_as_fine_as_they_must_be() -> None:
    assert [moment(each) for each in (0, 5, 3_218_000_000, 1_250_000)] == [
        "0.000 s",
        "5 ns",
        "3.218 s",
        "0.001250 s",
    ]


def test_bars_lie_on_one_axis_and_lines_keep_to_the_width() -> None:
    history = drawn("ana claim 1-9 granted slot=1\nbo claim 5-13 full cap=2022\ncy claim 13- -", cap=1)
    picture = drawing(history, 1)
    for width in (60, 80, 120):
        shown = lines(picture, 1, width=width)
        assert max(map(len, shown)) <= width
        bars = shown[2:]
        assert bars[0].index("[") < bars[1].index("[") < bars[2].index(">")
        assert bars[0].index("]") > bars[1].index("[")
    assert "ana claim, key ana-1: granted, slot 1" in shown[2]
    assert "cy claim, key cy-1: no answer" in shown[4]


def test_a_long_clash_is_drawn_in_part_and_says_so() -> None:
    text = "\n".join(f"p{number} claim {number}-{number + 1} granted slot={number}" for number in range(40))
    clash = clash_of(drawn(text, cap=2))
    many = dataclasses.replace(clash, history=drawn(text, cap=2))
    assert sum(" claim, key " in line for line in timeline(many)) == MOST_DRAWN
    assert "and 16 more operations of the same clash" in timeline(many)


def test_the_picture_stands_alone_and_says_everything_in_text() -> None:
    clash = clash_of(
        drawn("ana claim 1-2 granted slot=1\n<b>o claim 3-4 granted slot=2\ncy claim 3- -", cap=1)
    )
    root = ElementTree.fromstring(svg(clash))
    texts = ["".join(each.itertext()) for each in root.iter() if each.tag.endswith(("text", "title"))]
    assert clash.says in texts
    assert any("<b>o claim" in text and "; 2–3 ns" in text for text in texts)
    assert not [each for each in root.iter() if each.tag.endswith("script")]
    assert "prefers-color-scheme: dark" in svg(clash)


def test_nothing_clashes_in_a_valid_history() -> None:
    history = drawn("ana claim 1-2 granted slot=1")
    assert smallest(history, verdict_of(linearizability.check(history))) is None


def test_the_fewest_are_found_and_none_can_be_dropped() -> None:
    found = fewest(list(range(100)), lambda some: {3, 40, 77} <= set(some))
    assert sorted(found) == [3, 40, 77]
