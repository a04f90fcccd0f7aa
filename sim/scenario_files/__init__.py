"""How a scenario file is read and judged, under `sim.scenario_file`: syntax, faults, rules, schema."""
