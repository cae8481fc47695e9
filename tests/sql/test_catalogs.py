"""What is shown of a catalog's address: never its password, whatever is in it."""

from __future__ import annotations

import pytest

from deployments.cli.masking import HIDDEN, mask_url
from sql.catalogs import catalog_of, without_password

PASSWORDS = ["simple", "p@ss", "@@", "a/b", "a:b@c", "a?b#c", "p%40ss", "üñ@1", "x@host/y@z", "p//q", "'\\"]


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("user", ["ada", "", "ada@example.org"])
def test_password_of_an_address_is_never_shown(user: str, password: str) -> None:
    url = f"postgresql://{user}:{password}@db.example.org:5432/lake"
    for shown in (without_password(url), without_password(f"cannot reach {url}: timeout"), mask_url(url)):
        assert shown.replace(f"{user}:{HIDDEN}@", f"{user}@").count("postgresql://") == 1
        assert f":{password}@" not in shown
        assert f"{user}" in shown
        assert "@db.example.org:5432/lake" in shown
    assert without_password(url) == f"postgresql://{user}@db.example.org:5432/lake"
    assert mask_url(url) == f"postgresql://{user}:{HIDDEN}@db.example.org:5432/lake"


def test_password_with_a_blank_in_it_is_not_shown_either() -> None:
    url = "postgresql://ada:two words@db/lake"
    assert catalog_of(url, "/data").display_name == "postgresql://ada@db/lake"
    assert "words" not in mask_url(url)


@pytest.mark.parametrize("url", ["postgresql://db/lake?user=ada&password=s3cret&sslmode=require",
                                 "postgresql://db/lake?sslpassword=s3cret"])  # fmt: skip
def test_password_given_as_a_parameter_is_not_shown(url: str) -> None:
    for shown in (without_password(url), mask_url(url)):
        assert "s3cret" not in shown
        assert "sslmode" in shown or "sslmode" not in url


@pytest.mark.parametrize("url", ["postgresql://db:5432/lake", "postgresql://ada@db:5432/lake", "http://[::1]:80/x",
                                 "sqlite:////home/ada/a@b.sqlite", "/plain/path"])  # fmt: skip
def test_address_without_a_password_is_shown_as_it_is(url: str) -> None:
    assert (without_password(url), mask_url(url)) == (url, url)
