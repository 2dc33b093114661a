"""`chainpos institution …`: a bank's desk: accounts, cash, shops, payouts out and their confirmations in, cycles."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from chainpos.cli.acting import Acting, Currency, acts, amount_of, key_of
from chainpos.cli.output import print_json, print_line
from chainpos.errors import EXIT_OK

if TYPE_CHECKING:
    from chainpos.core.contracts.balances.messages import Issue, Redeem
    from chainpos.core.values.amount import Amount
    from chainpos.wallet.office import ActResult, Office

app = typer.Typer(
    help="Act for a bank or wallet company: open accounts, take and give cash, send payouts, close cycles.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Merchant = Annotated[str, typer.Argument(help="The shop's number.")]
Number = Annotated[int, typer.Argument(min=1, help="The payout's number.")]
Account = Annotated[str, typer.Argument(help="The account: 40 hexadecimal digits.")]
Money = Annotated[str, typer.Argument(help="The amount, e.g. 50.00.")]
Reference = Annotated[str, typer.Option("--reference", help="Your own for this money, at most 64 characters.")]


@app.command("open-account")
@acts
def open_account(
    acting: Acting,
    public_key: Annotated[str, typer.Argument(help="The customer's key, as `chainpos wallet new` shows it.")],
    tier: Annotated[str, typer.Option("--tier", help="A tier of the network, e.g. tier_2.")],
    code_class: Annotated[str, typer.Option("--code-class", help="A to D, by how payments are authenticated.")] = "C",
    papers: Annotated[
        Path | None, typer.Option("--papers", help="What you know of the person: only a salted hash of it is sent.")
    ] = None,
) -> None:
    """Open a customer's account. Nothing about the person goes on the ledger."""
    from chainpos.core.contracts.customers.messages import Open
    from chainpos.core.values.hashes import address_of

    key = key_of(public_key)
    salt, attestation = _attested(papers)

    async def work(office: Office) -> ActResult:
        message = Open(await office.institution(), key, tier, code_class, attestation)
        return await office.act("customers.open", message)

    result = acting.run(work)
    account = address_of(key).hex()
    done = f"Opened account {account} in {tier}."
    if papers is not None:
        done += f" Keep this salt with the papers, it proves them: {salt.hex()}"
    acting.tell(result, done, account=account, salt=salt.hex())


@app.command()
@acts
def issue(
    acting: Acting,
    account: Account,
    amount: Money,
    reference: Reference,
    reason: Annotated[str, typer.Option("--reason", help="cash, transfer, opening, interest or correction.")] = "cash",
    currency: Currency = "CNY",
) -> None:
    """A customer brought money in: it comes into being on the account."""
    from chainpos.core.contracts.balances.messages import Issue

    money, address = amount_of(amount, currency), key_of(account, size=20)
    _cash(
        acting, "balances.issue", lambda bank: Issue(bank, address, currency, money.minor, reason, reference),
        money, "Issued.", "are on the account.",
    )  # fmt: skip


@app.command()
@acts
def redeem(
    acting: Acting,
    account: Account,
    amount: Money,
    reference: Reference,
    reason: Annotated[str, typer.Option("--reason", help="cash, transfer, closing, charge or correction.")] = "cash",
    currency: Currency = "CNY",
) -> None:
    """A customer took money out: it goes out of being. Pay it out only after this says so."""
    from chainpos.core.contracts.balances.messages import Redeem

    money, address = amount_of(amount, currency), key_of(account, size=20)
    _cash(
        acting, "balances.redeem", lambda bank: Redeem(bank, address, currency, money.minor, reason, reference),
        money, "Redeemed.", "left the account: pay them out now.",
    )  # fmt: skip


def _cash(
    acting: Acting, kind: str, message: Callable[[str], Issue | Redeem], money: Amount, done: str, went: str
) -> NoReturn:
    """Money over the counter, by the acting institution's message; `went` is what became of it."""
    from chainpos.core.values.amount import format_amount

    async def work(office: Office) -> ActResult:
        return await office.act(kind, message(await office.institution()))

    moved = f"{format_amount(money)} {went}"
    acting.tell(acting.run(work), done, moved=moved, amount_minor=money.minor, currency=money.currency)


@app.command()
@acts
def payouts(
    acting: Acting,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Write them here as pain.001, for the bank.")] = None,
    currency: Currency = "CNY",
) -> None:
    """The payouts that wait to be sent: listed, and as a file for the bank."""
    import msgspec

    from chainpos.cli.statement import write_file
    from chainpos.core.values.amount import Amount, format_amount
    from chainpos.inspect.remote import open_node
    from chainpos.inspect.statements.account import chain_id
    from chainpos.inspect.statements.pain001 import pain001
    from chainpos.inspect.statements.transfers import open_payouts

    institution = acting.run(lambda office: office.institution())
    with open_node(acting.node()) as source:
        waiting = open_payouts(source, institution, currency)
        header = source.header(source.span().tip)
        network, made_ns = chain_id(source), 0 if header is None else header.time_ns
    if out is not None and waiting:
        write_file(out, pain001(waiting, chain_id=network, made_ns=made_ns))
    if acting.as_json:
        print_json({"institution": institution, "file": str(out) if out and waiting else None,
                    "payouts": msgspec.to_builtins(waiting)})  # fmt: skip
        return
    for order in waiting:
        amount = format_amount(Amount(order.amount_minor, order.currency))
        print_line(f"{order.reference:24} {amount:>18}  to {order.payout_account}  {order.merchant_en}")
    if not waiting:
        print_line(f"No payout waits at {institution}. There is nothing to send.")
    elif out is not None:
        print_line(f"Written to {out} as pain.001. When the bank has sent them: chainpos institution confirm, or fail.")


