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

A large history is not judged again and again: the fault is written into a part of it that can be judged
alone (loadtests/cutouts.py), so what convicts is certain. What is not noticed in a part might be in the
whole, and so it is tried in a larger one, and the finding says how many operations were looked at. Where no
part can be cut out of a large history, the kind of fault is not tried, and the finding says so.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from loadtests.cutouts import around, of_people
from loadtests.edits import Edits, Kind
from loadtests.history import History
from loadtests.linear.object import refuted
from loadtests.verdict import Finding

CHECK: Final = "sensitivity"
MOST: Final = 2**10
"""The largest fault that is tried."""
WHOLE: Final = 4_000
"""Operations up to which a history is judged as a whole, each time."""
STRETCHES: Final = (2_000, 8_000)
"""Places of the order that a part has; the larger for what is not noticed in the smaller."""
SHARE: Final = 16
"""A part is at most this part of the history, but for the smallest."""
FLOOR: Final = 60_000
"""Operations that may be judged again and again in all, beside a tenth of those of the history."""
PEOPLE: Final = 64
"""Applicants of a part."""
LARGE: Final = 40_000
"""Operations up to which a history without parts is judged whole: at one place, the sizes up to BRIEFLY."""
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
    most: int = 0
    """The largest size that was tried, if it was not for want of places that there was no larger."""
    among: int = 0
    """How many operations were looked at, if not all."""


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
    all_kinds = list(trials(history, order, seed=seed, is_wrong=is_wrong or _is_wrong))
    tried = [each for each in all_kinds if each.tried]
    untried = [each.kind.says for each in all_kinds if not each.tried]
    if not tried and untried:
        says = (
            f"not tried: {_listed(untried, 'and')}, since no part of this large history can be judged alone"
        )
        return [Finding(CHECK, "NOTED", says, mend="judge a shorter run of the same service")]
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
        says = f"not sensitive: {_unnoticed(tried)}"
        return [Finding(CHECK, "UNKNOWN", says + _not_tried(untried), count=count, mend=mend)]
    return [Finding(CHECK, "VALID", _says(tried) + _not_tried(untried), count=count, mend=mend)]


