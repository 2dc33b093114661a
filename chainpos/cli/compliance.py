"""`chainpos compliance …`: freeze, agree, release; and a proposed rule tried over what was paid, before a vote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainpos.cli.acting import Acting, Currency, acts, amount_of, key_of
from chainpos.cli.looking import opened_source
from chainpos.cli.output import Json, print_json, print_line, used_wrongly

if TYPE_CHECKING:
    from chainpos.inspect.proposed_rules import Preview
    from chainpos.wallet.office import Office

app = typer.Typer(
    help="Freeze and release by order and agreement; try a rule on recorded payments.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Subject = Annotated[str, typer.Argument(help="An account (40 hexadecimal digits) or a shop's number.")]
Order = Annotated[str, typer.Argument(help="The order's legal reference, at most 64 characters.")]
DAY_S = 86_400
_LONGEST_SHOP = 16
_ACCOUNT_DIGITS = 40


@app.command()
@acts
def freeze(
    acting: Acting,
    subject: Subject,
    order: Order,
    days: Annotated[int, typer.Option("--days", min=1, max=730, help="When it ends by itself.")] = 30,
) -> None:
    """A regulator's order: holds at once, for 72 hours; to its end once the institution has agreed."""
    from chainpos.core.contracts.compliance.messages import Freeze
    from chainpos.wallet.office import ActResult

    named = _subject(subject)

    async def work(office: Office) -> ActResult:
        until_s = office.network.clock.now_ns() // 10**9 + days * DAY_S
        return await office.act("compliance.freeze", Freeze(named, order, until_s))

    result = acting.run(work)
    done = f"{subject} is frozen, for 72 hours; for {days} days once its institution has agreed."
    acting.tell(result, done, subject=subject, order=order)


@app.command()
@acts
def agree(
    acting: Acting,
    subject: Subject,
    order: Order,
) -> None:
    """The account's institution, or the shop's acquirer, agrees to an order to freeze or to release."""
    from chainpos.core.contracts.compliance.messages import Agree

    message = Agree(_subject(subject), order)
    done = f"Agreed to {order}: a freeze holds to its ordered end, a release is in force."
    acting.act("compliance.agree", message, done, subject=subject, order=order)


@app.command()
@acts
def release(
    acting: Acting,
    subject: Subject,
    order: Order,
) -> None:
    """A regulator's order to release: at once where nobody had agreed to the freeze, else once they agree."""
    from chainpos.core.contracts.compliance.messages import Release

    message = Release(_subject(subject), order)
    done = f"{subject} is released, or will be once its institution has agreed: chainpos compliance show."
    acting.act("compliance.release", message, done, subject=subject, order=order)


@app.command()
@acts
def show(
    acting: Acting,
    subject: Subject,
) -> None:
    """Whether a freeze is in force, by whose order and until when; proved by the validators' signatures."""
    from chainpos.core.contracts.compliance.records import FREEZES
    from chainpos.core.values.timestamps import SECOND_NS, format_rfc3339

    named = _subject(subject)

    async def work(office: Office) -> dict[str, Any]:
        await office.network.sync()
        await _require_known(office, subject)
        found = await office.network.record(FREEZES, named)
        facts: dict[str, Any] = {"subject": subject, "height": found.height, "frozen": False}
        if found.record is not None:
            freeze = found.record
            facts |= {
                "frozen": freeze.from_s <= found.time_ns // SECOND_NS < freeze.until_s,
                "order": freeze.legal_reference, "from": format_rfc3339(freeze.from_s * SECOND_NS),
                "until": format_rfc3339(freeze.until_s * SECOND_NS), "agreed": bool(freeze.agreed_by),
                "release_order": freeze.release_reference,
            }  # fmt: skip
        return facts

    facts = acting.run(work)
    if acting.as_json:
        print_json(facts)
    elif not facts["frozen"]:
        print_line(f"{subject} is not frozen, proved as of height {facts['height']}.")
    else:
        agreed = "agreed to by its institution" if facts["agreed"] else "not agreed to yet"
        print_line(f"{subject} is FROZEN until {facts['until']}, by {facts['order']}, {agreed}.")
        print_line(f"Proved as of height {facts['height']}. No money can leave it; refunds can come in.")


