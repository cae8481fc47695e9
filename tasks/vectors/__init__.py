"""Nearest vectors and hashes, exact."""
