"""The sheet for the wall: the till's standing code with the shop's certified names and the limit that the ledger sets.

It refuses to be made before the network knows the till: nobody could pay by it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from chainpos.core.checkout.qr import MAX_VERSION, qr_modules
from chainpos.core.checkout.request import format_link
from chainpos.core.contracts.customers.records import CODE_CLASSES, STATIC_CLASS, ClassSchedule
from chainpos.core.contracts.merchants.records import MERCHANTS, TILLS, merchant_key
from chainpos.core.values.amount import Amount, format_amount
from chainpos.core.values.text import clean
from chainpos.core.values.timestamps import SECOND_NS
from chainpos.errors import EXIT_UNREACHABLE, EXIT_USAGE, MalformedBytes, UserFacingError
from chainpos.inspect.connection import NodeConnection
from chainpos.inspect.records import record_at
from chainpos.rpc.client import Disconnected, RpcClient, RpcError
from chainpos.till.home import TillHome
from chainpos.till.identity import Certified
from chainpos.till.request_codes import emvco_text
from chainpos.till.running import identity_of
from chainpos.till.wall import wall_request

FILE_KINDS: Final = (".png", ".pdf", ".svg")


class WallSheet(NamedTuple):
    """What stands above the code, what the code says, what stands below; and a customer's most a day, where known."""

    titles: tuple[str, ...]
    text: str
    notes: tuple[str, ...]
    daily: Amount | None


async def wall_sheet(paths: TillHome) -> WallSheet:
    """The sheet of a till, whose counter may be open. Raises UserFacingError."""
    settings, genesis, key = paths.settings(), paths.genesis(), paths.key()
    identity = identity_of(settings, genesis, key)
    signed = wall_request(settings.merchant, settings.currency, genesis.chain_id, key)
    connection = NodeConnection(settings.node)
    try:
        client = await connection.open()
        certified, daily = await _read(client, settings.merchant, key.public_key, settings.currency)
        # So that it can be paid at once, also where the counter has not been opened since.
        await client.publish_request(signed.encoded, signed.signature)
    except (RpcError, Disconnected, MalformedBytes) as error:
        raise UserFacingError(
            f"The node at {settings.node} stopped answering.", next_step="Try again.", exit_code=EXIT_UNREACHABLE
        ) from error
    finally:
        await connection.close()
    text = emvco_text(signed, certified, identity)
    if not text:
        text = format_link(identity.link_host, identity.link_port, signed.link_id)
    notes = ["扫码付款，自行输入金额", "Scan to pay; type the amount"]
    if daily is not None:
        notes.append(f"每人每日至多 {format_amount(daily)} at most a day each")
    titles = tuple(name for name in (certified.name_zh, certified.name_en) if name)
    return WallSheet(titles, text, (*notes, f"{settings.merchant} · {signed.request.reference}"), daily)


def sheet_bytes(sheet: WallSheet, kind: str) -> bytes:
    """The sheet as a file of one of FILE_KINDS. Raises UserFacingError."""
    if kind not in FILE_KINDS:
        raise UserFacingError(
            f"No sheet can be written as {kind or 'that'!r}.",
            next_step=f"Name a file that ends with {', '.join(FILE_KINDS)}.",
            money_moved="",
            exit_code=EXIT_USAGE,
        )
    from chainpos.till.printing.pictures import pdf_bytes, png_bytes, svg_bytes, wall_picture

    if kind == ".svg":
        return svg_bytes(sheet.titles, qr_modules(sheet.text, max_version=MAX_VERSION), sheet.notes)
    picture = wall_picture(sheet.titles, sheet.text, sheet.notes)
    return png_bytes(picture) if kind == ".png" else pdf_bytes(picture)


async def _read(client: RpcClient, merchant: str, till_key: bytes, currency: str) -> tuple[Certified, Amount | None]:
    latest = (await client.status()).latest
    shop = await record_at(client, MERCHANTS, merchant_key(merchant), latest.height)
    till = await record_at(client, TILLS, till_key, latest.height)
    if shop is None or till is None:
        raise UserFacingError(
            f"The network does not know this till of {clean(merchant)} yet.",
            next_step="The shop's owner adds the till's key on the ledger first.",
            money_moved="",
        )
    shop = shop.as_of(latest.time_ns // SECOND_NS)
    certified = Certified(*map(clean, (shop.name_en, shop.name_zh, till.label, shop.city, shop.category)))
    schedule = await record_at(client, CODE_CLASSES, STATIC_CLASS.encode(), latest.height)
    return certified, _daily(schedule, currency, latest.time_ns // SECOND_NS)


def _daily(schedule: ClassSchedule | None, currency: str, time_s: int) -> Amount | None:
    for step in reversed(schedule.steps if schedule is not None else ()):
        if step.effective_from_s <= time_s:
            minors = [cap.daily_minor for cap in step.caps if cap.currency == currency and cap.daily_minor is not None]
            return Amount(minors[0], currency) if minors else None
    return None
