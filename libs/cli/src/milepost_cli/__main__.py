"""`python -m milepost_cli`: the command line as a module; holds nothing of its own."""

import sys

from milepost_cli.main import main

if __name__ == "__main__":
    sys.exit(main())
