"""Write files whole or not at all, and find the rules that are given away."""

import os
import tempfile
from pathlib import Path

import stocksync
from stocksync.errors import ConfigurationError

_OURS = 0o644


def put(file: Path, text: str, *, mode: int = _OURS) -> bool:
    """Write a new file with its folder; False when something is there already, left as it is.

    Raises:
        ConfigurationError: The folder or the file cannot be made.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # Opened with its final rights: no moment in which others could read a secret.
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        if file.parent.is_dir():
            return False
        raise ConfigurationError([f"{file.parent}: is in the way, and no folder"]) from None
    except OSError as error:
        raise ConfigurationError([f"{file}: cannot be made: {error.strerror}"]) from None
    with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as opened:
        opened.write(text)
    return True


def save_text(text: str, file: Path) -> None:
    """Put a whole file in place of another; nobody ever sees half of it.

    Raises:
        ConfigurationError: It cannot be written; what was there before is untouched.
    """
    try:
        if file.exists() and not file.is_file():
            file.write_bytes(text.encode())
        else:
            _replace(file.resolve(), text)
    except OSError as error:
        raise ConfigurationError([f"{file}: cannot be written: {error.strerror}"]) from None


def _replace(file: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as opened:
            opened.write(text.encode())
        beside.chmod(0o644)
        beside.replace(file)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def starter_rules() -> list[Path]:
    """Return the rules to begin with: of the installed package, or of the source tree."""
    package = Path(stocksync.__file__).parent
    installed = package / "starter_rules"
    folder = installed if installed.is_dir() else package.parent / "rules"
    return sorted(folder.glob("*.yaml"))
