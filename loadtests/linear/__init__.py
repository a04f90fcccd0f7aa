"""Is there an order? The allocator part by part, from arrays of intervals; with it, or with what clashes."""
