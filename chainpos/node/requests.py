"""The signed requests that tills have published here, served to wallets under their links until they expire.

It refuses a request that its till did not sign for this network, one that has expired or lives too long, and more than
it has room for. Nothing is stored: a till publishes its open requests again when its node comes back.
"""

from __future__ import annotations

from typing import Final

from chainpos.core.chain.signatures import VerifyBatch, verify_batch
from chainpos.core.checkout.request import SignedRequest, open_request
from chainpos.errors import ChainposError, MalformedBytes

MAX_REQUESTS: Final = 2_000
MAX_PER_TILL: Final = 200
MAX_REQUEST_BYTES: Final = 2_048
# A request lives for minutes; one that lives longer than this would only fill the room.
MAX_LIFE_S: Final = 86_400


class RequestRefused(ChainposError):
    """A request that is not served here; `code` names why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class OpenRequests:
    """By link ID, in the order in which they were published. `now_s` is Unix time in seconds."""

    def __init__(self, chain_id: str, *, verify: VerifyBatch = verify_batch) -> None:
        self._chain_id = chain_id
        self._verify = verify
        self._open: dict[str, SignedRequest] = {}

    def __len__(self) -> int:
        return len(self._open)

    def read(self, encoded: bytes, signature: bytes, now_s: int) -> SignedRequest:
        """The request in these bytes, if it may be served. Raises RequestRefused."""
        if len(encoded) > MAX_REQUEST_BYTES:
            raise RequestRefused("request_too_large")
        try:
            signed = open_request(self._chain_id, encoded, signature, verify_signatures=self._verify)
        except MalformedBytes as error:
            raise RequestRefused("request_not_signed") from error
        if signed.request.expires_s and not now_s < signed.request.expires_s <= now_s + MAX_LIFE_S:
            raise RequestRefused("request_expired")
        return signed

    def add(self, signed: SignedRequest, now_s: int) -> str:
        """Serve a request that `read` gave; its link ID. Raises RequestRefused where there is no room.

        A till that publishes too many loses its own oldest, never another's.
        """
        self._forget_expired(now_s)
        if signed.link_id in self._open:
            return signed.link_id
        key = signed.request.till_key
        own = [link_id for link_id, other in self._open.items() if other.request.till_key == key]
        if len(own) >= MAX_PER_TILL:
            del self._open[own[0]]
        elif len(self._open) >= MAX_REQUESTS:
            raise RequestRefused("too_many_requests")
        self._open[signed.link_id] = signed
        return signed.link_id

    def newest_first(self, now_s: int) -> list[SignedRequest]:
        """All that are served."""
        self._forget_expired(now_s)
        return list(reversed(self._open.values()))

    def get(self, link_id: str, now_s: int) -> SignedRequest | None:
        """The request under a link's ID (upper case), or None."""
        self._forget_expired(now_s)
        return self._open.get(link_id)

    def _forget_expired(self, now_s: int) -> None:
        expired = [
            link_id
            for link_id, signed in self._open.items()
            if signed.request.expires_s and signed.request.expires_s <= now_s
        ]
        for link_id in expired:
            del self._open[link_id]
