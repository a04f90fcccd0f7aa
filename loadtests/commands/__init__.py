"""The commands of the load half, one module each, as `loadtests.cli` mounts them."""
