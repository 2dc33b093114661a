"""What the commands that act for somebody share: whose key, on which network, and how the end of an act is told."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn, TypeVar

import typer

from chainpos.cli.output import Json, ask, note, print_json, print_line, used_wrongly
from chainpos.errors import EXIT_OK, EXIT_REFUSED, EXIT_UNREACHABLE

if TYPE_CHECKING:
    import msgspec

    from chainpos.core.values.amount import Amount
    from chainpos.wallet.keys import Key
    from chainpos.wallet.office import ActResult, Office

T = TypeVar("T")
NOTHING_MOVED: Final = "No money moved."
ROLES: Final = ("central_bank", "city", "operator", "regulator")
Home = Annotated[Path | None, typer.Option("--home", help="The folder of the key, made by `chainpos wallet new`.")]
PassphraseFile = Annotated[
    Path | None, typer.Option("--passphrase-file", help="A file whose first line is the passphrase.")
]
Demo = Annotated[
    str, typer.Option("--demo", help="Act in the running demo as a bank, shop or office, e.g. chaohubank, regulator.")
]
Currency = Annotated[str, typer.Option("--currency", help="ISO 4217 letters.")]


class Acting:
    """Who acts: `--home` with a passphrase, or a part in the running demo; and how it is told."""

    def __init__(
        self, home: Home = None, passphrase_file: PassphraseFile = None, demo: Demo = "", *, as_json: Json = False
    ) -> None:
        if (home is None) == (not demo):
            raise used_wrongly("Who acts was not said.", "Give --home DIR, or --demo NAME while a demo runs.")
        self._home = home
        self._passphrase_file = passphrase_file
        self._demo = demo
        self.as_json = as_json

    def run(self, work: Callable[[Office], Awaitable[T]]) -> T:
        """What `work` returns, its connections closed. Raises UserFacingError."""

        async def all_of_it() -> T:
            office = self._office()
            try:
                return await work(office)
            finally:
                await office.close()

        return asyncio.run(all_of_it())

    def act(
        self, kind: str, message: msgspec.Struct, done: str, *, moved: str = NOTHING_MOVED, **facts: Any
    ) -> NoReturn:
        """Sign and send a message, follow it to its end, and `tell` that. Raises UserFacingError."""
        self.tell(self.run(lambda office: office.act(kind, message)), done, moved=moved, **facts)

    def tell(self, result: ActResult, done: str, *, moved: str = NOTHING_MOVED, **facts: Any) -> NoReturn:
        """Tell how an act ended, `done` and `moved` where it did, and end the command with its exit code."""
        from chainpos.wallet.office import ActEnd

        if self.as_json:
            refusal = result.refusal
            print_json({
                "state": result.end.value, "height": result.height, "code": result.code,
                "name": refusal.name if refusal else "", "tx_hash": result.tx_hash.hex(), **facts,
            })  # fmt: skip
        elif result.end is ActEnd.DONE:
            print_line(f"{done} {moved} In verified block {result.height}.")
        elif result.end is ActEnd.UNKNOWN:
            print_line(
                "NOT KNOWN: it was sent, and no verified block was seen to have it. It can still come true for two "
                "minutes; look before you send it again."
            )
        else:
            print_line(refused_words(result))
        raise SystemExit({ActEnd.DONE: EXIT_OK, ActEnd.UNKNOWN: EXIT_UNREACHABLE}.get(result.end, EXIT_REFUSED))

    def node(self) -> str:
        """The node to read from, HOST:PORT."""
        from chainpos.wallet.home import WalletHome

        return WalletHome(self._folder).settings().nodes[0]

    @functools.cached_property
    def _folder(self) -> Path:
        from chainpos.pilot.running import running_demos

        if self._home is not None:
            return self._home
        demos = running_demos()
        if not demos:
            raise used_wrongly("No demo is running on this machine.", "Start one with `chainpos demo`, or give --home.")
        if len(demos) > 1:
            note(f"{len(demos)} demos are running: this is the one that was started last, in {demos[0].folder}.")
        return demos[0].wallet

    def _office(self) -> Office:
        from chainpos.node.clock import SystemClock
        from chainpos.wallet.home import WalletHome
        from chainpos.wallet.network import Network
        from chainpos.wallet.office import Office

        home = WalletHome(self._folder)
        if self._home is not None:
            home.settings()  # before a passphrase is asked for: a folder without a key needs none
            return Office.open(home, SystemClock(), passphrase_of(self._home, self._passphrase_file))
        network = Network(home.genesis(), home.settings().nodes, SystemClock())
        return Office(network, demo_part(self._demo))


def acts(command: Callable[..., None]) -> Callable[..., None]:
    """A command of somebody who acts: its first parameter is an Acting, made of the options they all have.

    Typer reads a command's options off its signature, so that is where the Acting's own stand.
    """
    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    who = inspect.signature(Acting, eval_str=True).parameters

    @functools.wraps(command)
    def taken(**given: Any) -> None:
        acting = Acting(**{name: given.pop(name) for name in who})
        command(acting, **given)

    taken.__signature__ = inspect.Signature([*own, *who.values()])  # type: ignore[attr-defined]
    return taken


def demo_part(name: str) -> Key:
    """The demo key of a role, an institution (small letters) or a shop's owner (capitals)."""
    from chainpos.wallet.keys import demo_key

    if name in ROLES:
        return demo_key(f"role/{name}")
    return demo_key(f"merchant/{name}" if name.isupper() else f"institution/{name}")


def passphrase_of(folder: Path, file: Path | None) -> str:
    """The passphrase of a key's folder, out of a file or from the terminal. Raises UserFacingError."""
    if file is None:
        return ask(f"Passphrase of the key in {folder}:", secret=True)
    try:
        return file.read_text(encoding="utf-8").splitlines()[0]
    except (OSError, IndexError, UnicodeDecodeError) as error:
        raise used_wrongly(f"No passphrase could be read from {file}.", "Check the file.") from error


def refused_words(result: ActResult) -> str:
    """A refusal in words: by which code, that no money moved, what to do next."""
    refusal = result.refusal
    why = f"{refusal.what_en} No money moved. {refusal.next_en}" if refusal else "No money moved."
    where = f"in block {result.height}" if result.height else "by the node, before any block"
    return f"REFUSED {where} (code {result.code}). {why}"


def amount_of(text: str, currency: str) -> Amount:
    """The amount that was written. Raises UserFacingError."""
    from chainpos.core.values.amount import parse_amount

    try:
        return parse_amount(text, currency)
    except ValueError as error:
        raise used_wrongly(f"{text!r} is not an amount: {error}.", "Write it like 50.00.") from error


def key_of(text: str, *, size: int = 32) -> bytes:
    """A key or an address in hexadecimal. Raises UserFacingError."""
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != size:
        raise used_wrongly(f"{text!r} is not {2 * size} hexadecimal digits.", "Copy it as it was shown.")
    return found
