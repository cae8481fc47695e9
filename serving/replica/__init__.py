"""The in-memory copy of the lake that requests are answered from."""
