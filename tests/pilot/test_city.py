from __future__ import annotations

from pathlib import Path

import pytest

from chainpos.errors import UserFacingError
from chainpos.pilot.city import load_catalogue, load_city
from chainpos.pilot.resources import sample_data

CITY = load_city(sample_data())


def test_the_sample_city_has_three_cities_forty_merchants_and_four_hundred_customers() -> None:
    assert len({merchant.city for merchant in CITY.merchants}) == 3
    assert len(CITY.merchants) >= 40
    assert len(CITY.customers) >= 400
    assert len({merchant.category for merchant in CITY.merchants}) >= 15
    assert len({customer.tier for customer in CITY.customers}) >= 3


def test_every_name_in_the_sample_city_is_there_once_and_in_both_languages() -> None:
    for rows in (CITY.merchants, CITY.customers, CITY.institutions):
        assert len({row[0] for row in rows}) == len(rows)
        assert all(row.name_en.strip() for row in rows)
        assert all(any("\u4e00" <= letter <= "\u9fff" for letter in row.name_zh) for row in rows)


def test_every_merchant_banks_with_an_institution_and_every_customer_too() -> None:
    known = {institution.institution for institution in CITY.institutions}
    assert {merchant.acquirer for merchant in CITY.merchants} <= known
    assert {customer.institution for customer in CITY.customers} <= known


def check_digit(barcode: str) -> int:
    return -sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(barcode[:12])) % 10


@pytest.mark.parametrize("name", sorted({merchant.catalogue for merchant in CITY.merchants}))
def test_every_catalogue_has_priced_articles_with_true_in_store_bar_codes(name: str) -> None:
    articles = load_catalogue(sample_data(), name)
    assert articles
    for article in articles:
        assert article.price_minor > 0
        assert article.barcode.startswith("2")
        assert int(article.barcode[12]) == check_digit(article.barcode)
        assert 0 <= article.tax_rate_ppm < 1_000_000


def test_a_bad_row_is_refused_by_file_and_line(tmp_path: Path) -> None:
    folder = sample_data()
    for name in ("institutions.csv", "merchants.csv", "customers.csv"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    rows = (folder / "merchants.csv").read_text(encoding="utf-8").splitlines()
    rows[2] = rows[2].replace(",1,", ",one,")
    (tmp_path / "merchants.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    with pytest.raises(UserFacingError, match=r"merchants\.csv, line 3: 'one' is not a whole number"):
        load_city(tmp_path)
