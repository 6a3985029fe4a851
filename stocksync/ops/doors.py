"""Tell a store's webhook from anybody else's request, in the same time whatever is wrong.

REC+ sends no, Basic or Bearer authorization (`seeds/000…` §API Webhooks). Simvoly can sign: one
client's evidence says the hex HMAC-SHA512 of the raw body in `X-Webhook-Signature`
(`stores.md §4.7`). None of them signs a time, so a replay cannot be told; it is made harmless.
"""

import hmac
import secrets
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

SIGNATURE_HEADER: Final = "x-webhook-signature"


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What a store's webhooks must bring; digests, but for the key of the signature.

    `authorization` and `key` are None where nothing is asked.
    """

    platform: str
    secret: bytes = field(repr=False)
    authorization: bytes | None = field(default=None, repr=False)
    key: bytes | None = field(default=None, repr=False)

    def admits(self, secret: str, headers: Mapping[str, str], body: bytes) -> bool:
        """Tell whether secret, authorization and signature are all right; all are always checked.

        A stand-in is checked where nothing is asked, so that time tells nobody what was wrong.
        """
        shown = headers.get(SIGNATURE_HEADER, "").encode("latin-1", "replace")
        signed = hmac.new(self.key or _SALT, body, "sha512").hexdigest().encode()
        authorization = _authorization_of(headers.get("authorization", ""))
        checks = (
            hmac.compare_digest(_digest(secret.encode("utf-8", "replace")), self.secret),
            hmac.compare_digest(_digest(authorization), self.authorization or _SALT)
            | (self.authorization is None),
            hmac.compare_digest(_digest(shown), _digest(signed)) | (self.key is None),
        )
        return all(checks)


def door(platform: str, given: Mapping[str, str]) -> Door:
    """Build the door of a store from its configured `webhook`: names and what they hold."""
    wanted: bytes | None = None
    if token := given.get("token"):
        wanted = f"bearer {token}".encode()
    elif "password" in given:
        pair = f"{given.get('username', '')}:{given['password']}".encode()
        wanted = b"basic " + b64encode(pair)
    key = given.get("signature")
    return Door(
        platform=platform,
        secret=_digest(given["secret"].encode()),
        authorization=None if wanted is None else _digest(wanted),
        key=None if key is None else key.encode(),
    )


def _digest(given: bytes) -> bytes:
    """Make what is compared equally long: comparing may tell a length (W05: and any byte)."""
    return sha256(_SALT + given).digest()


def _authorization_of(header: str) -> bytes:
    """Write `Authorization` in one way: the scheme has no case, and one blank follows it."""
    scheme, _, rest = header.strip().partition(" ")
    return f"{scheme.lower()} {rest.strip()}".encode("latin-1", "replace")


_SALT: Final = secrets.token_bytes(32)
#: Asked where a store has no webhooks, or does not exist: as much work, and nobody gets in.
NOBODY: Final = Door(
    platform="",
    secret=secrets.token_bytes(32),
    authorization=secrets.token_bytes(32),
    key=secrets.token_bytes(32),
)
