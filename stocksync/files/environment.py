"""Fill in what a configuration leaves to its surroundings: `${NAME}` and secret files."""

import os
import re
import stat
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any, Final

from stocksync.files.complaints import Complaints
from stocksync.files.yamlfile import Document, Keys

SECRET_SIZE_MAX: Final = 64 * 1024
MOUNTED_SECRETS: Final = Path("/run/secrets")
"""Where containers mount secrets, readable as the container engine likes."""
CREDENTIALS_VARIABLE: Final = "CREDENTIALS_DIRECTORY"
"""Names the folder that systemd makes for `LoadCredential=` (systemd.exec(5)), ours alone."""
_OF_SYSTEMD: Final = 0o440
"""The mode of its files: root's, with an access list for us that shows as the group's right."""

_STAND_IN: Final = "?"
_PLACEHOLDER: Final = re.compile(r"\$\$\{|\$\{([^{}]*)(\})?")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def filled_in(
    document: Document, environment: Mapping[str, str], complaints: Complaints
) -> dict[Hashable, Any]:
    """Return what a file says with every `${NAME}` in its texts replaced; `$${` stays `${`.

    A name that is not set, or is not a name, becomes a complaint. What a variable holds is taken
    as text and never read as YAML.
    """
    filled = _fill(document, (), document.data, environment, complaints)
    return dict(filled)


def _fill(
    document: Document,
    keys: Keys,
    value: Any,
    environment: Mapping[str, str],
    complaints: Complaints,
) -> Any:
    if isinstance(value, dict):
        return {
            key: _fill(document, (*keys, key), inner, environment, complaints)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [
            _fill(document, (*keys, index), inner, environment, complaints)
            for index, inner in enumerate(value)
        ]
    if not isinstance(value, str):
        return value

    def replaced(found: re.Match[str]) -> str:
        name = found[1]
        if name is None:
            return "${"
        if found[2] is None or not _NAME.fullmatch(name):
            complaints.add(document, keys, "write ${NAME} for a variable, or $${ for a plain ${")
        elif name not in environment:
            complaints.add(document, keys, f"the environment variable {name} is not set; set it")
        else:
            return environment[name]
        return _STAND_IN

    return _PLACEHOLDER.sub(replaced, value)


def secrets_read(
    document: Document,
    keys: Keys,
    entry: Mapping[Hashable, Any],
    names: frozenset[str],
    complaints: Complaints,
) -> dict[Hashable, Any]:
    """Replace each `<name>_file` of one mapping by `<name>` with the secret that the file holds.

    Files are looked for from the folder of the configuration.
    """
    given = dict(entry)
    for name in sorted(names):
        key = f"{name}_file"
        if key not in given:
            continue
        place, where = (*keys, key), given.pop(key)
        if name in given:
            complaints.add(document, place, f"give either {name} or {key}, not both")
            continue
        given[name] = _STAND_IN
        if not isinstance(where, str) or not where:
            complaints.add(document, place, "must be the path of a file, as text")
        elif not complaints.about(document, place):
            try:
                given[name] = read_secret(document.path.parent / where)
            except ValueError as error:
                complaints.add(document, place, str(error))
    return given


def readable_by_others(mode: int) -> bool:
    """Tell from the mode of a file whether it is a plain file that is not its owner's alone."""
    return stat.S_ISREG(mode) and bool(mode & 0o077)


def passed_by_systemd(path: Path, status: os.stat_result, credentials: str) -> bool:
    """Tell whether a file is a credential as systemd passes them, in the folder `credentials`.

    There root's files of mode 0440 are for the service alone, although the mode does not say so.
    """
    if not credentials or path.resolve().parent != Path(credentials).resolve():
        return False
    return status.st_uid == 0 and stat.S_IMODE(status.st_mode) == _OF_SYSTEMD


def read_secret(path: Path, *, mounted: Path = MOUNTED_SECRETS) -> str:
    """Read a secret from a file, less one line end at its end.

    Raises:
        ValueError: The file is missing, open to others (but for files under `mounted`, and for
            credentials that systemd passed), empty or not text; the message names the file and
            the fix, never what is in it.
    """
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            content = file.read(SECRET_SIZE_MAX + 1)
    except FileNotFoundError:
        raise ValueError("there is no such file; paths start at this folder, or with /") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    inside = path.resolve().is_relative_to(mounted.resolve()) or passed_by_systemd(
        path, status, os.environ.get(CREDENTIALS_VARIABLE, "")
    )
    if readable_by_others(status.st_mode) and not inside:
        raise ValueError(f"{path} can be read by others; run: chmod 600 {path}")
    if len(content) > SECRET_SIZE_MAX:
        raise ValueError(f"{path} is too large for a secret")
    try:
        secret = content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8 text") from None
    if not secret:
        raise ValueError(f"{path} is empty")
    return secret