@app.command()
def preview(
    single: Annotated[str, typer.Option("--single", help="A limit for one payment, e.g. 500.00.")] = "",
    daily: Annotated[str, typer.Option("--daily", help="A limit for a day.")] = "",
    tier: Annotated[str, typer.Option("--tier", help="Limits: only accounts that are in this tier now.")] = "",
    window_s: Annotated[int, typer.Option("--window", min=0, help="An alert rule instead: its window, in s.")] = 0,
    count: Annotated[int, typer.Option("--count", min=0, help="Alert rule: from so many payments.")] = 0,
    total: Annotated[str, typer.Option("--total", help="Alert rule: from so much together.")] = "",
    at_least: Annotated[str, typer.Option("--at-least", help="Alert rule: only payments of so much.")] = "",
    at_most: Annotated[str, typer.Option("--at-most", help="Alert rule: and of no more.")] = "",
    currency: Currency = "CNY",
    home: Annotated[Path | None, typer.Option("--home", help="A node's folder; the node may be running.")] = None,
    chain: Annotated[Path | None, typer.Option("--chain", help="A recorded chain's file; else the sample day.")] = None,
    as_json: Json = False,
) -> None:
    """What a limit would have stopped, or an alert rule told, of all that was paid on a chain."""
    import msgspec

    from chainpos.inspect.proposed_rules import preview_alert, preview_limits, trial_rule

    def minor(text: str) -> int | None:
        return amount_of(text, currency).minor if text else None

    if bool(single or daily) == bool(window_s):
        raise used_wrongly("Say what to try.", "Give --single or --daily for limits, or --window for an alert rule.")
    if window_s and not (count or total):
        raise used_wrongly("That rule counts nothing.", "Give --count or --total beside --window.")
    with opened_source(home, chain, "") as source:
        if window_s:
            rule = trial_rule(
                currency, window_s=window_s, count=count, total_minor=minor(total) or 0, at_least=minor(at_least) or 0,
                at_most=minor(at_most) or 0,
            )  # fmt: skip
            found = preview_alert(source, rule)
        else:
            found = preview_limits(source, currency, single_minor=minor(single), daily_minor=minor(daily), tier=tier)
    if as_json:
        print_json(msgspec.to_builtins(found))
    else:
        _tell_preview(found)


def _tell_preview(found: Preview) -> None:
    from chainpos.core.values.amount import Amount, format_amount
    from chainpos.core.values.timestamps import SECOND_NS, format_rfc3339

    def amount(minor: int) -> str:
        return format_amount(Amount(minor, found.currency))

    print_line(f"HYPOTHETICAL, as of height {found.height}: {found.payments} payments, {amount(found.payments_minor)}.")
    for hit in found.hits:
        why = f"{amount(hit.over_minor)} over the {hit.why} limit" if hit.over_minor else f"{hit.count} payments"
        when = format_rfc3339(hit.time_s * SECOND_NS)
        print_line(f"{when}  {hit.account[:12]}…  {amount(hit.amount_minor):>18}  {why}")
    if found.alerts:
        print_line(f"It would have told {found.alerts} times, of {found.accounts} accounts, and stopped nothing.")
    elif found.stopped:
        print_line(
            f"It would have stopped {found.stopped} payments of {found.accounts} accounts, "
            f"{amount(found.stopped_minor)} together."
        )
    else:
        print_line("It would have stopped nothing and told nothing.")


async def _require_known(office: Office, subject: str) -> None:
    """That nobody froze what is not there proves nothing: it must be there, by proof. Raises UserFacingError."""
    from chainpos.core.contracts.customers.records import CUSTOMERS
    from chainpos.core.contracts.merchants.records import MERCHANTS, merchant_key

    if _is_shop(subject):
        shop = await office.network.record(MERCHANTS, merchant_key(subject))
        what, height, is_there = "shop", shop.height, shop.record is not None
    else:
        account = await office.network.record(CUSTOMERS, key_of(subject, size=_ACCOUNT_DIGITS // 2))
        what, height, is_there = "account", account.height, account.record is not None
    if not is_there:
        raise used_wrongly(
            f"There is no such {what} as of height {height}, proved.",
            "Search for it: chainpos inspect search. Nothing is frozen or free that is not there.",
        )


def _is_shop(text: str) -> bool:
    """A shop's number has at most 16 letters and digits; all that is longer is meant as an account."""
    return len(text) <= _LONGEST_SHOP


def _subject(text: str) -> bytes:
    from chainpos.core.contracts.ports import account_subject, merchant_subject

    if _is_shop(text):
        return merchant_subject(text)
    if len(text) != _ACCOUNT_DIGITS:
        raise used_wrongly(
            f"An account has {_ACCOUNT_DIGITS} hexadecimal digits; this has {len(text)} characters.",
            "Copy it as it was shown, or give a shop's number.",
        )
    return account_subject(key_of(text, size=_ACCOUNT_DIGITS // 2))
