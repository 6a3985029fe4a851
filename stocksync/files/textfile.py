"""Read a file that a person wrote: all of it, as UTF-8, and nothing in it that nobody sees."""

import re
from pathlib import Path
from typing import Final

from stocksync.errors import ConfigurationError

_INVISIBLE: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ue000\ue001\ufffe\uffff]"
)


def read_text(path: Path, *, size_max: int) -> str:
    """Return what a file of at most `size_max` bytes says; a mark of byte order is left out.

    Raises:
        ConfigurationError: It cannot be read, is too large, or is not UTF-8; with the line.
    """
    try:
        with path.open("rb") as file:
            content = file.read(size_max + 1)
    except FileNotFoundError:
        raise ConfigurationError([f"{path}: there is no such file"]) from None
    except OSError as error:
        raise ConfigurationError([f"{path}: cannot be read: {error.strerror}"]) from None
    if len(content) > size_max:
        raise ConfigurationError([f"{path}: is larger than {size_max // 2**20} MB; split it"])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigurationError([f"{path}:{line}: is not UTF-8 text; save it as UTF-8"]) from None


def refuse_invisible(path: Path, text: str) -> None:
    """Refuse text with letters in it that nobody sees, and so nobody means.

    Raises:
        ConfigurationError: There is one; with its line and its number in Unicode.
    """
    found = _INVISIBLE.search(text)
    if found is not None:
        line = text.count("\n", 0, found.start()) + 1
        code = f"U+{ord(found[0]):04X}"
        raise ConfigurationError([f"{path}:{line}: holds an invisible {code}; take it out"])
