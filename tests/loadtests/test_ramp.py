"""The search for the highest rate: which rate comes next, who is to blame, and a search from end to end."""

import dataclasses
import io
import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from loadtests.latency import latencies
from loadtests.loading.plan import Options
from loadtests.loading.searched import Searched
from loadtests.loading.stages import Measured, Stage, measured, missed, next_rate
from loadtests.ramp import staged
from loadtests.showing import ramp as show_ramp
from scenarios import __file__ as scenarios_file
from sim.labelled import plain
from sim.load import Load, MustSee, Ramp
from tests.loadtests.histories import drawn
from tests.loadtests.test_load import ran
from tests.loadtests.test_load import started as begun

RAMP = Ramp(starts_per_s=plain(100), factor=2, ends_per_s=plain(2_000))


def stage(rate: float, *, met: bool, by_generator: bool = False, verdict: str = "VALID") -> Stage:
    return Stage(
        number=1,
        rate_per_s=rate,
        achieved_per_s=rate,
        sent=int(8 * rate),
        from_due_ms={"p50": 1.0, "p99": 2.0},
        service_ms={"p50": 1.0, "p99": 2.0},
        unserved_share=0.0,
        late_share=0.0,
        late_p99_ms=3.0,
        outcomes={"claim granted": 8},
        verdict=verdict,
        says="" if verdict == "VALID" else "slot 1 went to two",
        missed=() if met else ("too slow",),
        is_generators=by_generator,
        took_s=8.0,
    )


def tried(bears: Callable[[float], bool], *, fastest: float = 2_000, ramp: Ramp = RAMP) -> list[Stage]:
    """A whole search against a service that bears some rates."""
    stages: list[Stage] = []
    while (rate := next_rate(stages, ramp, fastest)) is not None:
        assert len(stages) < 30, "the search comes to no end"
        stages.append(stage(rate, met=bears(rate)))
    return stages


def test_rates_rise_until_one_is_missed_and_then_close_in() -> None:
    rates = [each.rate_per_s for each in tried(lambda rate: rate <= 700)]
    assert rates == [100, 200, 400, 800, 566, 673, 734]


@pytest.mark.parametrize("limit", [37.0, 101.0, 333.0, 1_999.0])
def test_the_answer_is_within_a_tenth_of_the_limit(limit: float) -> None:
    stages = tried(lambda rate: rate <= limit)
    met = max(each.rate_per_s for each in stages if each.is_met)
    assert met <= limit <= 1.1 * met + 0.1


@pytest.mark.parametrize(("fastest", "last"), [(2_000, 2_000), (150, 150), (50, 50)])
def test_a_service_that_bears_everything_is_asked_for_the_fastest_rate_last(
    fastest: float, last: float
) -> None:
    assert tried(lambda rate: True, fastest=fastest)[-1].rate_per_s == last


def test_a_service_that_bears_nothing_is_given_up() -> None:
    rates = [each.rate_per_s for each in tried(lambda rate: False)]
    assert rates == [100, 50, 25, 12.5]


def test_a_service_that_bears_every_other_rate_comes_to_an_end() -> None:
    assert tried(lambda rate: int(rate) % 2 == 0)


ANSWERED = "ana claim 0-{done} granted slot=1"


@pytest.mark.parametrize(
    ("ms", "due_ms", "found", "missed_by", "generator"),
    [
        (10, 0, {}, "", False),
        (300, 0, {}, "within 300 ms", False),
        (300, 290, {}, "within 300 ms", True),  # answered in 10 ms, had it left on time
        (10, 0, {"late_share": 0.02}, "left late", True),
        (10, 0, {"unserved_share": 0.02}, "unserved", False),
        (300, 0, {"unserved_share": 0.02}, "within 300 ms", False),
    ],
)
def test_a_stage_is_held_against_the_level(
    ms: int, due_ms: int, found: dict[str, float], missed_by: str, generator: bool
) -> None:
    text = f"ana claim {due_ms * 10**6}-{ms * 10**6} granted slot=1 due_ns=0"
    figures = Measured(**{**Measured(100, 800, 0.0, 0.0, 0.0)._asdict(), **found})
    said, is_generators = missed(figures, latencies(drawn(text))[0], RAMP)
    assert missed_by in " ".join(said)
    assert (bool(said), is_generators) == (bool(missed_by), generator)


def test_the_pace_is_measured_by_first_sends_and_decisions() -> None:
    text = """
        ana claim 0-1000000000   granted attempt=0 slot=1 due_ns=0
        bo  claim 60000000-90000000 error   attempt=0 due_ns=0
        bo  claim 900000000-2000000000 full attempt=1 cap=2022 due_ns=0
        -   read  1-2 count value=1
    """
    found = measured(drawn(text), late_ms=50)
    assert found.achieved_per_s == pytest.approx(1.0)  # two people, decided within two seconds
    assert (found.sent, found.unserved_share, found.late_share) == (4, 0.25, 0.5)


def test_a_stage_must_see_its_share_of_what_the_ramp_must_see() -> None:
    load = Load(ramp=RAMP, must_see=MustSee(hedges=31, cap_reached=False))
    assert staged(load, RAMP, 100).must_see.hedges == 1  # one of the 31 hundreds that the ramp sends a second
    assert staged(load, RAMP, 800).must_see.hedges == 8
    one = staged(load, RAMP, 800).ramp
    assert one is not None
    assert one.rates() == [800]


