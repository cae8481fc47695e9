"""Registering, logging in and out, one's own password, and the web page's session."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from serving.auth.accounts import (
    InvalidAccount,
    RegistrationClosed,
    add_user,
    checked_password,
    end_token,
    find_account,
    password_is_right,
    set_password,
)
from serving.auth.tokens import COOKIE, cookie_token, issue_token, same_origin
from serving.context import Context, ContextDep, IdentityDep
from serving.errors import answers
from serving.schemas.accounts import Account, PasswordChange, PasswordChanged
from serving.schemas.photos import Login, Registered, Registration, Session, Token
from sql.lake import Row

router = APIRouter(tags=["accounts"])


@router.post("/register", responses=answers(400, 403, 409, 503))
def register(body: Registration, context: ContextDep) -> Registered:
    """Make the first account, an owner. Open only while there is none; an owner adds others: POST /users."""
    if context.replica.current.accounts:
        raise RegistrationClosed("there is an account already; an owner adds another: `darkroom user add`")
    if body.password != body.confirmation:
        raise InvalidAccount("password and confirmation differ")
    account = add_user(context.lake, body.username, body.password, only_first=True)
    context.replica.refresh()
    return Registered(username=account["name"], token=issue_token(context.settings, account["name"]))


@router.post("/login", response_model=Token, responses=answers(401, 429))
def login(body: Login, context: ContextDep, request: Request) -> Response | Token:
    """A token for `Authorization: Bearer …`. After five wrong passwords each further one doubles a wait."""
    account = _checked_login(context, request, body)
    if account is None:
        return _wrong()
    return Token(token=_token_of(context, account))


@router.post("/logout", status_code=204, responses=answers(401, 403, 503))
def logout(context: ContextDep, who: IdentityDep) -> Response:
    """End the token that this is sent with, before its time. PUT /account/password ends all of them."""
    end_token(context.lake, who.account_id, who.token_id, who.expires_at)
    context.replica.refresh()
    return Response(status_code=204)


@router.get("/account", responses=answers(401, 403))
def read_account(who: IdentityDep) -> Account:
    """Who asks, and what they may: the role, and the scopes of an API key."""
    scopes = sorted(who.scopes) if who.scopes is not None else None
    return Account.model_validate(
        {"account_id": who.account_id, "username": who.name, "role": who.role, "scopes": scopes}
    )


@router.put("/account/password", response_model=PasswordChanged, responses=answers(400, 401, 403, 429, 503))
def change_password(body: PasswordChange, context: ContextDep, who: IdentityDep, request: Request) -> Response:
    """Change one's own password. All tokens of the account end; the answer has a new one. API keys stay."""
    checked_password(body.new_password)
    if _checked_login(context, request, Login(username=who.name, password=body.current_password)) is None:
        return JSONResponse({"detail": "the current password is another one"}, 403)
    token = _token_of(context, set_password(context.lake, who.name, body.new_password))
    context.replica.refresh()
    answer = JSONResponse({"token": token})
    if cookie_token(request.headers.get("cookie")):
        _set_cookie(answer, context, request, token)
    return answer


@router.post("/session", response_model=Session, responses=answers(401, 403, 429))
def open_session(body: Login, context: ContextDep, request: Request) -> Response:
    """Log the web page in: the token goes into a cookie that scripts cannot read."""
    if not same_origin(request.headers):
        return JSONResponse({"detail": "this is for the web page; scripts use POST /login"}, 403)
    account = _checked_login(context, request, body)
    if account is None:
        return _wrong()
    answer = JSONResponse({"username": account["name"], "role": account["role"]})
    _set_cookie(answer, context, request, _token_of(context, account))
    return answer


@router.delete("/session", status_code=204, responses=answers(403, 503))
def close_session(request: Request, context: ContextDep) -> Response:
    """Log the web page out; its token ends."""
    if not same_origin(request.headers):
        return JSONResponse({"detail": "this is for the web page"}, 403)
    who = context.authority.identify_cookies(request.headers.get("cookie"))
    if who is not None and who.token_id:
        end_token(context.lake, who.account_id, who.token_id, who.expires_at)
        context.replica.refresh()
    answer = Response(status_code=204)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


def _set_cookie(answer: Response, context: Context, request: Request, token: str) -> None:
    answer.set_cookie(
        COOKIE,
        token,
        max_age=int(context.settings.token_lifetime_days * 86_400),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )


def _token_of(context: Context, account: Row) -> str:
    return issue_token(context.settings, account["name"], account["token_stamp"] or "")


def _checked_login(context: Context, request: Request, body: Login) -> Row | None:
    """The account; None when name or password is wrong. Raises TooManyAttempts."""
    address = request.client.host if request.client else "?"
    context.login_limit.attempt(address, body.username)
    account = find_account(context.replica.current.accounts.values(), body.username)
    if password_is_right(account, body.password) and account:
        context.login_limit.succeeded(address, body.username)
        return account
    return None


def _wrong() -> JSONResponse:
    return JSONResponse({"detail": "wrong name or password"}, 401, {"WWW-Authenticate": "Bearer"})
