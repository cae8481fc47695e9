"""Benchmarks: two things compared in one run on the same files. `make bench` runs them all."""
