"""Process that sends itself a signal at a chosen file operation.

`python -m tests.interrupted EVENT PATTERN SIGNAL MODULE ARGUMENT...` runs a module as a program. At
the first audit event EVENT of Python, such as `open` or `os.rename`, with an argument that matches
PATTERN, the process receives SIGNAL.
"""

import os
import re
import runpy
import signal
import sys


def main(event: str, pattern: str, name: str, module: str, *arguments: str) -> None:
    """Run a module as a program that is interrupted once."""
    wanted, number, left = re.compile(pattern), signal.Signals[name], 1

    def interrupt(seen: str, values: tuple[object, ...]) -> None:
        nonlocal left
        if left and seen == event and any(wanted.search(str(value)) for value in values):
            left -= 1
            os.kill(os.getpid(), number)

    sys.addaudithook(interrupt)
    sys.argv[1:] = arguments
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
