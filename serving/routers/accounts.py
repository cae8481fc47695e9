"""POST /register, POST /login, and the web page's session."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from serving.accounts import InvalidAccount, RegistrationClosed, add_user, find_account, password_is_right
from serving.auth import COOKIE, issue_token, same_origin
from serving.context import Context, ContextDep
from serving.errors import answers
from serving.models import Login, Registered, Registration, Session, Token

router = APIRouter(tags=["accounts"])


@router.post("/register", response_model=Registered, responses=answers(400, 403, 503))
def register(body: Registration, context: ContextDep) -> Registered:
    """Make the first account. Open only while there is none; later ones are made with `darkroom user add`."""
    if context.replica.current.accounts:
        raise RegistrationClosed("there is an account already; `darkroom user add` adds another")
    if body.password != body.confirmation:
        raise InvalidAccount("password and confirmation differ")
    account = add_user(context.lake, body.username, body.password, only_first=True)
    context.replica.refresh()
    return Registered(username=account["name"], token=issue_token(context.settings, account["name"]))


@router.post("/login", response_model=Token, responses=answers(401, 429))
def login(body: Login, context: ContextDep, request: Request) -> Response | Token:
    """A token for `Authorization: Bearer …`. After five wrong passwords each further one doubles a wait."""
    name = _checked_login(context, request, body)
    if name is None:
        return _wrong()
    return Token(token=issue_token(context.settings, name))


@router.post("/session", response_model=Session, responses=answers(401, 403, 429))
def open_session(body: Login, context: ContextDep, request: Request) -> Response:
    """Log the web page in: the token goes into a cookie that scripts cannot read."""
    if not same_origin(request.headers):
        return JSONResponse({"detail": "this is for the web page; scripts use POST /login"}, 403)
    name = _checked_login(context, request, body)
    if name is None:
        return _wrong()
    answer = JSONResponse({"username": name})
    answer.set_cookie(
        COOKIE,
        issue_token(context.settings, name),
        max_age=int(context.settings.token_lifetime_days * 86_400),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


@router.delete("/session", status_code=204, responses=answers(403))
def close_session(request: Request) -> Response:
    """Log the web page out."""
    if not same_origin(request.headers):
        return JSONResponse({"detail": "this is for the web page"}, 403)
    answer = Response(status_code=204)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


def _checked_login(context: Context, request: Request, body: Login) -> str | None:
    """The account's name; None when name or password is wrong. Raises TooManyAttempts."""
    address = request.client.host if request.client else "?"
    context.login_limit.attempt(address, body.username)
    account = find_account(context.replica.current.accounts.values(), body.username)
    if password_is_right(account, body.password) and account:
        context.login_limit.succeeded(address, body.username)
        return str(account["name"])
    return None


def _wrong() -> JSONResponse:
    return JSONResponse({"detail": "wrong name or password"}, 401, {"WWW-Authenticate": "Bearer"})
