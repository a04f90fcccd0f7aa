"""What the live tab shows."""

from loadtests.live import rows
from loadtests.tally import Tally, together


def tally() -> Tally:
    made = Tally()
    for number in range(4):
        made.left(number * 30_000_000, is_first=True)
        made.came("claim", "granted" if number < 3 else "full")
    made.granted["2022"] = 3
    made.planned = 8
    return made


def shown(made: Tally, caps: dict[str, int]) -> dict[str, tuple[object, object]]:
    return {row["what"]: (row["count"], row["of"]) for row in rows(made, caps)}


def test_slots_stand_against_their_caps_and_answers_beside_them() -> None:
    found = shown(tally(), {"2022": 3})
    assert found["2022"] == (3, 3)
    assert found["none so far"] == (0, "")
    assert found["first sends made"] == (4, 8)
    assert found["late, by more than 50 ms"] == (2, 4)
    assert found["claim granted"] == (3, 4)


def test_slots_beyond_a_cap_are_an_anomaly() -> None:
    found = shown(tally(), {"2022": 2})
    assert found["over the cap of 2022"] == (1, "")
    assert "none so far" not in found


def test_workers_add_up() -> None:
    both = together([tally().as_plain(), tally().as_plain()])
    assert both.granted["2022"] == 6
    assert both.answers["claim full"] == 2
    assert shown(both, {"2022": 6})["first sends made"] == (8, 16)


def test_lateness_has_quantiles() -> None:
    assert tally().quantile(0.5) == 60.0
    assert Tally().quantile(0.99) == 0.0
