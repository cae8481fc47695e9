"""The API's door as strangers knock on it: foreign pages, foreign names, bodies and requests without an end."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from serving import http_protocol, request_limits
from serving.app import create_app, server_config
from serving.auth import login_limit
from serving.auth.accounts import add_user
from serving.auth.login_limit import FREE_FAILURES
from tests.deployments.live import wait_for
from tests.serving.conftest import NAME, PASSWORD, Installation, make_installation

REGISTRATION = {"username": NAME, "password": PASSWORD, "confirmation": PASSWORD}
LOGIN = {"username": NAME, "password": PASSWORD}
WITHIN_SECONDS = 60


@dataclass
class Door:
    """An API as `darkroom up` serves it, and what a raw socket gets from it."""

    installation: Installation
    server: uvicorn.Server
    token: str = ""

    @property
    def port(self) -> int:
        return int(self.server.servers[0].sockets[0].getsockname()[1])

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        return httpx.request(method, f"http://127.0.0.1:{self.port}{path}", timeout=120, trust_env=False, **options)

    def knock(self, sent: bytes) -> socket.socket:
        knocking = socket.create_connection(("127.0.0.1", self.port), timeout=WITHIN_SECONDS)
        knocking.sendall(sent)
        return knocking

    def answer(self, sent: bytes) -> bytes:
        """All that comes until the server closes; a connection it leaves open is an error."""
        with self.knock(sent) as knocking:
            return read_to_end(knocking)


def read_to_end(knocking: socket.socket) -> bytes:
    parts = []
    try:
        while part := knocking.recv(65_536):
            parts.append(part)
    except ConnectionResetError:  # closed before it had read what we sent
        pass
    return b"".join(parts)


@contextmanager
def served(folder: Path, **changes: Any) -> Iterator[Door]:
    """An API over an empty library, with short patience."""
    installation = make_installation(folder)
    settings = type(installation.settings)(
        darkroom_home=installation.settings.darkroom_home, bind_url="127.0.0.1:0", **changes
    )
    server = uvicorn.Server(server_config(create_app(settings, installation.lake), settings))
    thread = threading.Thread(target=server.run, daemon=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(login_limit, "BASE_SECONDS", 300.0)  # no wait is over before a slow machine asks again
        patch.setattr(http_protocol, "HEAD_SECONDS", 2.0)
        patch.setattr(http_protocol, "LINGER_SECONDS", 2.0)
        patch.setattr(request_limits, "BODY_SECONDS", 2.0)
        patch.setattr(request_limits, "UPLOAD_PAUSE_SECONDS", 5.0)
        thread.start()
        wait_for(lambda: server.started, 60)
        yield Door(installation, server)
        server.should_exit = True
        thread.join(20)
    installation.lake.close()


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """Nobody has registered, and but for the last test here nobody does."""
    with served(tmp_path_factory.mktemp("door")) as door:
        yield door


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """With an account, names, a trusted proxy and few connections."""
    names = ["photos.example.org", "*.example.net"]
    folder = tmp_path_factory.mktemp("named")
    with served(folder, allowed_hosts=names, trusted_proxies=["127.0.0.0/8"], max_connections=8) as door:
        add_user(door.installation.lake, NAME, PASSWORD)
        door.ask("GET", "/healthz")
        door.token = door.ask("POST", "/login", json=LOGIN).json()["token"]
        yield door


def test_a_name_that_is_not_ours_gets_no_answer_and_no_account(door: Door) -> None:
    for host in ("evil.example", f"evil.example:{door.port}", "localhost.evil.example", "", "a b", "[::1"):
        for path in ("/", "/healthz", "/static/base.css"):
            answer = door.ask("GET", path, headers={"Host": host})
            assert answer.status_code == 421, (host, path)
        answer = door.ask("POST", "/register", json=REGISTRATION, headers={"Host": host})
        assert answer.status_code == 421 and "ALLOWED_HOSTS" in answer.text
    twice = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
    assert door.answer(twice).startswith(b"HTTP/1.1 421")
    assert door.installation.lake.select("select * from account") == []


def test_our_names_are_loopback_numbers_this_machine_and_those_that_are_allowed(named: Door) -> None:
    ours = ["localhost", "LOCALHOST:8700", "127.0.0.1", "[::1]:8700", "192.168.1.20:8700", socket.gethostname()]
    for host in [*ours, "photos.example.org", "Photos.Example.Org.", "a.example.net"]:
        assert named.ask("GET", "/healthz", headers={"Host": host}).status_code == 200, host
    for host in ("example.org", "example.net", "a.b.example.net", "evilexample.net"):
        assert named.ask("GET", "/healthz", headers={"Host": host}).status_code == 421, host


@pytest.mark.parametrize(
    "page",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "http://evil.example"},
     {"Origin": "null"}, {"Origin": "http://127.0.0.1:1"}],
)  # fmt: skip
def test_a_foreign_page_can_neither_register_nor_log_in_nor_write(door: Door, page: dict[str, str]) -> None:
    """What a page may send to another site unasked: a POST of plain text."""
    for path in ("/register", "/login", "/session", "/logout", "/photos/hide"):
        answer = door.ask(
            "POST", path, content=json.dumps(REGISTRATION), headers={**page, "Content-Type": "text/plain"}
        )
        assert answer.status_code == 403, path
        assert "access-control-allow-origin" not in answer.headers
    assert door.installation.lake.select("select * from account") == []


@pytest.mark.parametrize("path", ["/login", "/register", "/session"])
def test_a_large_body_without_an_account_is_refused_before_it_is_held(door: Door, path: str) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n".encode()
    announced = door.answer(head + b"Content-Length: 314572800\r\n\r\n")
    assert announced.startswith(b"HTTP/1.1 413") and b"64 KiB" in announced
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    unannounced = door.answer(head + b"Transfer-Encoding: chunked\r\n\r\n" + 3 * chunk)
    assert unannounced.startswith(b"HTTP/1.1 413")


def test_a_large_body_with_an_account_is_refused_too(named: Door) -> None:
    head = f"POST /tags HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {named.token}\r\n"
    length = f"Content-Type: application/json\r\nContent-Length: {request_limits.MAX_BODY_BYTES + 1}\r\n\r\n"
    answer = named.answer((head + length).encode())
    assert answer.startswith(b"HTTP/1.1 413") and b"8192 KiB" in answer


def test_a_body_that_does_not_come_is_not_waited_for(door: Door) -> None:
    head = b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
    assert door.answer(head + b"{").startswith(b"HTTP/1.1 408")


def test_an_upload_may_be_large_but_one_that_stalls_ends_and_leaves_nothing(named: Door) -> None:
    head = f"POST /image HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {named.token}\r\n"
    form = "Content-Length: 99999999\r\nContent-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
    part = 'Content-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
    stalled = named.answer((head + form + part).encode() + b"\xff\xd8\xff")
    assert stalled.startswith(b"HTTP/1.1 408")
    assert [path for path in named.installation.root.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HTT", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: ", b"\r\n\r\n"])
def test_a_request_whose_headers_do_not_come_is_closed(door: Door, sent: bytes) -> None:
    answer = door.answer(sent)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 408")


def test_a_request_that_trickles_in_is_closed_all_the_same(door: Door) -> None:
    with door.knock(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: ") as knocking:
        closed = threading.Event()
        reader = threading.Thread(target=lambda: (read_to_end(knocking), closed.set()))
        reader.start()
        for _ in range(200):
            if closed.wait(0.1):
                break
            try:
                knocking.sendall(b"a")
            except OSError:
                break
        assert closed.wait(WITHIN_SECONDS)


def test_headers_without_an_end_are_refused(door: Door) -> None:
    with door.knock(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n") as knocking:
        try:
            for _ in range(100):
                knocking.sendall(b"X-A: " + b"a" * 8192 + b"\r\n")
        except OSError:  # it was closed while we were still sending
            return
        answer = read_to_end(knocking)
        assert not answer or answer.startswith(b"HTTP/1.1 431")


def test_a_body_that_goes_on_after_its_answer_is_closed(door: Door) -> None:
    answer = door.answer(b"POST /photos/hide HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n{")
    assert answer.startswith(b"HTTP/1.1 401")


def test_connections_are_bounded_and_given_back(named: Door) -> None:
    wait_for(lambda: not named.server.server_state.connections, WITHIN_SECONDS)
    silent = [named.knock(b"GET / HTTP/1.1\r\n") for _ in range(8)]
    refused = named.answer(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert refused.startswith(b"HTTP/1.1 503") and b"MAX_CONNECTIONS" in refused
    for knocking in silent:
        with knocking:
            assert read_to_end(knocking).startswith(b"HTTP/1.1 408")
    wait_for(lambda: named.ask("GET", "/healthz").status_code == 200, WITHIN_SECONDS)


def test_many_requests_on_one_connection_go_on_being_answered(door: Door) -> None:
    """The bounds are for those who send nothing: one that is used lives on."""
    with httpx.Client(base_url=f"http://127.0.0.1:{door.port}", timeout=120, trust_env=False) as client:
        assert {client.get("/healthz").status_code for _ in range(30)} == {200}
    pipelined = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" * 5
    last = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    assert door.answer(pipelined + last).count(b"HTTP/1.1 200") == 6


def forged_logins(door: Door) -> list[int]:
    """One more failed login than is free, each said to come from another address."""
    answers = []
    for number in range(FREE_FAILURES + 1):
        forwarded = {"X-Forwarded-For": f"198.51.100.{number}", "X-Real-IP": f"198.51.100.{number}"}
        answers.append(
            door.ask("POST", "/login", json={"username": "nobody", "password": "wrong guess"}, headers=forwarded)
        )
    return [answer.status_code for answer in answers]


def test_a_made_up_forwarded_address_does_not_get_round_the_login_limit(door: Door) -> None:
    assert forged_logins(door) == [401] * FREE_FAILURES + [429]


def test_a_proxy_that_is_named_is_believed(named: Door) -> None:
    assert forged_logins(named) == [401] * (FREE_FAILURES + 1)
    https = {"X-Forwarded-Proto": "https", "Sec-Fetch-Site": "same-origin"}
    cookie = named.ask("POST", "/session", json=LOGIN, headers=https).headers["set-cookie"].lower()
    assert "secure" in cookie and "httponly" in cookie and "samesite=strict" in cookie


def test_of_two_first_registrations_at_once_one_wins(door: Door) -> None:
    bodies = [{**REGISTRATION, "username": f"user{number}"} for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda body: door.ask("POST", "/register", json=body).status_code, bodies))
    assert sorted(answers) == [200, 403, 403, 403]
    assert len(door.installation.lake.select("select * from account")) == 1
