"""How it is run: settings, schedules, the command line, the processes."""
