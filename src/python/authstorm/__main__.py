"""The command: ``python -m authstorm run ...`` is ``authstorm run ...``."""

from __future__ import annotations

import signal
import sys

from authstorm import _native


def main() -> None:
    """Runs the command line of this process."""
    # The command handles interrupts itself.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.stdout.flush()
    sys.exit(_native.main(["authstorm", *sys.argv[1:]]))


if __name__ == "__main__":
    main()
