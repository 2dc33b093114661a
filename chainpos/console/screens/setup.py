"""Setting a till up: one step at a time, each with what it asks, what was found, and the key that goes on.

It refuses to take a network or a shop that nobody looked at: finding is one key, taking another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import ClassVar, Final, Protocol

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widget import Widget
from textual.widgets import Input
from textual.worker import Worker

from chainpos.console.keymap import key
from chainpos.console.language import Texts
from chainpos.console.phrases import Tone
from chainpos.console.screens.frame import Frame
from chainpos.console.widgets.facts import Fact, Facts
from chainpos.console.widgets.field import Field
from chainpos.console.widgets.notice import Told
from chainpos.console.widgets.qr_picture import QrPicture
from chainpos.console.widgets.words import Words
from chainpos.core.values.amount import Amount, format_amount
from chainpos.till.catalogue import Preview
from chainpos.till.doctor import Finding
from chainpos.till.own_node import CatchingUp
from chainpos.till.setup import MAY_WAIT, Enrolment, NetworkFound, ShopFound, ShopSetup, Step

LOOK_EVERY_S: Final = 2.0
CURRENCY: Final = "CNY"
# How the console ends where the counter can be opened.
READY: Final = 100
# By step: its fields, and what stands in them at first. A field named with "secret" is not shown.
FIELDS: Final[dict[Step, tuple[tuple[str, str], ...]]] = {
    Step.NETWORK: (("node", ""),),
    Step.SHOP: (("merchant", ""),),
    Step.KEY: (("key_file", ""),),
    Step.ENROL: (("owner", ""), ("secret", ""), ("label", "till 1"), ("largest", "5000.00"), ("refunds", "2000.00")),
    Step.ARTICLES: (("file", ""),),
    Step.PIN: (("secret_pin", ""), ("secret_again", "")),
    Step.PRINTER: (("printer", ""),),
    Step.DONE: (),
}
NUMBERED: Final = tuple(step for step in Step if step is not Step.DONE)
_TONES: Final[dict[str, Tone]] = {"look": "warn", "bad": "bad"}
Found = NetworkFound | ShopFound | Preview | None


class Machine(Protocol):
    """What the screen asks of the console around it beside the usual."""

    setup: ShopSetup

    def keep(self, **changes: object) -> None:
        """Change the person's settings and save them."""

    async def examine(self) -> list[Finding]:
        """What is wrong with this machine as a till."""


class Body(VerticalScroll, inherit_bindings=False):
    """Scrolls by itself to the field that is typed in; the arrows are the fields'."""


