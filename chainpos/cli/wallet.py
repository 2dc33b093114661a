"""`chainpos wallet …`: the customer's side. It asks before it pays, and believes only what is proved to it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer

from chainpos.cli.acting import Currency, PassphraseFile, amount_of, passphrase_of
from chainpos.cli.output import Json, ask, draw_qr, note, print_json, print_line, read_file, used_wrongly, write_new
from chainpos.errors import EXIT_OK, EXIT_REFUSED, EXIT_UNREACHABLE

if TYPE_CHECKING:
    from chainpos.wallet.client import Wallet
    from chainpos.wallet.offer import PaymentOffer
    from chainpos.wallet.paying import PaymentResult

T = TypeVar("T")
_YES: Final = ("y", "yes", "是", "好")
app = typer.Typer(help="Pay, and see what was paid.", no_args_is_help=True, rich_markup_mode=None)

Home = Annotated[
    Path | None,
    typer.Option("--home", help="The wallet's folder; without it $CHAINPOS_WALLET, your own, or the running demo's."),
]


@app.command()
def new(
    genesis: Annotated[Path, typer.Option("--genesis", help="The network's genesis.json: the root of all trust.")],
    node: Annotated[
        list[str], typer.Option("--node", help="HOST:PORT of a node to ask; repeatable: more are witnesses.")
    ],
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Make a wallet: a new key, encrypted, and the network that it trusts."""
    import secrets

    from chainpos.wallet.home import WalletHome, default_home
    from chainpos.wallet.keys import SEED_BYTES, Key
    from chainpos.wallet.keystore import create_keystore

    folder = home or default_home()
    paths = WalletHome(folder)
    passphrase = _passphrase(folder, passphrase_file, twice=True)
    doc = paths.create(read_file(genesis), tuple(node))
    key = Key(secrets.token_bytes(SEED_BYTES))
    create_keystore(paths.key_path, key, passphrase)
    facts = {
        "home": str(folder), "chain_id": doc.chain_id, "public_key": key.public_key.hex(), "address": key.address.hex(),
    }  # fmt: skip
    if as_json:
        print_json(facts)
        return
    print_line(f"A new wallet on {doc.chain_id} in {folder}.")
    print_line(f"Public key {facts['public_key']}")
    print_line(
        "Give the public key to your bank or wallet company: it opens the account. Keep the passphrase yourself."
    )


@app.command()
def show(home: Home = None, currency: Currency = "CNY", as_json: Json = False) -> None:
    """The account and its balance, proved against the validators' signatures."""
    from chainpos.core.values.amount import format_amount
    from chainpos.wallet.offer import frozen_by

    view = _run(home, None, lambda wallet: wallet.show(currency), unlock=False)
    if as_json:
        print_json({
            "address": view.account.address.hex(), "institution": view.account.institution, "tier": view.account.tier,
            "balance_minor": view.balance.minor, "currency": view.balance.currency, "height": view.height,
            "frozen": view.freeze is not None,
        })  # fmt: skip
        return
    print_line(f"{format_amount(view.balance)} at {view.account.institution} (tier {view.account.tier})")
    print_line(f"account {view.account.address.hex()}, proved as of height {view.height}")
    if view.freeze is not None:
        print_line(f"FROZEN {frozen_by(view.freeze)}: no money can leave it. Ask {view.account.institution}.")


@app.command()
def pay(
    link: Annotated[str, typer.Argument(help="The text of the shop's QR code: a link, or an EMVCo code.")],
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    yes: Annotated[bool, typer.Option("--yes", help="Agree without being asked.")] = False,
    amount: Annotated[str, typer.Option("--amount", help="How much, for a code on a wall that leaves it to you.")] = "",
    as_json: Json = False,
) -> None:
    """Check a shop's request, ask for a yes, pay it, and wait until a verified block has it."""

    async def work(wallet: Wallet) -> tuple[PaymentOffer, PaymentResult | None]:
        offer = await wallet.offer(link)
        _show_offer(offer)
        if amount or offer.leaves_amount:
            typed = amount or await asyncio.to_thread(ask, f"How much, in {offer.currency}?")
            offer = offer.choosing(amount_of(typed.strip(), offer.currency))
        if not yes and (await asyncio.to_thread(ask, "Pay? (yes/no)")).strip().lower() not in _YES:
            return offer, None
        return offer, await wallet.pay(offer)

    offer, result = _run(home, passphrase_file, work, link=link)
    if result is None:
        note("Not paid: you did not say yes. No money moved.")
        raise SystemExit(EXIT_REFUSED)
    raise SystemExit(_tell_result(offer, result, as_json=as_json))


