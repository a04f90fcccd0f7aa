"""The commands of the simulation, one module each: options in, a run folder and a few sentences out."""
