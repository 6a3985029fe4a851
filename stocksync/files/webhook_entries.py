"""What the configuration file may say of a store's webhooks, and what a secret may hold."""

import re
from typing import Annotated, Final, Self

from pydantic import AfterValidator, SecretStr, model_validator

from stocksync.files.complaints import Entry

_ADDRESS_PART: Final = re.compile(r"[A-Za-z0-9_-]{16,128}", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def plain_secret(given: SecretStr | None) -> SecretStr | None:
    """Refuse a secret that is blank, or that no header can carry."""
    if given is not None and not given.get_secret_value().strip():
        raise ValueError("is empty")
    if given is not None and _CONTROL.search(given.get_secret_value()):
        raise ValueError("holds a line break or another control character; take it out")
    return given


def _address_part(given: SecretStr) -> SecretStr:
    if not _ADDRESS_PART.fullmatch(given.get_secret_value()):
        raise ValueError(
            "must be 16 to 128 of A-Z, a-z, 0-9, - and _, as nobody guesses; make one with: "
            'python -c "import secrets; print(secrets.token_urlsafe(24))"'
        )
    return given


Part = Annotated[SecretStr | None, AfterValidator(plain_secret)]


class WebhookEntry(Entry):
    """What a store's webhooks bring: `secret` is the end of the address they are sent to."""

    secret: Annotated[SecretStr, AfterValidator(_address_part)]

    def given_secrets(self) -> dict[str, SecretStr]:
        """Return what is asked of each request, by name."""
        return {name: value for name, value in self if isinstance(value, SecretStr)}


class RecplusWebhook(WebhookEntry):
    """REC+ sends no authorization, Basic or Bearer (`seeds/000…` §API Webhooks)."""

    username: Part = None
    password: Part = None
    token: Part = None

    @model_validator(mode="after")
    def _one_authorization(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("give username and password together (Basic), or token (Bearer)")
        if self.token is not None and self.password is not None:
            raise ValueError("give either username and password (Basic), or token (Bearer)")
        return self


class SimvolyWebhook(WebhookEntry):
    """Simvoly can sign what it sends with a key (`stores.md §4.7`)."""

    signature: Part = None
