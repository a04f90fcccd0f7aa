"""Is there an order of all operations? The allocator part by part; its counters by `loadtests.pools`."""
