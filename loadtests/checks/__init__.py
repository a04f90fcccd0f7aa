"""The checks: one file an argument, each a function from a history to findings.

`receipts`, `bounds` and `audit` count for themselves and never ask the ledger, so that one wrong rule cannot
pass everywhere. All of them are sound: INVALID only where no order of the operations inside their intervals
explains what was answered. They do not find everything.

`linearizability` decides; `prediction` asks the simulator's kernels, where that applies. `witness`,
`fairness` and `service_level` measure or hint: what they find is VALID or NOTED, never INVALID.
"""