@app.command()
def code(
    limit: Annotated[str, typer.Argument(help="The most that a shop may take with it, e.g. 50.00.")],
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    currency: Currency = "CNY",
    as_json: Json = False,
) -> None:
    """A code for the shop to scan: good once, for a minute. Needs no connection."""
    from chainpos.core.checkout.qr import qr_modules
    from chainpos.core.values.amount import format_amount

    amount = amount_of(limit, currency)

    async def work(wallet: Wallet) -> Any:
        return wallet.code(amount)

    view = _run(home, passphrase_file, work)
    if as_json:
        print_json(
            {"code": view.text, "limit_minor": view.limit.minor, "currency": currency, "expires_s": view.expires_s}
        )
        return
    if sys.stdout.isatty():
        draw_qr(qr_modules(view.text))
    print_line(view.text)
    note(f"Good for one payment of up to {format_amount(view.limit)}, for one minute. Show it to nobody but the shop.")


@app.command()
def proof(
    paid: Annotated[str, typer.Argument(help="What was paid: the link or EMVCo code, or the sale's reference.")],
    home: Home = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write it to a file instead.")] = None,
    as_json: Json = False,
) -> None:
    """Show a shop that is offline that you paid: codes for its scanner, which it checks without a network."""
    import shutil

    from chainpos.core.checkout.frames import frame_for, to_frames

    content = _run(home, None, lambda wallet: wallet.proof(paid), unlock=False, link=paid)
    size = shutil.get_terminal_size()
    # Below the code: which it is, and the question.
    frames = to_frames(content, frame_for(size.columns, size.lines - 3))
    if output is not None:
        write_new(output, content)
    if as_json:
        print_json({"bytes": len(content), "codes": frames})
    elif output is not None:
        print_line(f"The proof is in {output}, {len(content)} bytes.")
    elif sys.stdout.isatty():
        _show_codes(frames)
    else:
        for text in frames:
            print_line(text)


@app.command()
def history(home: Home = None, as_json: Json = False) -> None:
    """What this wallet paid, and how each payment ended."""
    from chainpos.core.values.amount import Amount, format_amount
    from chainpos.core.values.timestamps import format_rfc3339

    entries = _run(home, None, lambda wallet: wallet.history(), unlock=False)
    if as_json:
        import msgspec

        print_json({"payments": [msgspec.to_builtins(entry) for entry in entries]})
        return
    if not entries:
        print_line("Nothing was paid from this wallet.")
    for entry in entries:
        amount = format_amount(Amount(entry.amount_minor + entry.tip_minor, entry.currency))
        where = f" at height {entry.height}" if entry.height else ""
        print_line(
            f"{format_rfc3339(entry.at_ns)[:19]}  {amount:>16}  {entry.state}{where}  {entry.name}  {entry.reference}"
        )


def _show_codes(frames: tuple[str, ...]) -> None:
    """One after another, as often as the shop's scanner needs."""
    from chainpos.core.checkout.qr import MAX_VERSION, qr_modules

    at = 0
    while True:
        sys.stdout.write("\x1b[2J\x1b[H")
        draw_qr(qr_modules(frames[at], max_version=MAX_VERSION))
        note(f"Code {at + 1} of {len(frames)}, in any order.")
        if ask("Enter: next. q: end.", or_nothing=True).strip().lower() in ("q", "quit"):
            return
        at = (at + 1) % len(frames)


def _run(
    home: Path | None,
    passphrase_file: Path | None,
    work: Callable[[Wallet], Awaitable[T]],
    *,
    unlock: bool = True,
    link: str = "",
) -> T:
    from chainpos.node.clock import SystemClock
    from chainpos.wallet.client import Wallet
    from chainpos.wallet.home import WalletHome

    folder, known = _which(home, link)
    WalletHome(folder).settings()  # before a passphrase is asked for: a wallet that is not there needs none
    passphrase = (known or _passphrase(folder, passphrase_file)) if unlock else None

    async def run() -> T:
        wallet = Wallet.open(WalletHome(folder), SystemClock(), passphrase=passphrase)
        try:
            return await work(wallet)
        finally:
            await wallet.close()

    return asyncio.run(run())


