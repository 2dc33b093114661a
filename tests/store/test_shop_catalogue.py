"""Articles in a real book: found by every part of their names, quickly; taken in whole or not at all."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from chainpos.errors import StoreError
from chainpos.store.shop import ShopBook
from chainpos.store.shop_catalogue import ArticleRow, ShopCatalogue
from tests.measured import target

MANY = 100_000


def article(sku: str, **changes: object) -> ArticleRow:
    row = ArticleRow(sku=sku, price_minor=450, currency="CNY", tax_rate_ppm=130_000)
    return msgspec.structs.replace(row, **changes)


BUN = article(
    "BAK002", barcode="2000000100142", name_en="Milk bun", name_zh="牛奶餐包", initials="nncb", pinyin="niunaicanbao"
)
ROSE = article("BAK004", name_en="Rose cake", name_zh="鲜花饼", initials="xhb", pinyin="xianhuabing", favourite=True)
MILK = article("DAI001", name_en="Fresh milk", name_zh="鲜牛奶", initials="xnn", pinyin="xianniunai")


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[ShopCatalogue]:
    with ShopBook.open(tmp_path / "shop.db") as book:
        made = ShopCatalogue(book)
        made.put([BUN, ROSE, MILK])
        yield made


@pytest.mark.parametrize(
    ("text", "skus"),
    [
        ("牛奶", ["BAK002", "DAI001"]),
        ("MILK", ["BAK002", "DAI001"]),
        ("ｍ", []),
        ("nncb", ["BAK002"]),
        ("xn", ["DAI001"]),
        ("xian", ["BAK004", "DAI001"]),
        ("2000000100142", ["BAK002"]),
        ("0142", ["BAK002"]),
        ("bak004", ["BAK004"]),
        ("milk xian", ["DAI001"]),
        ("fresh cake", []),
        ("", ["BAK004"]),
        ("   ", ["BAK004"]),
        ("\t", ["BAK004"]),
        ("%", []),
        ("_", []),
        ("'; DROP TABLE articles", []),
    ],
)
def test_an_article_is_found_by_any_part_of_what_it_is_called(
    catalogue: ShopCatalogue, text: str, skus: list[str]
) -> None:
    assert [row.sku for row in catalogue.find(text)] == skus


def test_what_begins_so_comes_before_what_only_contains_it(catalogue: ShopCatalogue) -> None:
    catalogue.put(
        [
            article("A", name_en="Almond milk", favourite=True),
            article("B", name_en="Milk"),
            article("C", name_en="Buttermilk"),
        ]
    )
    assert [row.sku for row in catalogue.find("milk")] == ["B", "BAK002", "A", "DAI001", "C"]
    assert len(catalogue.find("milk", limit=2)) == 2


def test_a_bar_code_and_a_number_name_one_article(catalogue: ShopCatalogue) -> None:
    assert catalogue.by_barcode("2000000100142") == BUN
    assert catalogue.by_sku("BAK004") == ROSE
    assert catalogue.by_barcode("") is None
    assert catalogue.by_barcode("BAK004") is None


def test_an_import_with_two_articles_of_one_bar_code_leaves_no_trace(catalogue: ShopCatalogue) -> None:
    before = catalogue.articles()
    with pytest.raises(StoreError):
        catalogue.put([article("NEW1"), article("NEW2", barcode=BUN.barcode)])
    assert catalogue.articles() == before


def test_bar_codes_can_change_places_and_articles_be_replaced_or_removed(catalogue: ShopCatalogue) -> None:
    swapped = [msgspec.structs.replace(BUN, barcode=""), msgspec.structs.replace(ROSE, barcode=BUN.barcode)]
    catalogue.put(swapped)
    found = catalogue.by_barcode(BUN.barcode)
    assert found is not None
    assert found.sku == "BAK004"
    assert len(catalogue.articles()) == 3
    catalogue.remove("BAK004")
    assert [row.sku for row in catalogue.find("xian")] == ["DAI001"]


def test_articles_survive_in_the_book(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    with ShopBook.open(path) as book:
        ShopCatalogue(book).put([BUN])
    with ShopBook.open(path) as book:
        assert ShopCatalogue(book).articles() == [BUN]


@pytest.mark.bench
def test_a_key_is_answered_within_50_ms_among_100_000_articles(tmp_path: Path) -> None:
    """p99 of what a cashier types, and of what is worst for the index: frequent parts that never meet."""
    chance = random.Random(5)
    syllables = ["niu", "nai", "mian", "bao", "cha", "hua", "shui", "guo", "rou", "yu"]
    rows = []
    for number in range(MANY):
        chosen = chance.choices(range(10), k=4)
        name = "".join("牛奶面包茶花水果肉鱼"[at] for at in chosen)
        rows.append(
            article(
                f"SKU{number:06}", barcode=f"X{number:011}", name_en=f"Item {number} of {chance.choice('abcdef')}",
                name_zh=name, initials="".join(syllables[at][0] for at in chosen),
                pinyin="".join(syllables[at] for at in chosen), favourite=number % 100 == 0,
            )
        )  # fmt: skip
    with ShopBook.open(tmp_path / "shop.db") as book:
        catalogue = ShopCatalogue(book)
        catalogue.put(rows)
        begun = time.perf_counter()
        catalogue.index()
        print(f"index of {MANY:,} in {time.perf_counter() - begun:.2f} s")
        texts = [
            "n",
            "nn",
            "nnmb",
            "牛",
            "牛奶茶花",
            "item",
            "item 99",
            "99999",
            "X00000099999",
            "zzz",
            "of a niu",
            "i z",
            "a f",
            "niunai b",
        ]
        took = []
        for text in texts * 10:
            begun = time.perf_counter()
            catalogue.find(text)
            took.append((time.perf_counter() - begun) * 1000)
        took.sort()
        median, p99 = took[len(took) // 2], took[len(took) * 99 // 100]
        print(f"find: median {median:.2f} ms, p99 {p99:.1f} ms, worst {took[-1]:.1f} ms")
        target(p99, 50, "ms at p99")