@app.command()
@acts
def confirm(
    acting: Acting,
    merchant: Merchant,
    number: Number,
    bank_reference: Annotated[str, typer.Argument(help="The bank's own reference, at most 35 characters.")],
    currency: Currency = "CNY",
) -> None:
    """A payout arrived at the shop's bank account: it leaves the ledger."""
    from chainpos.core.contracts.settlement.messages import ConfirmPayout

    message = ConfirmPayout(merchant, currency, number, bank_reference)
    done, moved = f"Payout {number} of {merchant} is confirmed.", "Its money left the ledger for the bank account."
    acting.act("settlement.confirm_payout", message, done, moved=moved, merchant=merchant, number=number)


@app.command()
@acts
def fail(
    acting: Acting,
    merchant: Merchant,
    number: Number,
    reason: Annotated[str, typer.Argument(help="Why, in plain words, at most 140 characters: the shop reads it.")],
    currency: Currency = "CNY",
) -> None:
    """A payout could not be sent: its money is available to the shop again."""
    from chainpos.core.contracts.settlement.messages import FailPayout

    message = FailPayout(merchant, currency, number, reason)
    done, moved = f"Payout {number} of {merchant} has failed.", "Its money is available to the shop again."
    acting.act("settlement.fail_payout", message, done, moved=moved, merchant=merchant, number=number)


@app.command("close-cycle")
@acts
def close_cycle(
    acting: Acting,
    resolve: Annotated[
        bool,
        typer.Option(
            "--resolve", help="Only settle what was rolled over and refunds lessened; new reserves need no asking."
        ),
    ] = False,
    operator: Annotated[bool, typer.Option("--operator", help="Act as the network's operator, not a bank.")] = False,
    currency: Currency = "CNY",
) -> None:
    """Net what all institutions owe each other, after the cut-off."""
    from chainpos.core.contracts.settlement.messages import Close, Resolve

    async def work(office: Office) -> ActResult:
        institution = "" if operator else await office.institution()
        if resolve:
            return await office.act("settlement.resolve", Resolve(institution, currency))
        return await office.act("settlement.close", Close(institution, currency))

    result = acting.run(work)
    number = int.from_bytes(result.data, "big")
    done, moved = f"Netting {currency}/{number} is settled.", "Reserves moved, and pending money is available."
    acting.tell(result, done, moved=moved, number=number, currency=currency)


@app.command()
@acts
def reserves(
    acting: Acting,
    currency: Currency = "CNY",
) -> None:
    """The reserve, what is owed and due, and how much more may be owed; proved by the validators' signatures."""
    from chainpos.core.contracts.balances.records import ACCOUNTS, account_key, reserve_account
    from chainpos.core.contracts.institutions.records import INSTITUTIONS, institution_key
    from chainpos.core.contracts.settlement.records import BATCHES, FIRST_BATCH, batch_key
    from chainpos.core.values.amount import Amount, format_amount

    async def work(office: Office) -> dict[str, Any]:
        name = await office.institution()
        held = await office.network.record(ACCOUNTS, account_key(reserve_account(name), currency))
        batch = await office.network.record(BATCHES, batch_key(name, currency))
        record = await office.network.record(INSTITUTIONS, institution_key(name))
        found = batch.record or FIRST_BATCH
        caps = () if record.record is None else record.record.debit_caps
        return {
            "institution": name, "currency": currency, "height": batch.height,
            "reserve_minor": 0 if held.record is None else held.record.balance_minor,
            "owed_minor": found.owed_minor, "due_minor": found.due_minor,
            "rolled_over_times": found.rolled_over_times,
            "net_debit_cap_minor": next((cap.cap_minor for cap in caps if cap.currency == currency), 0),
        }  # fmt: skip

    facts = acting.run(work)
    if acting.as_json:
        print_json(facts)
        raise SystemExit(EXIT_OK)

    def amount(name: str) -> str:
        return format_amount(Amount(facts[name], currency))

    print_line(f"{facts['institution']}, proved as of height {facts['height']}")
    print_line(f"reserve       {amount('reserve_minor'):>24}")
    print_line(f"owed to others{amount('owed_minor'):>24}")
    print_line(f"due from them {amount('due_minor'):>24}")
    print_line(f"may owe, net  {amount('net_debit_cap_minor'):>24}")
    if facts["rolled_over_times"]:
        times = facts["rolled_over_times"]
        print_line(f"ROLLED OVER {times} times: the reserve is too low. Ask the central bank for money.")


@app.command("fund-reserve")
@acts
def fund_reserve(
    acting: Acting,
    institution: Annotated[str, typer.Argument(help="The institution's name.")],
    amount: Money,
    reference: Reference,
    currency: Currency = "CNY",
) -> None:
    """The central bank gives an institution central-bank money: what waited for it settles at once."""
    from chainpos.core.contracts.institutions.messages import FundReserve
    from chainpos.core.values.amount import format_amount

    money = amount_of(amount, currency)
    message = FundReserve(institution, currency, money.minor, reference)
    moved = f"{format_amount(money)} are on the reserve of {institution}."
    acting.act("institutions.fund_reserve", message, "Funded.", moved=moved, amount_minor=money.minor)


def _attested(papers: Path | None) -> tuple[bytes, bytes]:
    """A fresh salt, and the commitment to the papers with it; of none it is a commitment to nothing."""
    import secrets

    from chainpos.core.values.hashes import sha256

    salt = secrets.token_bytes(32)
    return salt, sha256(salt + (b"" if papers is None else papers.read_bytes()))