def _which(home: Path | None, link: str) -> tuple[Path, str | None]:
    """The wallet's folder; where none is named and none is there, a running demo's with its public passphrase.

    Of several demos it is the one that serves the link, else the one that was started last.
    """
    from chainpos.pilot.running import DEMO_PASSPHRASE, running_demos
    from chainpos.wallet.home import default_home

    folder = home or default_home()
    demos = () if home is not None or folder.exists() else running_demos()
    if not demos:
        return folder, None
    note("You have no wallet of your own: this is the demo's, with play money.")
    address = _served_at(link)
    served = [demo for demo in demos if demo.serves(address)]
    if len(demos) > 1 and not served:
        note(f"{len(demos)} demos are running: this is the wallet of the one that was started last.")
    return (served or demos)[0].wallet, DEMO_PASSPHRASE


def _served_at(link: str) -> str:
    from chainpos.core.checkout.offered import read_offered
    from chainpos.core.checkout.request import MalformedLink

    try:
        named = read_offered(link).link
    except MalformedLink:
        # There is none, or one that the wallet itself refuses.
        return ""
    return f"{named.host}:{named.port}"


def _passphrase(folder: Path, file: Path | None, *, twice: bool = False) -> str:
    passphrase = passphrase_of(folder, file)
    if twice and file is None and ask("Once more:", secret=True) != passphrase:
        raise used_wrongly("The two passphrases differ.", "Try again.")
    return passphrase


def _show_offer(offer: PaymentOffer) -> None:
    from chainpos.core.values.amount import format_amount

    note(f"{offer.name_zh}  {offer.name_en}")
    note(
        f"certified on the ledger as {offer.merchant}, {offer.city}, category {offer.category}, till {offer.till_label}"
    )
    asked = "lets you type the amount" if offer.leaves_amount else f"asks for {format_amount(offer.amount)}"
    note(f"{asked}, reference {offer.signed.request.reference}")
    if offer.memo:
        note(f"memo: {offer.memo}")
    note(f"You have {format_amount(offer.balance)} at {offer.account.institution}, as of height {offer.as_of_height}.")


def _tell_result(offer: PaymentOffer, result: PaymentResult, *, as_json: bool) -> int:
    from chainpos.core.values.amount import format_amount
    from chainpos.wallet.paying import End

    paid = result.end is End.PAID
    if as_json:
        print_json({
            "state": result.end.value, "reference": offer.signed.request.reference, "merchant": offer.merchant,
            "amount_minor": offer.amount.minor, "currency": offer.amount.currency, "height": result.height,
            "tx_hash": result.tx_hash.hex(), "code": result.code,
        })  # fmt: skip
    elif paid:
        print_line(f"PAID {format_amount(offer.amount)} to {offer.name_en}, in verified block {result.height}.")
    else:
        print_line(_why_not(result))
    if paid:
        return EXIT_OK
    return EXIT_UNREACHABLE if result.end in (End.UNKNOWN, End.UNPAID) else EXIT_REFUSED


def _why_not(result: PaymentResult) -> str:
    from chainpos.wallet.paying import End

    refusal = result.refusal
    if result.end is End.REFUSED_AT_DOOR:
        # The word of a node, which no header proves.
        why = f"{refusal.what_en} {refusal.next_en} " if refusal else ""
        return (
            f"REFUSED (code {result.code}) before it reached a block. {why}No money moved, if the node says the truth: "
            "`chainpos wallet history` will prove how it ended."
        )
    if result.end is End.REFUSED:
        why = f"{refusal.what_en} No money moved. {refusal.next_en}" if refusal else "No money moved."
        return f"REFUSED (code {result.code}). {why}"
    if result.end is End.NEVER_REACHED:
        return f"NOT PAID: it expired before it reached the ledger (as of height {result.height}). No money moved."
    if result.end is End.UNPAID:
        return (
            f"NOT PAID YET as of height {result.height}. It was sent and may still be taken in until it expires; "
            "`chainpos wallet history` will say how it ended."
        )
    return "NOT KNOWN: no node answers. The payment may or may not arrive; `chainpos wallet history` will say."
