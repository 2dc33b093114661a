"""`chainpos recovery …`: lost keys of wallets and shops: lock, replace, object, and the regulator's ruling.

It refuses a new key that nobody has shown to hold: whoever gets it signs first, with `recovery prove`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from chainpos.cli.acting import Acting, acts, key_of
from chainpos.cli.output import print_json, print_line

if TYPE_CHECKING:
    from chainpos.wallet.office import Office

app = typer.Typer(
    help="A lost or stolen key of a wallet or a shop: lock, replace, object, rule.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Subject = Annotated[str, typer.Argument(help="An account (40 hexadecimal digits) or a shop's number.")]
Account = Annotated[str, typer.Argument(help="The account: 40 hexadecimal digits.")]
ADDRESS_DIGITS = 40


@app.command()
@acts
def prove(acting: Acting, subject: Subject) -> None:
    """The new key signs that it is held, for this wallet or shop alone: give both to the bank."""
    from chainpos.core.contracts.ports import account_subject, merchant_subject
    from chainpos.core.contracts.possession import possession_bytes

    holder = account_subject(key_of(subject, size=20)) if _is_account(subject) else merchant_subject(subject)

    async def work(office: Office) -> tuple[bytes, bytes]:
        return office.key.public_key, office.key.sign(possession_bytes(office.network.chain_id, holder))

    key, proof = acting.run(work)
    if acting.as_json:
        print_json({"subject": subject, "key": key.hex(), "proof": proof.hex()})
        return
    print_line(f"key    {key.hex()}")
    print_line(f"proof  {proof.hex()}")
    print_line(f"Give both to the bank of {subject}: chainpos recovery start {subject} KEY PROOF")


@app.command()
@acts
def lock(acting: Acting, account: Account) -> None:
    """The account can receive and not pay: for a stolen phone, at once. Its key or its bank may do it."""
    from chainpos.core.contracts.customers.messages import Lock

    message = Lock(key_of(account, size=20))
    done = f"{account} is locked: it receives and does not pay. Its bank unlocks it, or replaces the key."
    acting.act("customers.lock", message, done, subject=account)


@app.command()
@acts
def unlock(acting: Acting, account: Account) -> None:
    """The bank unlocks the account: its key pays again."""
    from chainpos.core.contracts.customers.messages import Unlock

    message = Unlock(key_of(account, size=20))
    acting.act("customers.unlock", message, f"{account} pays again.", subject=account)


@app.command()
@acts
def start(
    acting: Acting,
    subject: Subject,
    key: Annotated[str, typer.Argument(help="The new key, as `chainpos recovery prove` shows it.")],
    proof: Annotated[str, typer.Argument(help="Its proof, from the same.")],
) -> None:
    """The bank begins to replace the key. Until the waiting time is over the old key can only object."""
    from chainpos.core.contracts.customers.messages import StartRecovery
    from chainpos.core.contracts.merchants.messages import StartOwnerRecovery

    new, shown = key_of(key), key_of(proof, size=64)
    done = f"The key of {subject} is being replaced. The old key can object until the waiting time is over."
    kind, message = (
        ("customers.start_recovery", StartRecovery(key_of(subject, size=20), new, shown))
        if _is_account(subject)
        else ("merchants.start_owner_recovery", StartOwnerRecovery(subject, new, shown))
    )
    acting.act(kind, message, done, subject=subject)


@app.command()
@acts
def complete(acting: Acting, subject: Subject) -> None:
    """The bank completes it after the waiting time: the new key signs, the old one for nothing."""
    from chainpos.core.contracts.customers.messages import CompleteRecovery
    from chainpos.core.contracts.merchants.messages import CompleteOwnerRecovery

    kind, message = (
        ("customers.complete_recovery", CompleteRecovery(key_of(subject, size=20)))
        if _is_account(subject)
        else ("merchants.complete_owner_recovery", CompleteOwnerRecovery(subject))
    )
    done = f"The new key signs for {subject} from now on, the old one for nothing."
    acting.act(kind, message, done, subject=subject)


@app.command()
@acts
def cancel(acting: Acting, subject: Subject) -> None:
    """The old key objects, or the bank thinks again: the old key stays."""
    from chainpos.core.contracts.customers.messages import CancelRecovery
    from chainpos.core.contracts.merchants.messages import CancelOwnerRecovery

    kind, message = (
        ("customers.cancel_recovery", CancelRecovery(key_of(subject, size=20)))
        if _is_account(subject)
        else ("merchants.cancel_owner_recovery", CancelOwnerRecovery(subject))
    )
    done = f"The key of {subject} stays. Was this not you? Tell the bank: it can lock, and start again."
    acting.act(kind, message, done, subject=subject)


@app.command()
@acts
def uphold(
    acting: Acting,
    subject: Subject,
    ruling: Annotated[str, typer.Argument(help="The ruling's reference, at most 64 characters.")],
) -> None:
    """The regulator, who heard both, rules for the new key: the old one can object no more. The wait stays."""
    from chainpos.core.contracts.customers.messages import UpholdRecovery
    from chainpos.core.contracts.merchants.messages import UpholdOwnerRecovery

    kind, message = (
        ("customers.uphold_recovery", UpholdRecovery(key_of(subject, size=20), ruling))
        if _is_account(subject)
        else ("merchants.uphold_owner_recovery", UpholdOwnerRecovery(subject, ruling))
    )
    done = f"Upheld by {ruling}: the old key of {subject} can object no more. The waiting time stays as it is."
    acting.act(kind, message, done, subject=subject)


def _is_account(subject: str) -> bool:
    return len(subject) == ADDRESS_DIGITS
