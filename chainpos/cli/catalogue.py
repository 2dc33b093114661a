"""`chainpos till import-catalogue`, `find`, `price`: the shop's articles, without the counter's screen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from chainpos.cli.output import Json, end_progress, note, print_json, print_line, read_file, used_wrongly
from chainpos.cli.pace import Pace
from chainpos.errors import EXIT_REFUSED, UserFacingError

if TYPE_CHECKING:
    from chainpos.core.checkout.cart import Cart, CartTotals, Discount
    from chainpos.till.catalogue import Catalogue, Preview

Home = Annotated[Path, typer.Option("--home", help="The till's folder. Its counter must not be open.")]
_ITEM = re.compile(r"([^*@]{1,64})(?:\*([0-9]{1,4}(?:\.[0-9]{1,3})?))?(?:@([0-9.,]{1,24}))?", re.ASCII)
_PERCENT = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,4}))?%", re.ASCII)
_MAX_BYTES = 64_000_000


def import_catalogue(
    file: Annotated[Path, typer.Argument(help="A CSV file in UTF-8; sample_data/catalogues/ shows the columns.")],
    home: Home,
    preview: Annotated[bool, typer.Option("--preview", help="Say what would happen, and change nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Take a CSV file of articles into the shop's book: all of it, or nothing where a line is wrong."""
    content = read_file(file, _MAX_BYTES)
    with _opened(home) as catalogue:
        done = catalogue.preview(content) if preview else catalogue.take_in(content, Pace("article", "articles").tell)
    if not preview:
        end_progress()
    if as_json:
        print_json({"imported": not preview and not done.fault_count, **msgspec.to_builtins(done)})
    else:
        _say(done, preview=preview)
    if done.fault_count:
        for fault in [] if as_json else done.faults:
            note(f"line {fault.line}{', ' + fault.column if fault.column else ''}: {fault.what}")
        raise UserFacingError(
            f"{file.name} has {done.fault_count} wrong lines, and nothing was imported.",
            next_step="Correct them, then try again.",
            exit_code=EXIT_REFUSED,
        )


def find(
    text: Annotated[str, typer.Argument(help="Part of a name, pinyin initials, an article's number or bar code.")],
    home: Home,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200)] = 20,
    as_json: Json = False,
) -> None:
    """Find articles of the catalogue."""
    from chainpos.core.values.amount import Amount, format_amount

    with _opened(home) as catalogue:
        rows = catalogue.find(text, limit)
    if as_json:
        print_json([msgspec.to_builtins(row) for row in rows])
        return
    for row in rows:
        price = "open price" if row.open_price else format_amount(Amount(row.price_minor, row.currency))
        print_line(f"{row.sku}  {row.barcode or '-'}  {row.name_zh} {row.name_en}  {price}")
    if not rows:
        note("No article matches.")


def price(
    items: Annotated[list[str], typer.Argument(help="SKU or bar code, then *QUANTITY and @PRICE: PRO001*0.345")],
    home: Home,
    discount: Annotated[str, typer.Option("--discount", help="On the whole cart: 10% or an amount.")] = "",
    tip: Annotated[str, typer.Option("--tip", help="An amount, neither taxed nor discounted.")] = "",
    as_json: Json = False,
) -> None:
    """What a cart comes to, line by line, with its tax by rate. It sells nothing."""
    from chainpos.core.checkout.cart import CartError
    from chainpos.core.values.amount import AmountError, parse_amount

    with _opened(home) as catalogue:
        try:
            cart = catalogue.empty_cart()
            for item in items:
                cart = _added(catalogue, cart, item)
            if discount:
                cart = cart.with_discount(_discount(discount, cart.currency))
            if tip:
                cart = cart.with_tip(parse_amount(tip, cart.currency).minor)
            totals = cart.totals()
        except (CartError, AmountError) as error:
            raise used_wrongly(f"This cannot be sold: {error}.", "See chainpos till price --help.") from error
    if as_json:
        print_json({"lines": msgspec.to_builtins(cart.lines), "totals": msgspec.to_builtins(totals)})
    else:
        _list(cart, totals)


@contextmanager
def _opened(home: Path) -> Iterator[Catalogue]:
    from chainpos.store.shop import ShopBook
    from chainpos.till.catalogue import Catalogue
    from chainpos.till.home import TillHome

    paths = TillHome(home)
    settings = paths.settings()
    with ShopBook.open(paths.book_path) as book:
        yield Catalogue(book, settings.currency)


def _added(catalogue: Catalogue, cart: Cart, item: str) -> Cart:
    from chainpos.core.values.amount import parse_amount
    from chainpos.till.catalogue import line_of

    match = _ITEM.fullmatch(item)
    article = catalogue.scanned(match.group(1)) if match is not None else None
    if match is None or article is None:
        raise used_wrongly(f"There is no article {item[:80]!r}.", "Look for it: chainpos till find TEXT --home DIR")
    whole, _, part = (match.group(2) or "1").partition(".")
    keyed = None if match.group(3) is None else parse_amount(match.group(3), cart.currency).minor
    return cart.with_line(line_of(article, int(whole) * 1000 + int(part.ljust(3, "0")), keyed))


def _discount(text: str, currency: str) -> Discount:
    from chainpos.core.checkout.cart import Discount
    from chainpos.core.values.amount import parse_amount

    match = _PERCENT.fullmatch(text)
    if match is None:
        return Discount(minor=parse_amount(text, currency).minor)
    return Discount(ppm=int(match.group(1)) * 10_000 + int((match.group(2) or "").ljust(4, "0")))


def _list(cart: Cart, totals: CartTotals) -> None:
    from chainpos.core.values.amount import Amount, format_amount

    def money(minor: int) -> str:
        return format_amount(Amount(minor, cart.currency))

    for line, row in zip(cart.lines, totals.lines, strict=True):
        quantity = f"{line.quantity // 1000}.{line.quantity % 1000:03}".rstrip("0").rstrip(".")
        print_line(f"{quantity} x {line.name_zh} {line.name_en}  {money(row.due_minor)}")
    for tax in totals.taxes:
        how = "included" if tax.tax.included else "on top"
        rate = f"{tax.tax.rate_ppm // 10_000}.{tax.tax.rate_ppm % 10_000:04}".rstrip("0").rstrip(".")
        print_line(f"tax {rate} % {how}: {money(tax.tax_minor)} of {money(tax.due_minor)}")
    for label, amount in (("discount", totals.discount), ("tip", totals.tip)):
        if amount.minor:
            print_line(f"{label}: {format_amount(amount)}")
    print_line(f"TOTAL {format_amount(totals.charged)}")


def _say(done: Preview, *, preview: bool) -> None:
    if done.fault_count:
        return
    lead = "It would be" if preview else "Imported:"
    print_line(f"{lead} {done.added} new, {done.changed} changed, {done.unchanged} as before, {done.kept} kept.")
    for change in done.changes:
        print_line(f"  {change.sku} {change.name}: {change.before_minor} -> {change.after_minor}")
