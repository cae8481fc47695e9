"""The search box: its query language, the index behind it, and completion."""
