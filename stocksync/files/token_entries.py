"""What the configuration file may say of the tokens that open the service's own HTTP."""

import re
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import AfterValidator, Field, PlainValidator, SecretStr, ValidationError

from stocksync.files.complaints import Complaints, Entry, did_you_mean, secret_names
from stocksync.files.environment import secrets_read
from stocksync.files.webhook_entries import plain_secret
from stocksync.files.yamlfile import Document

TOKENS_MAX: Final = 100
#: What `http.token` is called where somebody must be named.
MAIN_NAME: Final = "admin"
Scope = Literal["read", "operate", "approve"]
_SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,31}", re.ASCII)


def _name(given: str) -> str:
    if not _NAME.fullmatch(given):
        raise ValueError("must be 1 to 32 of a-z, 0-9, ., - and _, and begin with one of a-z, 0-9")
    return given


def _scope(given: object) -> Scope:
    for scope in _SCOPES:
        if given == scope:
            return scope
    hint = did_you_mean(given, _SCOPES) if isinstance(given, str) else ""
    raise ValueError(f"must be one of {', '.join(_SCOPES)}{hint}")


class TokenEntry(Entry):
    """A token with a name of its own: who decided, and what they may do."""

    name: Annotated[str, AfterValidator(_name)]
    token: Annotated[SecretStr, AfterValidator(plain_secret)]
    scopes: Annotated[list[Annotated[Scope, PlainValidator(_scope)]], Field(min_length=1)]


def tokens_from(document: Document, http: Any, complaints: Complaints) -> tuple[TokenEntry, ...]:
    """Read `http.tokens`: each with its own name and its own secret."""
    door = http if isinstance(http, dict) else {}
    given = door.get("tokens")
    found: dict[str, TokenEntry] = {}
    taken = {MAIN_NAME} if {"token", "token_file"} & door.keys() else set()
    secrets = {str(door["token"])} if "token" in door else set()
    for index, one in enumerate(given if isinstance(given, list) else []):
        keys = ("http", "tokens", index)
        if not isinstance(one, dict):
            complaints.add(document, keys, "must hold keys with values")
            continue
        read = secrets_read(document, keys, one, secret_names(TokenEntry), complaints)
        try:
            entry = TokenEntry.model_validate(read)
        except ValidationError as error:
            complaints.add_refusals(document, keys, error, TokenEntry)
            continue
        if entry.name in taken:
            complaints.add(document, (*keys, "name"), f"'{entry.name}' is taken; give another")
        if entry.token.get_secret_value() in secrets:
            text = "is the secret of another token; nobody could tell who came with it"
            complaints.add(document, (*keys, "token"), text)
        secrets.add(entry.token.get_secret_value())
        taken.add(entry.name)
        found[entry.name] = entry
    return tuple(found.values())
