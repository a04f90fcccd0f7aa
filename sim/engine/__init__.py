"""The machinery under `sim.programme`: caps and windows, offices, and the kernels they run on."""
