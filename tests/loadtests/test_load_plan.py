"""What a load test plans, and what it refuses before anything is sent: budgets, faults, caps of a target."""

from pathlib import Path

import pytest

from loadtests.asking import Asker
from loadtests.checks import bounds
from loadtests.commands.load import Fault, app
from loadtests.loading import preparing
from loadtests.loading.plan import MARGIN_S, OVERHEAD_S, Options, paced, plan
from loadtests.profile import target
from loadtests.reference.faults import FAULTS
from loadtests.tracing.nouns import PlannedIntake
from scenarios import __file__ as scenarios_file
from sim.errors import BadInput
from sim.ledger import Cap, cap_of
from tests.loadtests.errand import CAP, errand
from tests.loadtests.histories import drawn
from tests.loadtests.profiled import SMALLEST, target_of
from tests.loadtests.services import running


def test_a_budget_that_nobody_gave_has_room_for_the_replay() -> None:
    made = plan(Options("imp-plus", target="reference:memory", scale=0.01))
    assert made.replay_s == pytest.approx(120)
    assert made.budget_s == pytest.approx(made.replay_s + OVERHEAD_S + MARGIN_S)
    longer = plan(Options("opening-day", target="reference:memory", scale=0.002, minutes=10))
    assert longer.budget_s == pytest.approx(600 + OVERHEAD_S + MARGIN_S)


def test_a_budget_of_the_scenario_is_named_as_the_scenario_s(tmp_path: Path) -> None:
    text = (Path(scenarios_file).parent / "opening-day.toml").read_text("utf-8")
    path = tmp_path / "short.toml"
    path.write_text(text.replace("[load]\n", "[load]\nbudget_s = 90\n"), "utf-8")
    with pytest.raises(BadInput, match=r"short\.toml: load\.budget_s: .* of a budget of 90 s") as caught:
        plan(Options(str(path), target="reference:memory", scale=0.002, minutes=2))
    assert "give --budget 140s or more" in str(caught.value)


def test_a_budget_without_room_for_a_replay_is_refused_with_the_least() -> None:
    with pytest.raises(BadInput, match="--budget: 24 s is too small") as caught:
        plan(Options("opening-day", target="reference:memory", budget_s=24))
    assert "at least 25s" in str(caught.value)
    fitted = plan(Options("opening-day", target="reference:memory", scale=0.002, budget_s=25))
    assert fitted.replay_s <= 5


def test_a_misspelt_fault_is_refused_before_anything_is_printed_or_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from cyclopts import CoercionError

    monkeypatch.chdir(tmp_path)
    with pytest.raises(CoercionError):
        app(("opening-day", "--fault", "check-then"), exit_on_error=False, print_error=False)
    assert not any(tmp_path.iterdir())
    assert capsys.readouterr() == ("", "")
    assert Fault.__args__ == FAULTS  # type: ignore[attr-defined]


def test_a_target_with_another_cap_than_the_plan_s_is_refused_with_both(tmp_path: Path) -> None:
    with running("memory", "--cap", "2026=30") as service:
        ran = errand(tmp_path, "reference", QUOTALAB_TARGET=service.url)
        assert service.read("2026")["used"] == 0
    assert ran.code == 3, ran.said
    assert f"the service gives intake 2026 a cap of 30, and the plan has one of {CAP}" in ran.said
    assert f"serve --cap 2026={CAP}" in ran.said
    assert "--scale (about 0.75)" in ran.said


@pytest.mark.long
def test_a_shared_target_may_have_another_cap(tmp_path: Path) -> None:
    text = 'format = 1\nname = "ours"\ntitle = "of all"\nextends = "reference"\nshared = true\n'
    (tmp_path / "ours.toml").write_text(text)
    with running("memory", "--cap", "2026=30") as service:
        more = "\n[load.must_see]\n"
        ran = errand(tmp_path, "ours.toml", people=10, more=more, QUOTALAB_TARGET=service.url)
    assert ran.code != 3, ran.said


def test_several_caps_and_profiles_without_a_reading_are_not_held_to_a_figure(tmp_path: Path) -> None:
    both = Cap("both", 50, frozenset({("2026", None), ("2027", None)}))
    streams = (cap_of("2026", 50), Cap("2026-pilot", 5, frozenset({("2026", "pilot")})))
    with running("memory", "--cap", "2026=30") as service:
        asker = Asker(target("reference", base_url=service.url))
        for caps in ((both,), streams, (), (cap_of("2026", 30),)):
            preparing.check_caps(asker, (PlannedIntake("2026", 0, 1, caps),), scale=1.0)
        other = (PlannedIntake("2026", 0, 1, (cap_of("2026", 50),)),)
        with pytest.raises(BadInput, match="a cap of 30"):
            preparing.check_caps(asker, other, scale=1.0)
        asker.close()
    preparing.check_caps(Asker(target_of(tmp_path, SMALLEST)), other, scale=1.0)


def test_figures_and_plurals_are_in_plain_words() -> None:
    assert paced(371_400.4) == "compressed 371,400 times"
    assert (paced(1.5), paced(1)) == ("compressed 1.5 times", "at its own pace")
    said = plan(Options("imp-plus", target="reference:memory", scale=0.01)).sentences()
    assert "for caps 2022: 147, 2023: " in said[0]
    assert "in 120 s, the scenario compressed 1," in said[1]
    [found] = bounds.check(drawn("ana claim 1000000-5000000 granted slot=1"))
    assert ": 1 cap, 1 grant" in found.says
