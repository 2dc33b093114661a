"""`chainpos explain CODE`: what a rejection or an alarm means, whether money moved, what to tell and what to do."""

from __future__ import annotations

from typing import Annotated

import typer

from chainpos.cli.output import Json, print_json, print_line, used_wrongly


def explain(
    code: Annotated[str, typer.Argument(help="A code's number or name, as screens and logs show it; or: all")],
    language: Annotated[str, typer.Option("--language", help="en, zh, or both.")] = "both",
    as_json: Json = False,
) -> None:
    """Explain a rejection or an alarm."""
    import msgspec

    from chainpos.core.values.text import clean
    from chainpos.inspect.explain import all_pages
    from chainpos.inspect.explain import explain as page_of

    if language not in ("en", "zh", "both"):
        raise used_wrongly("Which language?", "Take en, zh or both.")
    if code == "all":
        pages = all_pages()
        if as_json:
            print_json([msgspec.to_builtins(page) for page in pages])
        for page in () if as_json else pages:
            print_line(f"{page.number or '':>5} {page.name:32} {page.what_zh if language == 'zh' else page.what_en}")
        return
    page_found = page_of(code)
    if page_found is None:
        raise used_wrongly(f"This version knows no code {clean(code)!r}.", "List them with: chainpos explain all")
    if as_json:
        print_json(msgspec.to_builtins(page_found))
        return
    page = page_found
    print_line(f"{page.number or page.kind} {page.name} ({page.room})")
    if language != "zh":
        _told(("What", page.what_en), ("Why", page.why_en), ("Did money move?", page.money_en),
              ("Tell the customer", page.tell_en), ("Do", page.do_en))  # fmt: skip
    if language != "en":
        _told(("情况", page.what_zh), ("原因", page.why_zh), ("资金是否变动", page.money_zh),
              ("告知顾客", page.tell_zh), ("处理", page.do_zh))  # fmt: skip
    for condition in page.asked:
        print_line(f"  {condition}")


def _told(*lines: tuple[str, str]) -> None:
    for head, text in lines:
        print_line(f"  {head}: {text}")
