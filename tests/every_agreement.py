"""The judge and the plain search on every small history of a world, one by one; also as a program.

    python -m tests.every_agreement persons --size 4 --cap 2 --spec sticky --part 0 --parts 8 --out FOLDER

judges one part of a world, writes what came of it to FOLDER/summary.json, and ends with 0 if the two agreed
on every history, else with 1 and the smallest history on which they do not.

The worlds: `pools` and `counters` (tests/pools.py, tests/every_history.py), `persons` and `repeats`
(tests/every_person.py).
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from loadtests.checks.linearizability import explained
from loadtests.header import Header
from loadtests.history import history_of
from loadtests.pools.kernel import judge
from tests import every_history, every_person
from tests.every_person import SPECS
from tests.oracle import shown
from tests.pools import every_pool, is_legal, kinds_up_to, ops_of, wrong_with
from tests.told_ledger import Row
from tests.wing_gong import Known, order_of

WORLDS: Final = ("pools", "counters", "persons", "repeats")


def agreed(header: Header, worlds: Iterable[list[Row]], name: object) -> Counter[str]:
    """How many verdicts there were of each kind: none wrong, and none of them UNKNOWN."""
    found: Counter[str] = Counter()
    known = Known(header)
    for number, rows in enumerate(worlds):
        history = history_of(header, rows)
        said = explained(history).judgement
        true = "INVALID" if order_of(header, rows, known) is None else "VALID"
        assert said == true, shown(history, f"{name}, number {number}: {said}")
        found[said] += 1
    return found


def pools(size: int, cap: int, *, part: int = 0, parts: int = 1) -> Counter[str]:
    """The same of pools; a legal one comes with an order that is checked."""
    certain = [kind for kind in kinds_up_to(cap) if not kind[1]]
    found: Counter[str] = Counter()
    for number, pool in enumerate(every_pool(size, certain, cap=cap)):
        if number % parts != part:
            continue
        judged = judge(pool)
        assert judged.judgement == ("VALID" if is_legal(pool) else "INVALID"), ops_of(pool)
        if judged.judgement == "VALID":
            assert wrong_with(pool, judged.order.tolist(), judged.at.tolist()) is None, ops_of(pool)
        found[judged.judgement] += 1
    return found


def counters(size: int, cap: int, *, part: int = 0, parts: int = 1) -> Counter[str]:
    """The same of histories on one counter."""
    rows = every_history.every_history(size, cap, part=part, parts=parts)
    return agreed(every_history.header_of(cap), rows, ("counters", size, cap, part, parts))


def persons(size: int, cap: int, spec: str, *, part: int = 0, parts: int = 1) -> Counter[str]:
    """The same of histories of people."""
    rows = every_person.every_history(size, cap, SPECS[spec], part=part, parts=parts)
    return agreed(every_person.header_of(cap, SPECS[spec]), rows, ("persons", size, cap, spec, part, parts))


def repeats(size: int, cap: int, spec: str, *, part: int = 0, parts: int = 1) -> Counter[str]:
    """The same where some of the answers are told as replays, with or without what they repeat."""
    rows = every_person.every_repeated(size, cap, SPECS[spec], part=part, parts=parts)
    return agreed(every_person.header_of(cap, SPECS[spec]), rows, ("repeats", size, cap, spec, part, parts))


def main(arguments: list[str]) -> int:
    """Judge one part of a world; 0 if there was no disagreement."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("world", choices=WORLDS)
    parser.add_argument("--size", type=int, required=True, help="operations")
    parser.add_argument("--cap", type=int, required=True)
    parser.add_argument("--spec", choices=SPECS, default="fresh", help="of people")
    parser.add_argument("--part", type=int, default=0)
    parser.add_argument("--parts", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args(arguments)
    parts = {"part": asked.part, "parts": asked.parts}
    disagreement = ""
    found: Counter[str] = Counter()
    try:
        if asked.world in ("pools", "counters"):
            found = (pools if asked.world == "pools" else counters)(asked.size, asked.cap, **parts)
        else:
            judged = persons if asked.world == "persons" else repeats
            found = judged(asked.size, asked.cap, asked.spec, **parts)
    except AssertionError as error:
        disagreement = str(error)
        print(disagreement)
    summary = {"verdicts": dict(found), "operations": asked.size, "says": disagreement}
    asked.out.mkdir(parents=True, exist_ok=True)
    (asked.out / "summary.json").write_text(json.dumps(summary) + "\n", "utf-8")
    return 1 if disagreement else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
