"""Run the command line: the console script `stocksync`, and `python -m stocksync`."""

import io
import sys

from stocksync.cli.app import app


def main() -> None:
    """Run the command named by the arguments and end the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that cannot show a letter gets its number, not a crash.
            stream.reconfigure(errors="backslashreplace")
    app(prog_name="stocksync")


if __name__ == "__main__":
    main()
