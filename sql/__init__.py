"""The lake: its schema, backlogs, views and checks as .sql files, and `lake.py`, which opens it."""
