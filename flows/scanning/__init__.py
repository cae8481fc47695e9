"""A scan of a library: walk, compare, record."""
