"""Latency counts from the due time, with the service time beside it, for each outcome."""

from pathlib import Path

import numpy as np
from hdrh.histogram import HdrHistogram  # type: ignore[import-untyped]

from loadtests.latency import DIGITS, HIGHEST_US, LOWEST_US, latencies, read, write
from tests.loadtests.histories import drawn

STALL = "\n".join(
    f"p{number} claim {2_000_000_000 + number}-{2_001_000_000 + number} granted due_ns={number * 10_000_000}"
    for number in range(200)
)
"""200 people due every 10 ms, all sent when a stall of two seconds is over, each served in a millisecond."""


def test_a_stall_shows_from_the_due_time_and_not_from_the_send() -> None:
    everything, granted = latencies(drawn(STALL, cap=999))
    assert (everything.outcome, granted.outcome, granted.count) == ("all", "claim granted", 200)
    plain = granted.as_plain()
    assert abs(plain["service_ms"]["p99"] - 1.0) < 0.01
    assert abs(plain["from_due_ms"]["p99"] - 1_981.0) < 15
    assert abs(plain["from_due_ms"]["p50"] - 1_006.0) < 15


def test_pending_operations_and_the_audit_have_no_latency() -> None:
    text = "ana claim 1- -\n- read 5-9 count value=0 note=audit\nana hold 5-9 done slot=1"
    [everything] = latencies(drawn(text))
    assert (everything.count, everything.as_plain()["from_due_ms"]) == (0, {})


def test_any_reader_of_hdr_histograms_reads_the_file(tmp_path: Path) -> None:
    write(tmp_path / "latency.hdr", latencies(drawn(STALL, cap=999)))
    name, kind, encoded = (tmp_path / "latency.hdr").read_text("ascii").splitlines()[2].split(",")
    assert (name, kind) == ("claim-granted", "from-due")
    assert HdrHistogram.decode(encoded).get_total_count() == 200


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    found = latencies(drawn(STALL + "\nana set-cap 5-6 done cap=2022 value=3\nbo claim 7-9 accepted-async"))
    write(tmp_path / "latency.hdr", found)
    again = read(tmp_path / "latency.hdr")
    assert [each.as_plain() for each in again] == [each.as_plain() for each in found]
    assert "claim accepted-async" in {each.outcome for each in again}


def test_recording_by_bucket_is_recording_value_by_value() -> None:
    rng = np.random.default_rng(1)
    took_us = np.append((10 ** (rng.random(300) * 9.4)).astype(int), [0, 1, 2_047, 2_048, 2_049, HIGHEST_US])
    text = "\n".join(f"p{at} claim 0-{1_000 * took} granted" for at, took in enumerate(took_us.tolist()))
    plainly = HdrHistogram(LOWEST_US, HIGHEST_US, DIGITS)
    for took in took_us.tolist():
        plainly.record_value(max(took, LOWEST_US))
    everything, _ = latencies(drawn(text))
    assert everything.from_due.encode() == plainly.encode()
    assert everything.from_due.get_max_value() == plainly.get_max_value()