class SetupScreen(Frame):
    """Its step is the setup's own: where that goes on, the screen follows."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("ctrl+y", "take", "setup.take", priority=True),
        key("ctrl+l", "later", "setup.later", priority=True),
        key("f7", "sound", "setup.sound"),
        key("down", "app.focus_next", "dialog.next_field", show=False),
        key("up", "app.focus_previous", "dialog.previous_field", show=False),
    ]

    def __init__(self, machine: Machine) -> None:
        super().__init__()
        self.machine = machine
        self.step = Step.NETWORK
        self.shown: Step | None = None
        self.following = asyncio.Lock()
        # The step that is being worked on, and the field whose Enter waits for the end of that.
        self._doing: Step | None = None
        self._entered: Input | None = None
        self.found: Found = None
        self.findings: list[Finding] = []

    def content(self) -> Iterable[Widget]:
        """A heading, what was found, and the step's own fields below."""
        yield Words(id="setup-title", classes="dialog-title")
        with Body(id="setup-body", can_focus=False):
            yield Words(id="setup-text", classes="dialog-text")
            yield Facts(id="setup-facts")
            yield Vertical(id="setup-fields")
            yield Words(id="setup-hint", classes="dialog-text")
            yield QrPicture(id="setup-qr")

    def on_mount(self) -> None:
        """Begin where it was left."""
        super().on_mount()
        self.set_interval(LOOK_EVERY_S, self._watch_enrolment)
        self.change(self.follow, "setup")

    # -- which step

    async def follow(self) -> None:
        """Show the step that is due now: the ledger and the person may both have brought it on."""
        async with self.following:
            self.step = await asyncio.to_thread(self.machine.setup.step)
            if self.step is not self.shown:
                await self._show()

    async def _show(self) -> None:
        self.shown, self.found = self.step, None
        fields = self.query_one("#setup-fields", Vertical)
        await fields.remove_children()
        await fields.mount(*self._fields())
        inputs = list(fields.query(Input))
        if inputs:
            inputs[0].focus()
        self.retitle()
        if self.step is Step.ENROL:
            self._show_enrolment(await self.machine.setup.enrolment())
        elif self.step is Step.DONE:
            self.findings = await self.machine.examine()
            self.retitle()

    def _fields(self) -> ComposeResult:
        texts = self.console_app.texts
        for name, value in FIELDS[self.step]:
            yield Field(
                value, label=texts(f"setup.field.{name}"), id=f"setup-{name}", password=name.startswith("secret"),
                max_length=400, select_on_focus=True,
            )  # fmt: skip

    def retranslate(self) -> None:
        """Also the words that this screen put into its widgets."""
        super().retranslate()
        self.retitle()
        texts = self.console_app.texts
        for name, _ in FIELDS[self.step]:
            for field in self.query(f"#setup-{name}").results(Field):
                field.label = texts(f"setup.field.{name}")

    def retitle(self) -> None:
        """All the words of the step as it is now."""
        texts = self.console_app.texts
        title = texts(f"setup.{self.step}.title")
        if self.step is not Step.DONE:
            place = texts("setup.place", number=NUMBERED.index(self.step) + 1, of=len(NUMBERED))
            title = f"{place}  {title}"
        self.query_one("#setup-title", Words).text = title
        self.query_one("#setup-text", Words).text = texts(f"setup.{self.step}.text")
        facts = self.query_one("#setup-facts", Facts)
        facts.facts = self._facts()
        facts.display = bool(facts.facts)
        hint = f"setup.hint.{self.step}"
        if self.found is not None:
            hint = "setup.hint.take" if _may_be_taken(self.found) else f"setup.hint.not_{self.step}"
        self.query_one("#setup-hint", Words).text = texts(hint)
        self.query_one("#setup-qr", QrPicture).display = self.step is Step.ENROL
        self.refresh_bindings()

    def _facts(self) -> tuple[Fact, ...]:
        texts, found = self.console_app.texts, self.found
        if isinstance(found, NetworkFound):
            kind = texts("setup.demo_network") if found.demo else texts("setup.real_network")
            return (
                Fact("setup.fact.chain", f"{found.chain_id} · {kind}", "accent"),
                Fact("setup.fact.fingerprint", found.fingerprint, "warn"),
                Fact("setup.fact.height", f"{found.height:,}"),
                Fact("setup.fact.validators", str(found.validators)),
            )
        if isinstance(found, ShopFound):
            name = texts.either(found.name_en, found.name_zh)
            state = texts("setup.shop_open") if found.is_open else texts("setup.shop_closed")
            return (
                Fact("setup.fact.shop", f"{name} · {found.city}", "accent"),
                Fact("setup.fact.state", state, "good" if found.is_open else "bad"),
                Fact("setup.fact.height", f"{found.height:,}"),
            )
        if isinstance(found, Preview):
            return _of_preview(texts, found)
        return _of_findings(texts, self.findings) if self.step is Step.DONE else ()

    # -- what was typed

    def _typed(self, name: str) -> str:
        return self.query_one(f"#setup-{name}", Input).value.strip()

    def _path(self, name: str) -> Path:
        return Path(self._typed(name)).expanduser()

    @on(Input.Submitted)
    def entered(self, message: Input.Submitted) -> None:
        """Enter goes to the next field; in the last one it looks, or does what can be undone."""
        fields = list(self.query_one("#setup-fields").query(Input))
        if message.input is not fields[-1]:
            self.focus_next()
            return
        self._go_on(message.input)

    def _go_on(self, field: Input) -> None:
        self.told(Told(self.console_app.texts("setup.working"), good=True))
        if not self.changing("setup"):
            self._doing = self.step
            self.change(self._look, "setup")
        elif self._doing is not self.step:
            # A quick hand: what brought this step has not quite ended.
            self._entered = field

    @on(Worker.StateChanged)
    def go_on_now(self, message: Worker.StateChanged) -> None:
        """The Enter that waited, unless its step is gone."""
        if message.worker.group == "setup" and not self.changing("setup"):
            field, self._entered = self._entered, None
            if field is not None and field.is_attached:
                self._go_on(field)

    @on(Input.Changed)
    def retyped(self) -> None:
        """What was found belongs to what stood there before: it cannot be taken any more."""
        if self.found is not None:
            self.found = None
            self.retitle()

    async def _look(self) -> None:
        setup, step = self.machine.setup, self.step
        if step is Step.NETWORK:
            self.found = await setup.find_network(next(iter(self._addresses()), ""))
        elif step is Step.SHOP:
            self.found = await self._find_shop()
        elif step is Step.ARTICLES:
            self.found = await asyncio.to_thread(setup.preview_articles, self._path("file"))
        else:
            await self._do()
            return
        self.told(None)
        self.retitle()

    async def _find_shop(self) -> ShopFound:
        """Asks again while the shop's own node catches up, of what then stands in the field, and says how far it is."""
        while True:
            try:
                return await self.machine.setup.find_shop(self._typed("merchant").upper())
            except CatchingUp as error:
                how_far = self.console_app.texts(
                    "setup.catching_up", height=f"{error.height:,}", target=f"{error.target:,}"
                )
                self.told(Told(how_far, good=True))
            await asyncio.sleep(LOOK_EVERY_S)

    async def _do(self) -> None:
        setup, step = self.machine.setup, self.step
        if step is Step.KEY:
            if self._typed("key_file"):
                setup.import_key(self._path("key_file"))
            else:
                setup.make_key()
        elif step is Step.ENROL:
            owner = self._path("owner")
            words = [self._typed(name) for name in ("secret", "label", "largest", "refunds")]
            secret = self.query_one("#setup-secret", Input)
            secret.value = ""
            secret.focus()
            await setup.enrol(owner, words[0], words[1], words[2], words[3])
        elif step is Step.PIN:
            pins = [self._typed(name) for name in ("secret_pin", "secret_again")]
            for name in ("secret_again", "secret_pin"):
                self.query_one(f"#setup-{name}", Input).value = ""
            self.query_one("#setup-secret_pin", Input).focus()
            await asyncio.to_thread(setup.choose_pin, *pins)
        elif step is Step.PRINTER:
            await asyncio.to_thread(setup.try_printer, self._typed("printer"))
        self.told(None)
        await self.follow()

    def _addresses(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._typed("node").replace(",", " ").split()))

    # -- actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What was found can be taken; what can wait can be put off."""
        if action == "take":
            return self.step is Step.DONE or (self.found is not None and _may_be_taken(self.found))
        if action == "later":
            return self.step in MAY_WAIT
        return super().check_action(action, parameters)

    def action_take(self) -> None:
        """This is the network, the shop, the catalogue; or, at the end, to the counter."""
        if self.step is Step.DONE:
            self.app.exit(READY)
            return
        self.told(None)
        self.change(self._take, "setup")

    async def _take(self) -> None:
        setup, found = self.machine.setup, self.found
        if isinstance(found, NetworkFound):
            nodes = self._addresses()
            await asyncio.to_thread(setup.accept_network, found, nodes)
            self.told(Told(self.console_app.texts("setup.node_starting"), good=True))
            await setup.start_node()
            self.told(None)
        elif isinstance(found, ShopFound):
            setup.accept_shop(found, CURRENCY)
        elif isinstance(found, Preview):
            path = self._path("file")
            done = await asyncio.to_thread(setup.import_articles, path, self._progress())
            self.told(Told(self.console_app.texts("setup.imported", count=done.added + done.changed), good=True))
        await self.follow()

    def _progress(self) -> Callable[[int, int], None]:
        def tell(done: int, of: int) -> None:
            text = self.console_app.texts("setup.importing", done=f"{done:,}", of=f"{of:,}")
            self.app.call_from_thread(self.told, Told(text, good=True))

        return tell

    def action_later(self) -> None:
        """Go on without this step."""
        self.told(None)
        self.change(self._put_off, "setup")

    async def _put_off(self) -> None:
        self.machine.setup.put_off(self.step)
        await self.follow()

    def action_sound(self) -> None:
        """The bell on or off, and once as a trial."""
        around = self.console_app
        on_now = not around.settings.sound
        self.machine.keep(sound=on_now)
        if on_now:
            self.app.bell()
        self.show_silence()
        self.told(Told(around.texts("setup.sound_on" if on_now else "setup.sound_off"), good=True))

    # -- waiting for the owner

    def _watch_enrolment(self) -> None:
        if self.step is Step.ENROL:
            self.read(self._enrolment, "enrolment")

    async def _enrolment(self) -> None:
        enrolment = await self.machine.setup.enrolment()
        if enrolment.is_added:
            self.told(Told(self.console_app.texts("setup.enrolled"), good=True))
            await self.follow()
        else:
            self._show_enrolment(enrolment)

    def _show_enrolment(self, enrolment: Enrolment) -> None:
        self.query_one("#setup-qr", QrPicture).qr = enrolment.qr
        facts = self.query_one("#setup-facts", Facts)
        facts.facts = (Fact("setup.fact.key", enrolment.key, "accent"),)
        facts.display = True


