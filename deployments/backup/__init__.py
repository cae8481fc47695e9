"""`darkroom backup` and `darkroom restore`."""
