"""What runs, in which order, how often retried; one Prefect flow per file."""

import os

os.environ.setdefault("DO_NOT_TRACK", "1")  # before Prefect is imported: it would report its first use on a terminal
