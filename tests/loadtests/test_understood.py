"""What cannot be read in full is never VALID: cut, reordered, doubled, garbled, empty, not understood."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.checking import _of_no_cap, check, judged
from loadtests.checks.understood import uncovered
from loadtests.header import Header
from loadtests.history import read, write
from loadtests.verdict import Finding
from sim.errors import BadInput
from sim.ledger import Cap, cap_of
from tests.loadtests.histories import drawn

RIGHT = """
ana  claim  1-5    granted   slot=1
bo   claim  6-9    full      cap=2022
cy   claim  7-12   full      cap=2022
"""
AUDIT = """
-    read   20-20  count     value=1 note=audit;listed
ana  hold   20-20  done      slot=1
"""
Mutation = Callable[[list[str]], list[str]]


def uncounted(lines: list[str]) -> list[str]:
    """Rows without an index, below a header that does not say how many there are."""
    rows = [json.loads(line) for line in lines]
    return [json.dumps({k: v for k, v in row.items() if k not in ("index", "operations")}) for row in rows]


def with_word(old: str, new: str) -> Mutation:
    return lambda lines: [line.replace(old, new) for line in lines]


REFUSED: list[tuple[str, Mutation, str]] = [
    ("cut after a line", lambda lines: lines[:-1], "h.jsonl:5:0: the header says that 5 operations follow"),
    ("cut within a line", lambda lines: [*lines[:-1], lines[-1][:30]], "h.jsonl:6:0: not JSON"),
    ("cut after the header", lambda lines: lines[:1], "says that 5 operations follow, and 0 do"),
    ("cut before the header", lambda lines: lines[1:], "the header cannot be read"),
    ("a line is lost", lambda lines: [*lines[:2], *lines[3:]], "h.jsonl:5:0: the header says that 5"),
    ("empty", lambda lines: [], "the file is empty"),
    ("blank", lambda lines: [""], "the file is empty"),
    ("reordered", lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], "h.jsonl:2:0: index: "),
    ("doubled", lambda lines: [*lines[:3], *lines[2:]], "h.jsonl:7:0: the header says that 5"),
    ("doubled, uncounted", lambda lines: uncounted([*lines[:3], *lines[2:]]), "it is line 3 again"),
    ("doubled whole", lambda lines: lines + lines, "h.jsonl:7:0: unknown: "),
    ("a byte garbled", lambda lines: [*lines[:2], "\0" + lines[2], *lines[3:]], "h.jsonl:3:0: not JSON"),
    ("a word garbled", with_word('"granted"', '"grantde"'), "h.jsonl:2:0: answer: operation 0: 'grantde'"),
    ("a name garbled", with_word('"answer"', '"anwser"'), "h.jsonl:2:0: unknown: anwser"),
    ("a time garbled", with_word('"invoked_ns": 6', '"invoked_ns": 66'), "h.jsonl:3:0: completed_ns"),
]  # fmt: skip


def damaged(folder: Path, mutate: Mutation) -> Path:
    path = folder / "h.jsonl"
    write(drawn(RIGHT + AUDIT), path)
    assert check(path).judgement == "VALID"
    lines = mutate(path.read_text("utf-8").splitlines())
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return path


@pytest.mark.parametrize(("mutate", "says"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_damaged_file_is_refused_with_line_and_reason(tmp_path: Path, mutate: Mutation, says: str) -> None:
    with pytest.raises(BadInput) as refused:
        check(damaged(tmp_path, mutate))
    assert says in str(refused.value)


@pytest.mark.parametrize("kept", range(1, 6))
def test_no_cut_of_a_file_that_says_nothing_of_its_length_is_valid(tmp_path: Path, kept: int) -> None:
    cut = damaged(tmp_path, lambda lines: uncounted(lines)[:kept])
    assert check(cut).judgement == "UNKNOWN"


@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_parquet_file_that_was_cut_is_refused(tmp_path: Path, kept: float) -> None:
    path = tmp_path / "h.parquet"
    write(drawn(RIGHT + AUDIT), path)
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    with pytest.raises(BadInput, match=r"h\.parquet"):
        check(path)


UNREAD: list[tuple[str, str, dict[str, object], str]] = [
    ("an answer nobody understood", RIGHT + "dee claim 13-15 unmatched", {}, "1 answer was not understood"),
    ("not at its end", RIGHT, {"complete": False}, "did not come to its end"),
    ("nothing", "", {}, "no claim, release or reading"),
    ("nothing but orders", "- close 1-2 done", {}, "no claim, release or reading"),
    (
        "nothing was answered",
        "ana claim 1- -\nbo claim 2-3 throttled",
        {},
        "none of 2 operations",
    ),
    ("ours, and not audited", RIGHT, {"source": "quotalab"}, "own count was not read"),
]


@pytest.mark.parametrize(
    ("text", "header", "says"), [row[1:] for row in UNREAD], ids=[row[0] for row in UNREAD]
)
def test_what_is_not_known_in_full_is_unknown(text: str, header: dict[str, object], says: str) -> None:
    history = drawn(text, header=replace(Header(caps=(cap_of("2022", 1),)), **header))  # type: ignore[arg-type]
    verdict = judged(history)
    assert verdict.judgement == "UNKNOWN"
    assert any(says in each.says and each.mend for each in verdict.of("UNKNOWN"))


def test_another_s_history_can_be_valid_without_an_audit_if_it_is_whole(tmp_path: Path) -> None:
    assert judged(drawn(RIGHT)).judgement == "VALID"
    assert judged(drawn(RIGHT), audited=True).judgement == "UNKNOWN"
    write(drawn(RIGHT), tmp_path / "h.jsonl")  # says how many operations it has
    assert check(tmp_path / "h.jsonl").judgement == "VALID"
    assert not read(damaged(tmp_path, uncounted)).is_whole


def test_caps_can_be_given_beside_a_file(tmp_path: Path) -> None:
    write(drawn(RIGHT), tmp_path / "h.jsonl")
    assert check(tmp_path / "h.jsonl", caps={"2022": 2}).judgement == "INVALID"
    assert check(drawn(RIGHT), caps={"2022": 1, "2022/other": 5}).judgement == "VALID"


def test_no_choice_of_checks_makes_valid_what_was_not_understood() -> None:
    unread = drawn(RIGHT + "dee claim 13-15 unmatched")
    assert judged(unread, only=["receipts"]).judgement == "UNKNOWN"
    assert {each.check for each in judged(drawn(RIGHT), only=["receipts"]).findings} == {
        "understood",
        "receipts",
    }
    with pytest.raises(BadInput, match="no check bonds"):
        judged(drawn(RIGHT), only=["bonds"])


HELD_TO_A_LIST = sorted((Path(__file__).resolve().parents[1] / "histories" / "valid").glob("*.jsonl"))


@pytest.mark.parametrize("file", HELD_TO_A_LIST, ids=lambda file: file.stem)
def test_a_valid_file_without_its_last_line_is_neither_valid_nor_held_against_the_service(
    file: Path, tmp_path: Path
) -> None:
    header, *rows = file.read_text("utf-8").splitlines()
    uncounted_header = json.dumps({k: v for k, v in json.loads(header).items() if k != "operations"})
    cut = tmp_path / file.name
    cut.write_text("\n".join([uncounted_header, *rows[:-1]]) + "\n", "utf-8")
    assert check(cut).judgement == "UNKNOWN"


def test_a_list_that_is_whole_still_shows_who_is_missing() -> None:
    lost = drawn(RIGHT + AUDIT.splitlines()[1])
    assert {each.anomaly for each in judged(lost).of("INVALID")} >= {"lost-grant", "leaked-slot"}
    doubted = judged(replace(lost, is_whole=False))
    assert doubted.judgement == "UNKNOWN"
    assert {each.check for each in doubted.of("UNKNOWN")} == {"audit", "linearizability"}
    assert all("how many operations" in each.mend for each in doubted.of("UNKNOWN"))
    over = drawn(RIGHT + "dee claim 13-15 granted slot=2" + AUDIT)
    assert judged(replace(over, is_whole=False)).judgement == "INVALID"


def under(*caps: str) -> Header:
    return Header(caps=tuple(cap_of(name, 1) for name in caps))


@pytest.mark.parametrize("caps", [("2O22",), ("2021", "2023")])
def test_claims_under_no_declared_cap_are_unknown_and_the_caps_are_named(caps: tuple[str, ...]) -> None:
    verdict = judged(drawn(RIGHT, header=under(*caps)))
    assert verdict.judgement == "UNKNOWN"
    [found] = [each for each in verdict.findings if each.check == "understood"]
    assert found.says == f"no cap covers intake 2022; the caps are {', '.join(caps)}"
    assert "--cap 2022=" in found.mend
    assert "--fixed intake=" in found.mend


def test_a_refusal_that_no_cap_covers_is_not_held_against_the_service() -> None:
    finding = Finding("linearizability", "INVALID", "no order", "no-order", (0, 1))
    assert _of_no_cap(finding).judgement == "UNKNOWN"
    assert _of_no_cap(replace(finding, anomaly="two-slots")).judgement == "INVALID"


def test_a_stream_without_a_cap_of_its_own_is_granted_and_never_full() -> None:
    pilot = Header(caps=(Cap("2022/pilot", 1, frozenset({("2022", "pilot")})),))
    assert uncovered(drawn(RIGHT, header=pilot)) == [1, 2]
    assert not uncovered(drawn(RIGHT, header=Header()))


def test_the_keys_of_a_header_are_named_with_the_count_of_its_lines(tmp_path: Path) -> None:
    (tmp_path / "h.jsonl").write_text('{"format": "quotalab-history-1", "operation": 3}\n')
    with pytest.raises(BadInput, match="no such key: operation") as refused:
        read(tmp_path / "h.jsonl")
    assert ", operations, " in str(refused.value)
