"""One line that says how far something is, rewritten in place."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

__all__ = ["Line", "counted"]

_Item = TypeVar("_Item")


class Line:
    """One line that is rewritten in place: in a notebook, in a terminal; elsewhere only its end is printed."""

    def __init__(self) -> None:
        self.handle: Any = None
        self.width = 0
        shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
        self.notebook = getattr(shell, "kernel", None) is not None

    def show(self, text: str) -> None:
        """Show a text in place of the one before."""
        if self.notebook:
            from IPython.display import display

            data = {"text/plain": text}
            if self.handle is None:
                self.handle = display(data, raw=True, display_id=True)
            else:
                self.handle.update(data, raw=True)
        elif sys.stdout.isatty():
            text = text[: shutil.get_terminal_size().columns - 1]  # a line that wraps could not be rewritten
            print("\r" + text.ljust(self.width), end="", flush=True)
            self.width = len(text)

    def end(self, text: str) -> None:
        """Show the last text, and end the line."""
        self.show(text)
        if not self.notebook:
            print() if sys.stdout.isatty() else print(text)


def counted(items: Iterable[_Item], total: int, what: str) -> Iterator[_Item]:
    """Yield the items, and show how many of them have come; what takes less than a second shows nothing.

    Examples
    --------
    >>> list(counted("abc", 3, "films read"))
    ['a', 'b', 'c']
    """
    line, began, shown = Line(), time.monotonic(), 0.0
    for number, item in enumerate(items, 1):
        now = time.monotonic()
        if now - began > 1 and now - shown > 0.5:
            line.show(f"{number:,} of {total:,} {what}")
            shown = now
        yield item
    if shown:
        line.end(f"{total:,} {what}, {time.monotonic() - began:.0f} s")
