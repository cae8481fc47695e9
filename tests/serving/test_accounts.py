"""Who may ask: registering, logging in, tokens, the web page's cookie."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest
from fastapi.testclient import TestClient

from serving.accounts import add_user, list_users, remove_user
from serving.auth import COOKIE, issue_token
from serving.login_limit import FREE_FAILURES, LoginLimit, TooManyAttempts
from tasks.errors import Conflict, NotFound
from tests.serving.conftest import NAME, PASSWORD, House, logged_in

CREDENTIALS = {"username": NAME, "password": PASSWORD}
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_only_the_first_account_can_be_registered(own: TestClient) -> None:
    body = {**CREDENTIALS, "confirmation": PASSWORD}
    assert own.post("/register", json={**body, "confirmation": "another one"}).status_code == 400
    assert own.post("/register", json={**body, "password": "short", "confirmation": "short"}).status_code == 400
    assert own.post("/register", json={**body, "username": " "}).status_code == 400
    assert own.post("/register", json=body).json()["username"] == NAME
    assert own.post("/register", json={**body, "username": "eve"}).status_code == 403


def test_login_gives_a_token_that_opens_the_library(own: TestClient, house: House) -> None:
    add_user(house.lake, NAME, PASSWORD)
    own.get("/healthz")
    token = own.post("/login", json=CREDENTIALS).json()["token"]
    assert own.get("/photos").status_code == 401
    assert own.get("/photos", headers=bearer(token)).status_code == 200
    claims = jwt.decode(token, options={"verify_signature": False})
    assert jwt.get_unverified_header(token)["alg"] == "HS256"
    assert claims["exp"] - claims["iat"] == 5 * 86_400


def test_a_name_is_the_same_in_any_case(own: TestClient, house: House) -> None:
    add_user(house.lake, "Ada", PASSWORD)
    own.get("/healthz")
    token = own.post("/login", json={"username": " aDA ", "password": PASSWORD}).json()["token"]
    assert own.get("/photos", headers=bearer(token)).status_code == 200


def test_wrong_password_and_unknown_name_get_the_same_answer(own: TestClient, house: House) -> None:
    add_user(house.lake, NAME, PASSWORD)
    own.get("/healthz")
    wrong = own.post("/login", json={**CREDENTIALS, "password": "wrong password"})
    unknown = own.post("/login", json={**CREDENTIALS, "username": "nobody"})
    assert (wrong.status_code, wrong.json()) == (unknown.status_code, unknown.json()) == (401, wrong.json())


@pytest.mark.parametrize(
    "path",
    ["/photos", "/photos/exif", "/photos/months", "/image?path=a", "/image/metadata?path=a", "/libraries", "/metrics",
     "/failures", "/thumb/1/aaaaaaaaaaaaaaaa.jpg", "/photos/1", "/no/such/route"],
)  # fmt: skip
def test_without_a_token_nothing_is_told(own: TestClient, path: str) -> None:
    answer = own.get(path)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert own.post("/image", files={"file": b""}).status_code == 401


@pytest.mark.parametrize("path", ["/", "/videos", "/healthz", "/docs", "/openapi.json", "/static/base.css", "/view/1"])
def test_the_shell_of_the_page_needs_no_token(own: TestClient, path: str) -> None:
    assert own.get(path).status_code == 200


def test_forged_expired_and_orphaned_tokens_are_refused(own: TestClient, house: House) -> None:
    logged_in(own)
    good = issue_token(house.settings, NAME)
    claims = {"sub": NAME, "iat": int(time.time()), "exp": int(time.time()) + 100}
    bad = [
        issue_token(house.settings, "nobody"),
        issue_token(house.settings, NAME, now=time.time() - 6 * 86_400),
        issue_token(house.settings, NAME, now=time.time() - 3 * 86_400),  # older than the account
        jwt.encode(claims, "another key, which is long enough", "HS256"),
        jwt.encode(claims, None, "none"),
        jwt.encode({"sub": NAME}, house.settings.signing_key, "HS256"),
        good[:-4],
        good + "x",
        "",
        "é",
    ]
    assert own.get("/photos", headers=bearer(good)).status_code == 200
    for token in bad:
        assert own.get("/photos", headers={"Authorization": f"Bearer {token}".encode()}).status_code == 401


def test_a_removed_users_token_stops_working_also_for_a_successor_of_that_name(own: TestClient, house: House) -> None:
    logged_in(own)
    assert own.get("/photos").status_code == 200
    remove_user(house.lake, NAME)
    own.get("/healthz")
    assert own.get("/photos").status_code == 401
    time.sleep(1.1)  # tokens know whole seconds
    add_user(house.lake, NAME, PASSWORD)
    own.get("/healthz")
    assert own.get("/photos").status_code == 401


def test_accounts_for_the_command_line(house: House) -> None:
    add_user(house.lake, "ada", PASSWORD)
    add_user(house.lake, "bob", PASSWORD)
    assert [row["name"] for row in list_users(house.lake)] == ["ada", "bob"]
    assert all("password_hash" not in row for row in list_users(house.lake))
    with pytest.raises(Conflict):
        add_user(house.lake, "ADA", PASSWORD)
    remove_user(house.lake, "bob")
    with pytest.raises(NotFound):
        remove_user(house.lake, "bob")


def test_passwords_are_kept_as_argon2id(house: House) -> None:
    add_user(house.lake, NAME, PASSWORD)
    (row,) = house.lake.select("select password_hash from account")
    assert row["password_hash"].startswith("$argon2id$")


def test_guessing_is_slowed_down_and_says_for_how_long(own: TestClient, house: House) -> None:
    add_user(house.lake, NAME, PASSWORD)
    own.get("/healthz")
    answers = [own.post("/login", json={**CREDENTIALS, "password": "wrong"}) for _ in range(FREE_FAILURES + 1)]
    assert [answer.status_code for answer in answers] == [401] * FREE_FAILURES + [429]
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert own.post("/login", json=CREDENTIALS).status_code == 429  # also the right password has to wait
    assert own.post("/login", json={**CREDENTIALS, "username": "somebody else"}).status_code == 401


def test_guesses_side_by_side_get_no_further_than_in_a_row(own: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.routers.accounts.password_is_right", lambda *_: time.sleep(0.3))
    with ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(lambda _: own.post("/login", json=CREDENTIALS).status_code, range(30)))
    assert (answers.count(401), answers.count(429)) == (FREE_FAILURES, 30 - FREE_FAILURES)


def test_success_forgets_earlier_failures() -> None:
    limit = LoginLimit()
    for _ in range(3 * FREE_FAILURES):
        for _ in range(FREE_FAILURES - 1):
            limit.attempt("10.0.0.1", NAME)
        limit.succeeded("10.0.0.1", NAME)


def test_one_address_may_not_try_name_after_name() -> None:
    limit = LoginLimit()
    with pytest.raises(TooManyAttempts):
        for number in range(100):
            limit.attempt("10.0.0.1", f"name {number}")
    limit.attempt("10.0.0.2", "name 1")


def test_the_pages_cookie_opens_reads_but_writes_must_come_from_the_page(own: TestClient, house: House) -> None:
    add_user(house.lake, NAME, PASSWORD)
    own.get("/healthz")
    assert own.post("/session", json=CREDENTIALS).status_code == 403
    answer = own.post("/session", json=CREDENTIALS, headers=SAME_ORIGIN)
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "token" not in answer.json()
    assert own.get("/photos").status_code == 200
    upload = {"file": ("a.jpg", b"not a photo")}
    assert own.post("/image", files=upload).status_code == 403
    assert own.post("/image", files=upload, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert own.post("/image", files=upload, headers={"Origin": "https://evil.example"}).status_code == 403
    assert own.post("/image", files=upload, headers=SAME_ORIGIN).status_code == 400
    assert own.post("/image", files=upload, headers={"Origin": "http://testserver"}).status_code == 400
    own.delete("/session", headers=SAME_ORIGIN)
    assert COOKIE not in own.cookies
    assert own.get("/photos").status_code == 401
