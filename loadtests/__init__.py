"""The load half: simulated people become HTTP traffic, and what a service answered is recorded and judged.

Data flows one way: scenario, arrival trace, users, history, checks, verdict, report. This half touches the
world: sockets, clocks, processes, files. From the simulation it takes the shared nouns only.
"""
