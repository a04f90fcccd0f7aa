"""The laziest schedule of grants: every grant as late as it may be, unless an observer needs it earlier.

When an observer's interval ends and fewer are counted than it saw at least, the difference is executed there,
as a *batch* of credits at that time. Nothing says yet which grants they were. A grant whose interval ends
later and was open at the batch consumes one of its credits, having been executed there; otherwise it is
executed at its own end and counts one more. What is left over was done by optional grants.

No schedule that satisfies the observers counts less at any moment: that is why an observer that sees less
than the laziest schedule counts when its interval begins is a contradiction.
"""

from loadtests.pools.pool import Whole


def first_with_credits(batch: int, following: Whole) -> int:
    """The first batch from `batch` on that has credits left; the number of batches if none has.

    following[b] is b while b has credits, else a batch after it; ways that were walked are shortened.
    """
    while following[batch] != batch:
        following[batch] = following[following[batch]]
        batch = following[batch]
    return batch


def first_since(times: Whole, count: int, begins: int) -> int:
    """The first of `count` ascending times that is not before `begins`."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if times[middle] < begins:
            low = middle + 1
        else:
            high = middle
    return low


def run_lazily(
    begins: Whole,
    ends: Whole,
    need_time: Whole,
    need_count: Whole,
    count: int,
    times: Whole,
    credits: Whole,
    following: Whole,
    paid_by: Whole,
) -> int:
    """Run the laziest schedule of mandatory grants, which stand in the order of their ends.

    `need_time` and `need_count` ascend: by that time, so many must be counted. Fills in the batches (time,
    credits left, following) and paid_by, the batch of each grant or -1. How many batches there are.
    """
    needs, batches, need = len(need_time), 0, 0
    following[0] = 0
    for grant in range(len(ends) + 1):
        while need < needs and (grant == len(ends) or need_time[need] <= ends[grant]):
            if need_count[need] > count:
                times[batches] = need_time[need]
                credits[batches] = need_count[need] - count
                count = need_count[need]
                batches += 1
                following[batches] = batches
            need += 1
        if grant == len(ends):
            break
        paid_by[grant] = -1
        if batches and begins[grant] <= times[batches - 1]:
            batch = first_with_credits(first_since(times, batches, begins[grant]), following)
            if batch < batches:
                paid_by[grant] = batch
                credits[batch] -= 1
                if credits[batch] == 0:
                    following[batch] = batch + 1
                continue
        count += 1
    return batches


def pay(
    begins: Whole,
    ends: Whole,
    times: Whole,
    credits: Whole,
    following: Whole,
    batches: int,
    paid_by: Whole,
) -> None:
    """Pay credits that are left with optional grants, in the order of their ends; -1: it is not used."""
    for grant in range(len(ends)):
        paid_by[grant] = -1
        batch = first_with_credits(first_since(times, batches, begins[grant]), following)
        if batch < batches and times[batch] <= ends[grant]:
            paid_by[grant] = batch
            credits[batch] -= 1
            if credits[batch] == 0:
                following[batch] = batch + 1


def place(after: Whole, count: int, next_place: Whole, places: Whole) -> None:
    """Merge observers between grants: places[i] of the i-th observer, which stands after after[i] grants.

    Observers after the same grant keep their order. `next_place` is room for count + 1 numbers, all 0.
    """
    for observer in range(len(after)):
        next_place[after[observer]] += 1
    place = 0
    for grants in range(count + 1):
        many = next_place[grants]
        next_place[grants] = place
        place += many + 1  # one for the grant that comes next
    for observer in range(len(after)):
        places[observer] = next_place[after[observer]]
        next_place[after[observer]] += 1
