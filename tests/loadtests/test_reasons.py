"""What releases give back, against their reasons."""

import pytest

from loadtests.checks import reasons
from loadtests.header import Header
from loadtests.history import REASON
from sim.ledger import REASONS, Spec, cap_of
from tests.loadtests.histories import drawn

ROWS = [
    ("a refusal gives back", "refusal", "yes", "refusal", ""),
    ("an expiry gives nothing back", "refusal", "no", "expiry", ""),
    ("a refusal was kept", "refusal", "no", "refusal", "given-back-wrongly"),
    ("an expiry was given back", "refusal", "yes", "expiry", "given-back-wrongly"),
    ("nothing gives back, and it did", "", "yes", "", "given-back-wrongly"),
    ("everything gives back, and it did not", "all", "no", "", "given-back-wrongly"),
    ("nobody says why", "refusal", "yes", "", ""),
]


@pytest.mark.parametrize(
    ("gives_back", "given_back", "reason", "anomaly"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_reasons(gives_back: str, given_back: str, reason: str, anomaly: str) -> None:
    backs = REASONS if gives_back == "all" else frozenset({gives_back} - {""})
    header = Header(caps=(cap_of("2022", 1),), spec=Spec(gives_back=backs))
    note = f" note={REASON.strip()}_{reason};_x" if reason else ""
    history = drawn(f"ana release 6-7 released given_back={given_back}{note}", header=header)
    [finding] = reasons.check(history)
    assert finding.anomaly == anomaly


def test_where_reasons_are_written_a_release_without_one_is_a_withdrawal() -> None:
    header = Header(caps=(cap_of("2022", 1),), spec=Spec(gives_back=frozenset({"refusal"})))
    history = drawn("ana release 6-7 released given_back=yes", header=header)
    assert reasons.check(history)[0].judgement == "VALID"
    [finding] = reasons.check(history, names_reasons=True)
    assert (finding.anomaly, finding.witness) == ("given-back-wrongly", (0,))
    assert "ana" in finding.says
