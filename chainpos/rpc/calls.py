"""What every method is given and what all of them refuse alike: heights and pages. It holds no method.

Source: CometBFT rpc/core/env.go.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Literal, NamedTuple, TypeVar

from chainpos.rpc.backend import Backend
from chainpos.rpc.parameters import Parameter
from chainpos.rpc.protocol import INTERNAL_ERROR, MESSAGES, RequestId, RpcError
from chainpos.rpc.subscriptions import EventHub, Subscriber

T = TypeVar("T", int, tuple[int, int])
DEFAULT_PER_PAGE: Final = 30
MAX_PER_PAGE: Final = 100


Pool = Literal["reads", "searches", "broadcasts", "watches"]


class CallContext(NamedTuple):
    """What a method may use. `subscriber` is None over HTTP, which cannot be sent events."""

    backend: Backend
    hub: EventHub
    subscriber: Subscriber | None = None
    request_id: RequestId = -1


class Method(NamedTuple):
    """`pool` says with which others a method shares how many may run at a time, so that none starves another.

    "reads" wait for the store alone, and not for long; "searches" may read much of it; "broadcasts" wait for a check
    and perhaps another node; "watches" for a block. Over WebSocket all but the reads run beside them.
    """

    answer: Callable[..., Awaitable[object]]
    parameters: tuple[Parameter, ...] = ()
    only_websocket: bool = False
    pool: Pool = "reads"


def refused(detail: str) -> RpcError:
    """The error that CometBFT gives for anything that a method refuses: an internal error, with a sentence."""
    return RpcError(INTERNAL_ERROR, MESSAGES[INTERNAL_ERROR], detail)


def chosen_height(context: CallContext, height: int | None, *, above_tip: int = 0) -> int:
    """The height asked for, or the latest. Raises RpcError outside what is stored.

    Source: CometBFT rpc/core/env.go `getHeight`.
    """
    base, tip = context.backend.span()
    latest = tip + above_tip
    if height is None:
        if tip == 0 and not above_tip:
            raise refused("there is no block yet")
        return latest
    if height <= 0:
        raise refused(f"height must be greater than 0, but got {height}")
    if height > latest:
        raise refused(f"height {height} must be less than or equal to the current blockchain height {latest}")
    if height < base:
        raise refused(f"height {height} is not available, lowest height is {base}")
    return height


def page_in_order(places: list[T], page: int | None, per_page: int | None, order_by: str) -> list[T]:
    """One page of what a search found, in the order asked for. Raises RpcError. Source: CometBFT rpc/core/tx.go."""
    if order_by not in ("", "asc", "desc"):
        raise refused("expected order_by to be either `asc` or `desc` or empty")
    size = page_size(per_page)
    start = page_of(page, size, len(places))
    return sorted(places, reverse=order_by == "desc")[start : start + size]


def page_size(per_page: int | None) -> int:
    """How many a page holds: clamped, not refused. Source: CometBFT rpc/core/env.go `validatePerPage`."""
    return DEFAULT_PER_PAGE if per_page is None or per_page < 1 else min(per_page, MAX_PER_PAGE)


def page_of(page: int | None, size: int, total: int) -> int:
    """The index at which the page begins. Raises RpcError. Source: CometBFT rpc/core/env.go `validatePage`."""
    if page is None:
        return 0
    pages = max(1, -(-total // size))
    if not 1 <= page <= pages:
        raise refused(f"page should be within [1, {pages}] range, given {page}")
    return (page - 1) * size
