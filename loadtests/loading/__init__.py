"""The parts of `quotalab load`: plan, service, replay, settling, judging, run folder, cleaning up."""
