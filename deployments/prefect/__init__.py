"""The Prefect server, the worker and how runs begin."""
