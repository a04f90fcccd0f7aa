"""One counter alone: is there an order of its operations? From arrays of intervals, with what proves it.

kernel.judge is asked. Where the count never falls it counts (counting, laziest), else it searches (frontier):
over a timeline of begins and ends (timeline), from state to state (states, moves, walk, searching), plain or
compiled (flavours). A VALID pool comes with its order (witness), an INVALID one with what clashes (refuting).
"""
