"""The `darkroom` command: ready for Ctrl-C before anything large is imported."""

from __future__ import annotations

from deployments.cli.interrupts import end_at_once


def main() -> None:
    """Run the command line of `deployments/cli/app.py`."""
    end_at_once()
    from deployments.cli.app import main as run_command

    run_command()


if __name__ == "__main__":
    main()