def trials(
    history: History, order: np.ndarray | None, *, seed: int, is_wrong: Callable[[History], bool]
) -> Iterator[Tried]:
    """Every kind of fault that can be written into the history; `tried` is 0 where it was not tried."""
    rng = np.random.default_rng([seed, len(history)])
    edits = Edits(history, order, rng)
    parts = _Parts(edits, rng)
    kinds = list(edits.kinds())
    work = (FLOOR + len(history) // 10) // max(1, len(kinds))
    for kind in kinds:
        best, is_there = None, False
        for part in parts.of(kind.name):
            is_there = True
            mine = next((each for each in part.kinds() if each.name == kind.name), None)
            is_brief = part is edits and len(history) > WHOLE
            found = mine and _tried(mine, part, work, is_wrong, is_brief=is_brief)
            if found and found.tried:
                best = _better(best, found if part is not edits else replace(found, among=0))
            if best and best.smallest == 1:
                break
        if best or not is_there:
            yield best or Tried(kind, 0, 0, 0)


def _tried(
    kind: Kind, edits: Edits, work: int, is_wrong: Callable[[History], bool], *, is_brief: bool
) -> Tried:
    """The sizes 1, 2, 4, ... of one kind, each at some places, until all of them are convicted.

    `work`: how many operations may be judged in all.
    """
    places, sizes = (1, BRIEFLY) if is_brief else (PLACES, MOST)
    size, tried, convicted, smallest = 1, 0, 0, 0
    most = max(places, work // (len(edits.history) + 1))
    while size <= sizes and tried < most:
        edited = [each for each in (kind.make(size) for _ in range(places)) if each is not None]
        if not edited:
            break
        wrong = sum(is_wrong(each) for each in edited)
        tried, convicted = tried + len(edited), convicted + wrong
        smallest = smallest or (size if wrong else 0)
        if wrong == len(edited):
            break
        size *= 2
    is_stopped = tried >= most or sizes < MOST
    return Tried(kind, tried, convicted, smallest, size // 2 if is_stopped else 0, len(edits.history))


def _better(one: Tried | None, other: Tried) -> Tried:
    """What is known of a kind after two attempts, of which the second looked at more."""
    if one is None:
        return other
    sizes = [size for size in (one.smallest, other.smallest) if size]
    return replace(
        other,
        tried=one.tried + other.tried,
        convicted=one.convicted + other.convicted,
        smallest=min(sizes, default=0),
    )


class _Parts:
    """What faults are written into: the whole of a small history, parts of a large one."""

    def __init__(self, edits: Edits, rng: np.random.Generator) -> None:
        self.edits, self.rng = edits, rng
        self.made: dict[tuple[str, int], Edits | None] = {}

    def of(self, kind: str) -> Iterator[Edits]:
        """For one kind of fault, the smallest first; none if none can be cut out."""
        count = len(self.edits.history)
        if count <= WHOLE:
            yield self.edits
            return
        group = "people" if kind in ("second", "lost") else kind
        is_any = False
        for size in STRETCHES if group != "people" else (PEOPLE,):
            if size > STRETCHES[0] and size > count // SHARE:
                break
            if (group, size) not in self.made:
                self.made[group, size] = (
                    self._people(size) if group == "people" else self._stretch(group, size)
                )
            if (found := self.made[group, size]) is not None:
                is_any = True
                yield found
        if not is_any and count <= LARGE:
            yield self.edits

    def _stretch(self, group: str, size: int) -> Edits | None:
        edits = self.edits
        if group == "reading":
            place = edits.place_of(int(self.rng.choice(edits.readings())))
            cap = edits.cap_of_reading(place)
        else:
            place, cap = edits.fullest(room=int(group == "refusal")), edits.cap
        part = cap and around(edits.history, edits.order, place, size=size, cap=cap, spans=edits.spans)
        return Edits(part.history, part.order, self.rng, cap=cap) if part else None

    def _people(self, size: int) -> Edits | None:
        granted = self.edits.granted()
        some = self.edits.history.coded("applicant").codes[self.rng.choice(granted, min(size, len(granted)))]
        some = np.unique(some[some >= 0])
        if not len(some):
            return None
        part = of_people(self.edits.history, self.edits.order, some)
        return Edits(part.history, part.order, self.rng)


def _is_wrong(history: History) -> bool:
    return refuted(history) is not None


def _says(tried: Sequence[Tried]) -> str:
    """What would have been convicted, and what would not."""
    seen = [each.kind.says for each in tried if each.smallest == 1]
    large = [each for each in tried if each.smallest > 1]
    never = [each for each in tried if not each.smallest]
    said = []
    if seen:
        each_would = "would each have been convicted" if len(seen) > 1 else "would have been convicted"
        said.append(f"{_listed(seen, 'and')} {each_would}")
    said += [f"{each.kind.of_size(each.smallest)} would, and not fewer in the places tried" for each in large]
    if never:
        said.append(_unnoticed(never))
    total, wrong = sum(each.tried for each in tried), sum(each.convicted for each in tried)
    among = sorted({each.among for each in tried if each.among})
    where = (
        f", each in a part of {_listed([f'{each:,}' for each in among], 'or')} operations" if among else ""
    )
    return f"{'; '.join(said)} ({wrong} of {total} edits of this history were convicted{where})"


def _unnoticed(never: Sequence[Tried]) -> str:
    most = max(each.most for each in never)
    limit = f" (at most {most:,} at once were tried)" if most > 1 else ""
    return f"{_listed([each.kind.says for each in never], 'and')} would have gone unnoticed{limit}"


def _not_tried(kinds: Sequence[str]) -> str:
    why = "no part of this large history can be judged alone for it"
    return f"; not tried: {_listed(kinds, 'and')}, since {why}" if kinds else ""


def _listed(words: Sequence[str], last: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"
