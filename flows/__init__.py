"""What runs, in which order, how often retried; one Prefect flow per file."""
