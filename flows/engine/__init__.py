"""What every flow stands on: context, drains, runs, progress, triggers."""
