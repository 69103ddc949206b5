"""`python -m belvedere`: the command line."""

import sys

from belvedere.cli import main

if __name__ == "__main__":
    sys.exit(main())
