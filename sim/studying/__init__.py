"""What `sim.study` puts together: replications in blocks, intervals, influence, where a cap binds."""
