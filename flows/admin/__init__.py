"""Libraries registered, moved and removed; sidecars written."""
