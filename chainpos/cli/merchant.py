"""`chainpos merchant …`: a shop on the network: certified by its acquirer, its tills and payouts by its owner."""

from __future__ import annotations

from typing import Annotated

import typer

from chainpos.cli.acting import Acting, Currency, acts, amount_of, key_of

app = typer.Typer(
    help="Act for a shop: register and certify it (its bank), enrol and revoke tills, ask for a payout (its owner).",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Merchant = Annotated[str, typer.Argument(help="The shop's number, 4 to 16 capital letters and digits.")]
TillKey = Annotated[str, typer.Argument(help="The till's public key, as `chainpos till --new` shows it.")]


@app.command()
@acts
def register(
    acting: Acting,
    merchant: Merchant,
    owner: Annotated[str, typer.Option("--owner", help="The owner's public key, 64 hexadecimal digits.")],
    name_en: Annotated[str, typer.Option("--name-en", help="The certified name in English.")],
    name_zh: Annotated[str, typer.Option("--name-zh", help="The certified name in Chinese.")],
    category: Annotated[str, typer.Option("--category", help="Four digits of ISO 18245.")],
    city: Annotated[str, typer.Option("--city", help="The city.")],
    payout_account: Annotated[str, typer.Option("--payout-account", help="Your reference of its bank account.")],
    fee_class: Annotated[str, typer.Option("--fee-class", help="A fee class of the network.")] = "standard",
    settlement: Annotated[str, typer.Option("--settlement", help="netted or instant.")] = "netted",
) -> None:
    """The acquirer certifies a shop."""
    from chainpos.core.contracts.merchants.messages import Register
    from chainpos.wallet.office import ActResult, Office

    key = key_of(owner)

    async def work(office: Office) -> ActResult:
        message = Register(
            merchant, await office.institution(), name_en, name_zh, category, city, key, fee_class, settlement,
            payout_account,
        )  # fmt: skip
        return await office.act("merchants.register", message)

    result = acting.run(work)
    done = f"{merchant} is certified as {name_en} {name_zh}. Its owner can enrol tills: chainpos merchant add-till."
    acting.tell(result, done, merchant=merchant)


@app.command()
@acts
def certify(
    acting: Acting,
    merchant: Merchant,
    name_en: Annotated[str, typer.Option("--name-en", help="Another name in English.")] = "",
    name_zh: Annotated[str, typer.Option("--name-zh", help="Another name in Chinese.")] = "",
    category: Annotated[str, typer.Option("--category", help="Another category, four digits of ISO 18245.")] = "",
    city: Annotated[str, typer.Option("--city", help="Another city.")] = "",
    fee_class: Annotated[str, typer.Option("--fee-class", help="Another fee class of the network.")] = "",
) -> None:
    """The acquirer certifies a shop otherwise, after the network's delay; what is not named stays as it is."""
    from chainpos.core.contracts.merchants.messages import Certify
    from chainpos.core.contracts.merchants.records import MERCHANTS, merchant_key
    from chainpos.core.values.timestamps import SECOND_NS
    from chainpos.wallet.office import ActResult, Office

    async def work(office: Office) -> ActResult:
        await office.network.sync()
        found = await office.network.record(MERCHANTS, merchant_key(merchant))
        now = None if found.record is None else found.record.as_of(found.time_ns // SECOND_NS)
        asked = {
            "name_en": name_en, "name_zh": name_zh, "category": category, "city": city, "fee_class": fee_class,
        }  # fmt: skip
        fields = {name: given or getattr(now, name, "") for name, given in asked.items()}
        return await office.act("merchants.certify", Certify(merchant, **fields))

    result = acting.run(work)
    done = (
        f"{merchant} is announced to be certified so, after the network's delay (a day where it named no other). Until "
        f"then its owner or you can take it back: chainpos merchant cancel-certificate {merchant}."
    )
    acting.tell(result, done, merchant=merchant)


@app.command("cancel-certificate")
@acts
def cancel_certificate(
    acting: Acting,
    merchant: Merchant,
) -> None:
    """The owner or the acquirer takes an announced certificate back: the shop stays certified as it is."""
    from chainpos.core.contracts.merchants.messages import CancelCertificate

    message = CancelCertificate(merchant)
    acting.act("merchants.cancel_certificate", message, f"{merchant} stays certified as it is.", merchant=merchant)


@app.command("add-till")
@acts
def add_till(
    acting: Acting,
    merchant: Merchant,
    till: TillKey,
    label: Annotated[str, typer.Option("--label", help="What the counter is called, e.g. HF01-2.")],
    max_payment: Annotated[str, typer.Option("--max-payment", help="The most it may ask for at once.")] = "50000.00",
    refund_daily: Annotated[str, typer.Option("--refund-daily", help="The most it may return in a day.")] = "5000.00",
    currency: Currency = "CNY",
) -> None:
    """The owner enrols a device as a till of the shop, with its limits."""
    from chainpos.core.contracts.merchants.messages import AddTill

    limits = (amount_of(max_payment, currency).minor, amount_of(refund_daily, currency).minor)
    message = AddTill(merchant, key_of(till), label, *limits)
    done = f"{label} may take payments for {merchant} from the next block on."
    acting.act("merchants.add_till", message, done, merchant=merchant, till=till)


@app.command("revoke-till")
@acts
def revoke_till(
    acting: Acting,
    merchant: Merchant,
    till: TillKey,
) -> None:
    """The owner or the acquirer takes a till's rights away, for good: for a stolen device."""
    from chainpos.core.contracts.merchants.messages import RevokeTill

    message = RevokeTill(merchant, key_of(till))
    done = f"That device can take and return no money for {merchant} any more, and never be a till again."
    acting.act("merchants.revoke_till", message, done, merchant=merchant, till=till)


@app.command()
@acts
def payout(
    acting: Acting,
    merchant: Merchant,
    amount: Annotated[str, typer.Argument(help="The amount, e.g. 500.00.")],
    currency: Currency = "CNY",
) -> None:
    """The owner asks for available money to be sent to the shop's bank account."""
    from chainpos.core.contracts.settlement.messages import RequestPayout
    from chainpos.core.values.amount import format_amount

    money = amount_of(amount, currency)
    message = RequestPayout(merchant, currency, money.minor)
    result = acting.run(lambda office: office.act("settlement.request_payout", message))
    number = int.from_bytes(result.data, "big")
    done, moved = f"Payout {number} was asked for.", f"{format_amount(money)} are set aside until the bank confirms."
    acting.tell(result, done, moved=moved, merchant=merchant, number=number)
