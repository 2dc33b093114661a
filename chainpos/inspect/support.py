"""What support's screens ask: one chain, looked into from a thread of its own, so that no question holds up a key.

It refuses to write anything but a case file, and two questions at once: the next one waits for the one before it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec

from chainpos.core.chain.genesis import load_genesis
from chainpos.core.contracts.network import utc_offset_in
from chainpos.core.values.hashes import sha256
from chainpos.core.values.text import clean
from chainpos.errors import EXIT_UNREACHABLE, EXIT_USAGE, MalformedBytes, StoreError, UserFacingError
from chainpos.inspect.case_file import make_case
from chainpos.inspect.case_open import Opened, open_case
from chainpos.inspect.changeable import Changeable, changeable
from chainpos.inspect.changing import Change
from chainpos.inspect.explain import Page, explain
from chainpos.inspect.lookups import Card, Lookups
from chainpos.inspect.offices import OfficesView, read_offices
from chainpos.inspect.remote import open_node
from chainpos.inspect.search import MAX_HITS, Answer, Search
from chainpos.inspect.source import ChainSource, Progress, Span, open_home, open_recorded
from chainpos.inspect.steps import Trace
from chainpos.inspect.timeline import Timeline, timeline
from chainpos.inspect.trace import trace_transaction
from chainpos.inspect.what_if import Comparison, compare, what_if
from chainpos.store.durable import write_durably
from chainpos.store.shop_reading import BookReader

T = TypeVar("T")
Opening = Callable[[Progress], AbstractContextManager[ChainSource]]


class Thing(msgspec.Struct, frozen=True):
    """Something that there is to look at, by its kind and name; `height` and `index` of a transaction."""

    kind: str
    name: str
    height: int = 0
    index: int = -1


class Written(msgspec.Struct, frozen=True):
    """A case file that was written."""

    path: Path
    bytes: int
    sha256: str


class SupportDesk:
    """Looks into one chain. `name` is what the chain is called on a screen, `book` a shop's own book beside it.

    `reached` is the height that a recorded chain has been verified to, while it is; `utc_offset_s` how far east of UTC
    the network's clock is, once that is known.
    """

    def __init__(self, opening: Opening | None, name: str, *, book: Path | None = None, genesis: bytes = b"") -> None:
        self.name = name
        self.reached = 0
        self.utc_offset_s = utc_offset_of(genesis) if genesis else None
        self._opening, self._book_path, self._genesis = opening, book, genesis
        self._stack = ExitStack()
        self._source: ChainSource | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="support")

    @property
    def has_chain(self) -> bool:
        """Whether there is more to look into than a case file."""
        return self._opening is not None

    # -- questions; each raises UserFacingError

    async def span(self) -> Span:
        """The heights that there are."""
        return await self._ask(lambda source: source.span())

    async def offices(self) -> OfficesView:
        """What governance, regulator and banks have in hand."""
        return await self._ask(read_offices)

    async def search(self, text: str, limit: int = MAX_HITS) -> Answer:
        """What the words mean."""
        return await self._ask(lambda source: Search(source, self._book(), limit).find(text))

    async def card(self, thing: Thing, at: int = 0) -> Card | None:
        """One thing whole, as of a height (0: the tip)."""
        return await self._ask(partial(_card_of, thing, at))

    async def timeline(self, word: str) -> Timeline:
        """What became of a payment."""
        return await self._ask(lambda source: timeline(source, word, self._book()))

    async def trace(self, height: int, index: int) -> Trace:
        """A transaction again, step by step."""
        return await self._ask(lambda source: trace_transaction(source, height, index))

    async def changeable(self, trace: Trace) -> tuple[Changeable, ...]:
        """What of a run could be changed for a what-if."""
        return await self._ask(lambda source: changeable(source, trace))

    async def what_if(self, real: Trace, changes: Sequence[Change]) -> tuple[Trace, Comparison]:
        """A transaction again with changes, and where that run parts from the real one."""

        def imagine(source: ChainSource) -> tuple[Trace, Comparison]:
            imagined = what_if(source, real.height, real.index, changes)
            return imagined, compare(real, imagined)

        return await self._ask(imagine)

    async def write_case(self, word: str, path: Path) -> Written:
        """Make a payment's case file. Never over another file."""
        packed = await self._ask(lambda source: make_case(source, word, book=self._book()))

        def write() -> Written:
            try:
                if path.exists() and path.read_bytes() != packed:
                    raise UserFacingError(
                        f"There is a file {path} already.", next_step="Choose another name.", money_moved=""
                    )
                write_durably(path, packed)
            except OSError as error:
                raise UserFacingError(
                    f"The case file cannot be written: {error.strerror}.",
                    next_step="Choose another place.",
                    money_moved="",
                ) from error
            return Written(path, len(packed), sha256(packed).hex())

        return await self._in_thread(write, reads=False)

    async def open_case(self, path: Path) -> Opened:
        """Verify a case file, knowing only this chain's genesis."""

        def opened() -> Opened:
            try:
                packed = path.read_bytes()
            except OSError as error:
                raise UserFacingError(
                    f"The case file {path} cannot be read: {error.strerror}.",
                    next_step="Check the path.",
                    money_moved="",
                ) from error
            return open_case(packed, self._genesis or self._opened().genesis_json())

        return await self._in_thread(opened)

    async def explain(self, code: str) -> Page | None:
        """A code's page, by number or name. The first one reads the rules' source, which takes a moment."""
        return await self._in_thread(lambda: explain(code))

    async def close(self) -> None:
        """Let go of the chain."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._stack.close)
        self._thread.shutdown(wait=False, cancel_futures=True)

    # -- in the thread

    async def _ask(self, question: Callable[[ChainSource], T]) -> T:
        return await self._in_thread(lambda: question(self._opened()))

    async def _in_thread(self, work: Callable[[], T], *, reads: bool = True) -> T:
        answer = self._worked_out if reads else self._answer
        return await asyncio.get_running_loop().run_in_executor(self._thread, answer, work)

    def _worked_out(self, work: Callable[[], T]) -> T:
        try:
            return self._answer(work)
        except UserFacingError:
            raise
        except Exception as error:
            # Our own fault in answering must not end a till that only asked.
            raise UserFacingError(
                f"This could not be worked out ({type(error).__qualname__}); nothing was changed.",
                next_step="Ask in another way. If it comes again, tell whoever maintains this program what was asked.",
                money_moved="",
            ) from error

    def _answer(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except StoreError as error:
            raise UserFacingError(
                f"The chain could not be asked that: {clean(str(error))}.",
                next_step="Narrow the question, or run chainpos verify.",
                money_moved="",
            ) from error
        except UserFacingError as error:
            if error.exit_code == EXIT_UNREACHABLE:
                # A node that went away may be there again for the next question.
                self._stack.close()
                self._source = None
            raise

    def _opened(self) -> ChainSource:
        if self._source is None:
            if self._opening is None:
                raise UserFacingError(
                    "There is no chain here, only a case file.",
                    next_step="Name a node's folder with --home, or a node with --node.",
                    money_moved="",
                    exit_code=EXIT_USAGE,
                )
            source = self._stack.enter_context(self._opening(self._reach))
            self.utc_offset_s = Lookups(source).utc_offset_s()
            self._source = source
        return self._source

    def _reach(self, height: int, _: int) -> None:
        self.reached = height

    def _book(self) -> BookReader | None:
        return None if self._book_path is None else BookReader(self._book_path)


def home_desk(folder: Path, *, book: Path | None = None) -> SupportDesk:
    """The desk of a node's own folder; the node may be running."""
    return SupportDesk(lambda _: open_home(folder), str(folder), book=book)


def node_desk(address: str, *, book: Path | None = None) -> SupportDesk:
    """The desk of a running node, HOST:PORT."""
    return SupportDesk(lambda _: open_node(address), address, book=book)


def recorded_desk(file: Path, *, book: Path | None = None) -> SupportDesk:
    """The desk of a recorded chain, which is verified first."""
    return SupportDesk(lambda progress: open_recorded(file, progress=progress), file.name, book=book)


def genesis_desk(genesis_json: bytes, name: str) -> SupportDesk:
    """A desk that knows a genesis and no chain: it can open case files."""
    return SupportDesk(None, name, genesis=genesis_json)


def utc_offset_of(genesis_json: bytes) -> int | None:
    """How far east of UTC the clock of a genesis document's network is; None where it is no such document."""
    try:
        return utc_offset_in(load_genesis(genesis_json).app_state)
    except MalformedBytes:
        return None


def _card_of(thing: Thing, at: int, source: ChainSource) -> Card | None:
    lookups = Lookups.as_of(source, at)
    if thing.kind == "transaction":
        where = (thing.height, thing.index) if thing.index >= 0 else source.transaction(bytes.fromhex(thing.name))
        return None if where is None else lookups.transaction_card(*where)
    return lookups.named(thing.kind, thing.name)
