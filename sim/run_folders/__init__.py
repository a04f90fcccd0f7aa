"""What is done with run folders once `sim.results` can write them: found, listed, made, gone on with."""
