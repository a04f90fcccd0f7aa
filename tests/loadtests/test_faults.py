"""Each planted fault shows, on every store that can have it; the same rush on a correct service is exact."""

import threading
from collections import Counter

import pytest

from tests.loadtests.services import Service, running
from tests.loadtests.stores_here import QUICK, STORES, skip_unless_installed

CAP = 10


def rush(url: str, client: int) -> None:
    service = Service(url, None)  # type: ignore[arg-type]
    for number in range(8):
        service.claim(f"person {client}-{number}", "k")
        service.claim(f"person {client}-{number}", "k")  # a retry, under the same key


def after_a_rush(store: str, *options: str) -> list[str]:
    """Who holds slots after 8 clients have claimed for 8 people each; 10 slots are there."""
    skip_unless_installed(store)
    workers = "1" if store == "memory" else "2"
    said = ("--workers", workers, "--cap", f"2022={CAP}", "--sync", "normal")
    with running(store, *said, *options) as service:
        crowd = [threading.Thread(target=rush, args=(service.url, each)) for each in range(8)]
        for each in crowd:
            each.start()
        for each in crowd:
            each.join(60)
        return [each["applicant"] for each in service.holders()]


@pytest.mark.parametrize("store", QUICK)
def test_without_a_fault_the_count_is_exact(store: str) -> None:
    holders = after_a_rush(store)
    assert len(holders) == len(set(holders)) == CAP


@pytest.mark.parametrize("store", STORES)
def test_check_then_act_passes_the_cap(store: str) -> None:
    assert len(after_a_rush(store, "--fault", "check-then-act")) > CAP


@pytest.mark.parametrize("store", QUICK)
def test_a_retry_that_is_served_again_gives_a_person_two_slots(store: str) -> None:
    holders = after_a_rush(store, "--fault", "non-idempotent-retry")
    assert max(Counter(holders).values()) > 1


@pytest.mark.parametrize("store", QUICK[1:])
def test_a_cap_for_each_worker_is_passed(store: str) -> None:
    """Both workers must be asked for it to show; each connection goes to whichever accepts it."""
    assert len(after_a_rush(store, "--fault", "per-worker-cap")) > CAP
