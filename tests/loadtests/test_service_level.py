"""The service level: figures that inform, and never judge."""

from loadtests.checks import service_level
from sim.load import Load
from tests.loadtests.histories import drawn

MS = 1_000_000


def crowd(*, slow: int) -> str:
    """A hundred claims due at 0 ms, sent at 1 ms; `slow` are answered at 400 ms, the others at 5 ms."""
    ends = [400 if each < slow else 5 for each in range(100)]
    return "\n".join(f"p{k} claim {MS}-{end * MS} granted due_ns=0 slot={k}" for k, end in enumerate(ends))


def says(text: str, **load: object) -> str:
    [finding] = service_level.check(drawn(text, cap=100), traffic=Load.model_validate(load))
    assert finding.judgement == "NOTED"
    return finding.says


def test_waits_count_from_the_due_time() -> None:
    said = says(crowd(slow=0), late_ms=0.5)
    assert "half of 100 answers came within 5.0" in said
    assert "100 of 100 sends left more than 0.5 ms late" in said
    assert "service level" not in said


def test_a_level_that_the_scenario_has_is_met_or_missed() -> None:
    assert "the service level was met" in says(crowd(slow=0), ramp={})
    missed = says(crowd(slow=2), ramp={})
    assert "missed: 99 of 100 within 400" in missed
    assert "errors above" in says(
        crowd(slow=0) + f"\nzoe claim {MS}-{2 * MS} error\nzed claim {MS}- -", ramp={}
    )


def test_nothing_answered_is_no_wait() -> None:
    assert "nothing was answered" in says("ana claim 1- -")