def _of_findings(texts: Texts, findings: list[Finding]) -> tuple[Fact, ...]:
    """What needs somebody's hand, the worst first; what is well in one line."""
    ill = sorted((each for each in findings if each.verdict != "good"), key=lambda each: each.verdict)
    facts = [
        Fact(
            "setup.fact.check",
            f"{texts.told(each.name)}: {texts.told(each.found)} {texts.told(each.mend)}",
            _TONES[each.verdict],
        )
        for each in ill
    ]
    well = ", ".join(dict.fromkeys(texts.told(each.name) for each in findings if each.verdict == "good"))
    return (*facts, Fact("setup.fact.well", well, "good")) if well else tuple(facts)


def _may_be_taken(found: NetworkFound | ShopFound | Preview) -> bool:
    if isinstance(found, ShopFound):
        return found.is_open
    return not found.fault_count if isinstance(found, Preview) else True


def _of_preview(texts: Texts, preview: Preview) -> tuple[Fact, ...]:
    counts = (("added", preview.added), ("changed", preview.changed), ("kept", preview.kept))
    facts = [Fact(f"setup.fact.{name}", f"{count:,}") for name, count in counts]
    for change in preview.changes[:5]:
        before, after = (format_amount(Amount(minor, CURRENCY)) for minor in (change.before_minor, change.after_minor))
        facts.append(Fact("setup.fact.change", f"{change.name}: {before} → {after}"))
    for fault in preview.faults:
        where = f"{fault.line}, {fault.column}" if fault.column else f"{fault.line}"
        facts.append(Fact("setup.fact.fault", f"{where}: {texts.told(fault.what)}", "bad"))
    return tuple(facts)
