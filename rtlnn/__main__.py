"""`python -m rtlnn`."""

import sys

from rtlnn.cli import main

if __name__ == "__main__":
    sys.exit(main())
