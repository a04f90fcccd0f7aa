"""What `sim.compare` puts together: worlds under every policy, paired statistics, who gains and who loses."""
