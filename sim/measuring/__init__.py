"""What `sim.measures` puts together: intakes, waits, fairness, workload, and the estimators under them."""