def searched(*stages: Stage, ended: str = "") -> Searched:
    return Searched("ramp", "r", Options("ramp"), RAMP, Path("run"), stages, ended, 1.0)


FOUND = (stage(200, met=True), stage(210, met=False))


@pytest.mark.parametrize(
    ("stages", "ended", "code", "says"),
    [
        (FOUND, "", 0, "200 a second with 99 of 100 answers within 250 ms; at 210 not any more: too slow"),
        ((stage(2_000, met=True),), "", 0, "at least 2,000 a second"),
        ((stage(200, met=True), stage(400, met=False)), "interrupted", 2, "200 a second"),
        ((), "interrupted", 130, "nothing is known"),
        ((), "the generator broke off", 2, "nothing is known"),
        ((stage(12.5, met=False),), "", 4, "none of the rates that were tried"),
        (
            (stage(200, met=True), stage(210, met=False, by_generator=True)),
            "",
            2,
            "the generator was too slow",
        ),
        ((stage(200, met=False, verdict="INVALID"),), "", 1, "went wrong: slot 1 went to two"),
        ((*FOUND, stage(150, met=False, verdict="INVALID")), "", 1, "at 150 a second the service went wrong"),
    ],
)
def test_the_answer_and_its_exit_code(stages: tuple[Stage, ...], ended: str, code: int, says: str) -> None:
    found = searched(*stages, ended=ended)
    assert found.exit_code == code
    assert says in found.says()
    page = io.StringIO()
    show_ramp.show(found, Console(file=page, width=200))
    assert says in page.getvalue()
    suite = ElementTree.fromstring(show_ramp.junit(found))
    assert int(suite.get("tests", "")) == len(stages) + 1
    assert (suite.get("failures"), suite.get("errors")) == ("0", "0") or code


def test_what_would_tell_more_is_said() -> None:
    by_generator = dataclasses.replace(FOUND[1], is_generators=True)
    assert "--workers" in searched(FOUND[0], by_generator).mend()
    assert "--budget" in searched(*FOUND, ended="the budget is used up").mend()
    assert "--rate" in searched(stage(2_000, met=True)).mend()
    assert searched(*FOUND).mend() == ""


@pytest.fixture
def short(tmp_path: Path) -> Path:
    """The shipped ramp with stages of a second, from 40 to 80 a second."""
    text = (Path(scenarios_file).parent / "ramp.toml").read_text("utf-8")
    for old, new in (
        ("value = 100,", "value = 40,"),
        ("factor = 1.5", "factor = 2"),
        ("value = 2_000,", "value = 80,"),
        ("value = 8,", "value = 1,"),
        ("hedges = 40", "hedges = 0"),  # so few people seldom send twice
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path = tmp_path / "short.toml"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.long
def test_a_search_judges_every_stage_and_keeps_it(tmp_path: Path, short: Path) -> None:
    out, report = tmp_path / "run", tmp_path / "report.xml"
    code, said, told = ran(
        tmp_path, "load", short, "--target", "reference:memory", "--out", out, "--junit", report, "--json"
    )
    assert code == 0, said + told
    found = json.loads(said)
    assert [each["rate_per_s"] for each in found["stages"]] == [40, 80]
    assert [each["verdict"] for each in found["stages"]] == ["VALID", "VALID"]
    assert [each["outcomes"]["claim granted"] for each in found["stages"]] == [40, 80]
    assert (found["highest_per_s"], found["limited_by"]) == (80, None)
    assert json.loads((out / "summary.json").read_text("utf-8"))["stages"] == found["stages"]
    for name in ("stage-01", "stage-02"):
        assert (out / name / "history.parquet").exists()
        assert json.loads((out / name / "manifest.json").read_text("utf-8"))["complete"]
    assert ElementTree.parse(report).getroot().get("tests") == "3"


@pytest.mark.long
def test_an_interrupted_search_keeps_the_stages_done_so_far(tmp_path: Path, short: Path) -> None:
    out = tmp_path / "run"
    child = begun(tmp_path, "load", short, "--target", "reference:memory", "--out", out)
    until = time.monotonic() + 60
    while not (out / "stage-02" / "trace.npz").exists():
        assert time.monotonic() < until, "no second stage"
        time.sleep(0.02)
    child.send_signal(signal.SIGINT)
    said, told = child.communicate(timeout=60)
    assert child.returncode == 2, said + told
    assert "at least 40 a second" in said
    assert "interrupted" in said
    assert len(json.loads((out / "summary.json").read_text("utf-8"))["stages"]) == 1


@pytest.mark.long
def test_a_planted_fault_ends_the_search_as_invalid(tmp_path: Path, short: Path) -> None:
    hedges = 'hedge_share = 0.5\nhedge_ms = { low = 0, mode = 1, high = 2, basis = "assumption" }\n'
    text = short.read_text("utf-8").replace("[load]\n", "[load]\n" + hedges)
    short.write_text(text, "utf-8")
    fault = ("--target", "reference:memory", "--fault", "non-idempotent-retry")
    code, said, told = ran(tmp_path, "load", short, *fault, "--out", tmp_path / "run")
    assert code == 1, said + told
    assert said.startswith("INVALID: at 40 a second the service went wrong")
    assert "a wrong answer ends the search" in said


@pytest.mark.parametrize("option", ["--compress", "--minutes"])
def test_a_ramp_takes_no_other_pace(tmp_path: Path, option: str) -> None:
    code, _, told = ran(tmp_path, "load", "ramp", option, "2")
    assert code == 3
    assert f"{option}: a ramp sets its own pace" in told
