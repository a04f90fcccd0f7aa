"""Is there an order? The allocator part by part, from arrays of intervals; with the order, or what clashes."""
