"""Where a page comes from: what makes the run again, from its summary and manifest."""

from typing import Any

Data = dict[str, Any]


def provenance(summary: Data, manifest: Data) -> tuple[tuple[str, str], ...]:
    """(what, value), without time, path or machine: those are in the manifest beside the page."""
    settings = ", ".join(f"{key} = {value}" for key, value in summary.get("settings", {}).items())
    versions = manifest["versions"]
    scenario = summary["scenario"] or {}
    named = [scenario[key] for key in ("name", "title") if key in scenario]
    rows = {
        "Scenario": ": ".join(named),
        "Settings replaced": settings,
        "Digest of the scenario": manifest["scenario_sha256"],
        "Seed": str(summary.get("seed", manifest["seed"])),
        "Replications": str(summary.get("stopped", "")),
        "Complete": "" if summary.get("complete", True) else "no: the run was interrupted",
        "Version": f"quotalab {versions['quotalab']}",
        "Files": "summary.json and replications.parquet beside this page have every number, manifest.json "
        "when and on what it ran, and their digests",
    }
    return tuple((what, value) for what, value in rows.items() if value)
