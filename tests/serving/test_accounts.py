"""Who may ask: registering, logging in, tokens, the web page's cookie."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jwt
import pytest
from fastapi.testclient import TestClient

from serving.auth.accounts import InvalidAccount, add_user, end_all_tokens, list_users, remove_user, set_role
from serving.auth.api_keys import add_key
from serving.auth.login_limit import FREE_FAILURES, LoginLimit, TooManyAttempts
from serving.auth.tokens import COOKIE, issue_token
from sql.lake import Lake, utc_now, wanted_migrations
from tasks.errors import Conflict, NotFound
from tests.serving.conftest import NAME, PASSWORD, Installation, logged_in
from tests.waiting import wait_until

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


def test_login_gives_a_token_that_opens_the_library(own: TestClient, installation: Installation) -> None:
    add_user(installation.lake, NAME, PASSWORD)
    own.get("/healthz")
    token = own.post("/login", json=CREDENTIALS).json()["token"]
    assert own.get("/photos").status_code == 401
    assert own.get("/photos", headers=bearer(token)).status_code == 200
    claims = jwt.decode(token, options={"verify_signature": False})
    assert jwt.get_unverified_header(token)["alg"] == "HS256"
    assert claims["exp"] - claims["iat"] == 5 * 86_400


def test_a_name_is_the_same_in_any_case(own: TestClient, installation: Installation) -> None:
    add_user(installation.lake, "Ada", PASSWORD)
    own.get("/healthz")
    token = own.post("/login", json={"username": " aDA ", "password": PASSWORD}).json()["token"]
    assert own.get("/photos", headers=bearer(token)).status_code == 200


def test_wrong_password_and_unknown_name_get_the_same_answer(own: TestClient, installation: Installation) -> None:
    add_user(installation.lake, NAME, PASSWORD)
    own.get("/healthz")
    wrong = own.post("/login", json={**CREDENTIALS, "password": "wrong password"})
    unknown = own.post("/login", json={**CREDENTIALS, "username": "nobody"})
    assert (wrong.status_code, wrong.json()) == (unknown.status_code, unknown.json()) == (401, wrong.json())


@pytest.mark.parametrize(
    "path",
    ["/photos", "/photos/exif", "/photos/months", "/image?path=a", "/image/metadata?path=a", "/libraries", "/metrics",
     "/failures", "/thumb/1/aaaaaaaaaaaaaaaa.jpg", "/photos/1", "/no/such/route"],
)  # fmt: skip
def test_without_a_token_nothing_is_told(unchanged: TestClient, path: str) -> None:
    answer = unchanged.get(path)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert unchanged.post("/image", files={"file": b""}).status_code == 401


@pytest.mark.parametrize("path", ["/", "/videos", "/healthz", "/docs", "/openapi.json", "/static/base.css", "/view/1"])
def test_the_shell_of_the_page_needs_no_token(unchanged: TestClient, path: str) -> None:
    assert unchanged.get(path).status_code == 200


def test_forged_expired_and_orphaned_tokens_are_refused(own: TestClient, installation: Installation) -> None:
    logged_in(own)
    good = issue_token(installation.settings, NAME)
    claims = {"sub": NAME, "iat": int(time.time()), "exp": int(time.time()) + 100}
    bad = [
        issue_token(installation.settings, "nobody"),
        issue_token(installation.settings, NAME, now=time.time() - 6 * 86_400),
        issue_token(installation.settings, NAME, now=time.time() - 3 * 86_400),  # older than the account
        jwt.encode(claims, "another key, which is long enough", "HS256"),
        jwt.encode(claims, None, "none"),
        jwt.encode({"sub": NAME}, installation.settings.signing_key, "HS256"),
        good[:-4],
        good + "x",
        "",
        "é",
    ]
    assert own.get("/photos", headers=bearer(good)).status_code == 200
    for token in bad:
        assert own.get("/photos", headers={"Authorization": f"Bearer {token}".encode()}).status_code == 401


def test_a_removed_users_token_stops_working_also_for_a_successor_of_that_name(
    own: TestClient, installation: Installation
) -> None:
    logged_in(own)
    assert own.get("/photos").status_code == 200
    remove_user(installation.lake, NAME)
    own.get("/healthz")
    assert own.get("/photos").status_code == 401
    second = int(time.time())
    wait_until(lambda: int(time.time()) > second)  # tokens know whole seconds
    add_user(installation.lake, NAME, PASSWORD)
    own.get("/healthz")
    assert own.get("/photos").status_code == 401


def test_accounts_for_the_command_line(installation: Installation) -> None:
    add_user(installation.lake, "ada", PASSWORD)
    add_user(installation.lake, "bob", PASSWORD)
    assert [row["name"] for row in list_users(installation.lake)] == ["ada", "bob"]
    assert all("password_hash" not in row for row in list_users(installation.lake))
    with pytest.raises(Conflict):
        add_user(installation.lake, "ADA", PASSWORD)
    remove_user(installation.lake, "bob")
    with pytest.raises(NotFound):
        remove_user(installation.lake, "bob")


def test_passwords_are_kept_as_argon2id(installation: Installation) -> None:
    add_user(installation.lake, NAME, PASSWORD)
    (row,) = installation.lake.select("select password_hash from account")
    assert row["password_hash"].startswith("$argon2id$")


def test_guessing_is_slowed_down_and_says_for_how_long(
    own: TestClient, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.auth.login_limit.BASE_SECONDS", 60)  # not over before the last line on a busy machine
    add_user(installation.lake, NAME, PASSWORD)
    own.get("/healthz")
    answers = [own.post("/login", json={**CREDENTIALS, "password": "wrong"}) for _ in range(FREE_FAILURES + 1)]
    assert [answer.status_code for answer in answers] == [401] * FREE_FAILURES + [429]
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert own.post("/login", json=CREDENTIALS).status_code == 429  # also the right password has to wait
    assert own.post("/login", json={**CREDENTIALS, "username": "somebody else"}).status_code == 401


def test_guesses_side_by_side_get_no_further_than_in_a_row(own: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.auth.login_limit.BASE_SECONDS", 60)
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
    for _ in range(FREE_FAILURES):
        limit.attempt("10.0.0.1", NAME)
    with pytest.raises(TooManyAttempts):
        limit.attempt("10.0.0.1", NAME)


def test_one_address_may_not_try_name_after_name() -> None:
    limit = LoginLimit()
    with pytest.raises(TooManyAttempts):
        for number in range(100):
            limit.attempt("10.0.0.1", f"name {number}")
    limit.attempt("10.0.0.2", "name 1")


def test_one_name_may_not_be_tried_from_address_after_address() -> None:
    limit = LoginLimit()
    limit.succeeded("192.0.2.1", NAME)
    with pytest.raises(TooManyAttempts):
        for number in range(200):
            limit.attempt(f"198.51.100.{number}", NAME)
    limit.attempt("192.0.2.1", NAME)  # where its owner has logged in before
    limit.attempt("198.51.100.250", "somebody else")


def test_addresses_of_one_ipv6_network_count_as_one() -> None:
    limit = LoginLimit()
    with pytest.raises(TooManyAttempts):
        for number in range(FREE_FAILURES + 1):
            limit.attempt(f"2001:db8::{number:x}", NAME)
    limit.attempt("2001:db8:0:1::1", NAME)


def test_the_first_account_is_an_owner_and_later_ones_are_viewers(installation: Installation) -> None:
    assert add_user(installation.lake, "ada", PASSWORD, role="viewer")["role"] == "owner"
    assert add_user(installation.lake, "bob", PASSWORD)["role"] == "viewer"
    assert add_user(installation.lake, "cleo", PASSWORD, role="owner")["role"] == "owner"
    with pytest.raises(InvalidAccount):
        add_user(installation.lake, "dan", PASSWORD, role="king")


def test_accounts_of_an_older_lake_become_owners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    everything = wanted_migrations()
    older = {name: text for name, text in everything.items() if name == "001_catalog"}
    with Lake(f"sqlite:///{tmp_path}/catalog.sqlite", str(tmp_path / "data")) as lake:
        monkeypatch.setattr("sql.lake.wanted_migrations", lambda: older)
        lake.migrate()
        with lake.write() as writer:
            writer.append("account", [{"account_id": 1, "name": "ada", "password_hash": "x", "created_at": utc_now()}])
        monkeypatch.setattr("sql.lake.wanted_migrations", lambda: everything)
        lake.migrate()
        assert [(row["name"], row["role"]) for row in list_users(lake)] == [("ada", "owner")]


def test_there_is_always_an_owner(installation: Installation) -> None:
    add_user(installation.lake, "ada", PASSWORD)
    add_user(installation.lake, "bob", PASSWORD)
    for refused in (
        lambda: remove_user(installation.lake, "ADA"),
        lambda: set_role(installation.lake, "Ada", "viewer"),
    ):
        with pytest.raises(Conflict):
            refused()
    set_role(installation.lake, "Bob", "owner")
    remove_user(installation.lake, "ADA")
    assert [row["name"] for row in list_users(installation.lake)] == ["bob"]
    remove_user(installation.lake, "bob")
    assert installation.lake.rows("checks/account_roles") == installation.lake.rows("checks/unique_account") == []


def test_the_number_of_a_removed_account_is_not_given_again(installation: Installation) -> None:
    add_user(installation.lake, "ada", PASSWORD)
    gone = add_user(installation.lake, "bob", PASSWORD)
    with installation.lake.write("bob likes it") as writer:
        writer.append("favorite", [{"content_hash": "0" * 64, "account_id": gone["account_id"]}])
    remove_user(installation.lake, "bob")
    assert installation.lake.select("select * from favorite") == []
    assert add_user(installation.lake, "bob", PASSWORD)["account_id"] > gone["account_id"]


def test_chats_of_a_removed_account_go_and_the_transcripts_of_insights_stay(installation: Installation) -> None:
    add_user(installation.lake, "ada", PASSWORD)
    gone = add_user(installation.lake, "bob", PASSWORD)["account_id"]
    with installation.lake.write("talk") as writer:
        talks = [(1, None, gone), (2, "0" * 64, gone), (3, None, gone - 1)]
        names = ("conversation_id", "content_hash", "account_id")
        writer.append("conversation", [dict(zip(names, talk, strict=True)) for talk in talks])
        writer.append("conversation_message", [{"conversation_id": talk[0], "position": 0} for talk in talks])
    remove_user(installation.lake, "bob")
    for table in ("conversation", "conversation_message"):
        rows = installation.lake.select(f"select conversation_id from {table} order by 1")
        assert [row["conversation_id"] for row in rows] == [2, 3]


def test_logging_out_ends_this_token_and_no_other(own: TestClient) -> None:
    logged_in(own)
    first, second = (own.post("/login", json=CREDENTIALS).json()["token"] for _ in range(2))
    assert first != second, "two logins within a second are two tokens"
    assert own.post("/logout", headers=bearer(first)).status_code == 204
    assert own.get("/photos", headers=bearer(first)).status_code == 401
    header, claims, signature = first.split(".")
    twin = f"{header}.{claims}.{signature[:-1]}{'B' if signature[-1] == 'A' else 'A'}"  # may decode to the same bytes
    assert own.get("/photos", headers=bearer(twin)).status_code == 401
    assert own.get("/photos", headers=bearer(second)).status_code == 200


def test_logging_out_everywhere_ends_all_tokens(own: TestClient, installation: Installation) -> None:
    logged_in(own)
    tokens = [own.post("/login", json=CREDENTIALS).json()["token"] for _ in range(2)]
    end_all_tokens(installation.lake, NAME.upper())
    own.get("/healthz")
    assert {own.get("/photos", headers=bearer(token)).status_code for token in tokens} == {401}
    again = own.post("/login", json=CREDENTIALS).json()["token"]
    assert own.get("/photos", headers=bearer(again)).status_code == 200


def test_a_changed_password_ends_all_tokens_but_the_new_one(own: TestClient) -> None:
    logged_in(own)
    old = own.post("/login", json=CREDENTIALS).json()["token"]
    change = {"current_password": PASSWORD, "new_password": "battery staple"}
    assert own.put("/account/password", json={**change, "current_password": "wrong horse"}).status_code == 403
    assert own.put("/account/password", json={**change, "new_password": "short"}).status_code == 400
    answer = own.put("/account/password", json=change)
    assert answer.status_code == 200
    assert own.get("/photos", headers=bearer(old)).status_code == 401
    assert own.get("/photos", headers=bearer(answer.json()["token"])).status_code == 200
    assert own.post("/login", json=CREDENTIALS).status_code == 401
    assert own.post("/login", json={**CREDENTIALS, "password": "battery staple"}).status_code == 200


def test_a_stolen_token_cannot_guess_the_password(own: TestClient) -> None:
    logged_in(own)
    change = {"current_password": "a wrong guess", "new_password": "battery staple"}
    answers = [own.put("/account/password", json=change).status_code for _ in range(FREE_FAILURES + 1)]
    assert answers == [403] * FREE_FAILURES + [429]


def test_a_lapsed_cookie_is_worth_nothing_after_logging_out(own: TestClient, installation: Installation) -> None:
    add_user(installation.lake, NAME, PASSWORD)
    own.get("/healthz")
    own.post("/session", json=CREDENTIALS, headers=SAME_ORIGIN)
    copied = own.cookies[COOKIE]
    own.delete("/session", headers=SAME_ORIGIN)
    assert own.get("/photos", headers=bearer(copied)).status_code == 401


def test_owners_manage_accounts(own: TestClient) -> None:
    logged_in(own)
    made = own.post("/users", json={"username": "guest", "password": PASSWORD})
    assert (made.status_code, made.json()["role"]) == (201, "viewer")
    number = made.json()["account_id"]
    assert own.post("/users", json={"username": "GUEST", "password": PASSWORD}).status_code == 409
    assert [user["username"] for user in own.get("/users").json()["users"]] == [NAME, "guest"]
    assert own.patch(f"/users/{number}", json={"role": "owner"}).json()["role"] == "owner"
    token = own.post("/login", json={"username": "guest", "password": PASSWORD}).json()["token"]
    assert own.post(f"/users/{number}/logout").status_code == 204
    assert own.get("/photos", headers=bearer(token)).status_code == 401
    assert own.delete(f"/users/{number}").status_code == 204
    assert own.delete(f"/users/{number}").status_code == 404
    own_number = own.get("/account").json()["account_id"]
    assert own.delete(f"/users/{own_number}").status_code == 409, "the last one goes by the command line only"
    assert own.patch(f"/users/{own_number}", json={"role": "viewer"}).status_code == 409


def test_the_log_holds_no_secret(
    own: TestClient, installation: Installation, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    token = logged_in(own).headers["Authorization"].removeprefix("Bearer ")
    key = add_key(installation.lake, NAME, "script", ["read"])
    own.get("/healthz")
    own.put("/account/password", json={"current_password": PASSWORD, "new_password": "battery staple"})
    own.get("/photos", headers={"X-API-Key": key})
    own.get("/photos", headers={"X-API-Key": key[:-1]})
    said = "".join(capfd.readouterr()) + caplog.text
    assert not [secret for secret in (PASSWORD, "battery staple", token, key, key[12:]) if secret in said]


def test_the_pages_cookie_opens_reads_but_writes_must_come_from_the_page(
    own: TestClient, installation: Installation
) -> None:
    add_user(installation.lake, NAME, PASSWORD)
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
    assert own.post("/image", files=upload, headers={"Origin": "http://127.0.0.1"}).status_code == 400
    own.delete("/session", headers=SAME_ORIGIN)
    assert COOKIE not in own.cookies
    assert own.get("/photos").status_code == 401
