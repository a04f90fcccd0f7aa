"""Is there an order? One counter at a time, from arrays of intervals: exact, with the order or the contradiction."""
