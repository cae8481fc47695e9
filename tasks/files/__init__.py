"""Files as they lie on disk: names, kinds, hashes, moves, atomic writes."""
