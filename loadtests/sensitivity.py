"""Would it have been noticed? Seeded edits of a history that was judged VALID, each judged again.

A verdict of VALID says little if the run could not have shown a fault. So small faults are written into the
history, as a faulty service would have left them (its count and its list of holders go along with it), and
judged again. The places are drawn from the order that explained the history, so that a fault is
put where it is one; the smallest is tried first and then 2, 4, 8 times as much, until one is convicted.

    one grant too many       a claim that was refused, or another one, is granted a slot more than there are
    one phantom refusal      a claim is refused while so many slots are free
    one stale reading        a reading saw so many fewer
    a second slot            a key that was granted a slot is told of another one
    a lost grant             a holder is not on the list, and not counted

UNKNOWN only if none of the edits that could be made was convicted. Otherwise VALID, and it says which would
have gone unnoticed, and what would make them show.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from loadtests.edits import Edits, Kind
from loadtests.history import History
from loadtests.linear.object import refuted
from loadtests.verdict import Finding

CHECK: Final = "sensitivity"
MOST: Final = 2**10
"""The largest fault that is tried."""
LARGE: Final = 100_000
"""Operations above which every kind of fault is tried at one place, and no further than BRIEFLY."""
PLACES, BRIEFLY = 3, 2
MENDS: Final = {
    "grant": "a run that goes on until claims are refused, where a grant too many would show",
    "refusal": "fewer requests in flight, more readings, and every unanswered claim asked again",
    "reading": "fewer requests in flight, or readings while nothing else is under way",
    "second": "answers that name the slot, and retries under the same key",
    "lost": "a list of holders, read after the run when everything was answered",
}


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one kind of fault."""

    kind: Kind
    tried: int
    convicted: int
    smallest: int
    """The least size that was convicted; 0 if none was."""


def check(
    history: History,
    order: np.ndarray | None = None,
    *,
    seed: int = 0,
    is_wrong: Callable[[History], bool] | None = None,
) -> list[Finding]:
    """One finding; `order` is the one that explained the history.

    What convicts is `is_wrong`: else a part of the exact check that is quick, and misses what no part shows.
    """
    tried = list(trials(history, order, seed=seed, is_wrong=is_wrong or _is_wrong))
    if not tried:
        says = "not sensitive: there is nothing in this history that a fault could be written into"
        mend = "claims that are granted, claims that are refused, and an audit"
        return [Finding(CHECK, "UNKNOWN", says, mend=mend)]
    blind = [each for each in tried if each.smallest != 1]
    wanting = [each.kind.name for each in blind]
    if "grant" not in {each.kind.name for each in tried}:
        wanting.insert(0, "grant")
    mend = "; ".join(MENDS[name] for name in wanting)
    count = sum(each.tried for each in tried)
    if all(not each.convicted for each in tried):
        what = _listed([each.kind.says for each in tried], "and")
        return [
            Finding(
                CHECK, "UNKNOWN", f"not sensitive: {what} would have gone unnoticed", count=count, mend=mend
            )
        ]
    return [Finding(CHECK, "VALID", _says(tried), count=count, mend=mend)]


def trials(
    history: History, order: np.ndarray | None, *, seed: int, is_wrong: Callable[[History], bool]
) -> Iterator[Tried]:
    """Every kind of fault that can be written into the history."""
    edits = Edits(history, order, np.random.default_rng([seed, len(history)]))
    places, sizes = (1, BRIEFLY) if len(history) > LARGE else (PLACES, MOST)
    for kind in edits.kinds():
        found = _tried(kind, places, sizes, is_wrong)
        if found.tried:
            yield found


def _tried(kind: Kind, places: int, most: int, is_wrong: Callable[[History], bool]) -> Tried:
    """The sizes 1, 2, 4, ... of one kind, each at some places, until most places are convicted."""
    size, tried, convicted, smallest = 1, 0, 0, 0
    while size <= most:
        edited = [each for each in (kind.make(size) for _ in range(places)) if each is not None]
        if not edited:
            break
        wrong = sum(is_wrong(each) for each in edited)
        tried, convicted = tried + len(edited), convicted + wrong
        smallest = smallest or (size if wrong else 0)
        if wrong == len(edited):
            break
        size *= 2
    return Tried(kind, tried, convicted, smallest)


def _is_wrong(history: History) -> bool:
    return refuted(history) is not None


def _says(tried: Sequence[Tried]) -> str:
    """What would have been convicted, and what would not."""
    seen = [each.kind.says for each in tried if each.smallest == 1]
    large = [each for each in tried if each.smallest > 1]
    never = [each.kind.says for each in tried if not each.smallest]
    said = []
    if seen:
        each_would = "would each have been convicted" if len(seen) > 1 else "would have been convicted"
        said.append(f"{_listed(seen, 'and')} {each_would}")
    said += [f"{each.kind.of_size(each.smallest)} would, and not fewer in the places tried" for each in large]
    if never:
        said.append(f"{_listed(never, 'and')} would have gone unnoticed")
    total, wrong = sum(each.tried for each in tried), sum(each.convicted for each in tried)
    return f"{'; '.join(said)} ({wrong} of {total} edits of this history were convicted)"


def _listed(words: Sequence[str], last: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"
