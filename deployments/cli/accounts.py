"""`darkroom user …`, `darkroom key …` and `darkroom token`: who may do what."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from deployments.cli.common import Json, WrongUsage, flow_context_of, print_json
from deployments.settings import Settings

user_app = typer.Typer(help="Accounts that may log in.", no_args_is_help=True)
key_app = typer.Typer(help="API keys for scripts and other programs.", no_args_is_help=True)

FromStdin = Annotated[bool, typer.Option(help="Read the password from stdin: for scripts.")]
Role = Annotated[str, typer.Argument(help="owner: everything; viewer: looks, and keeps favourites.")]


@user_app.command("add")
def add_user(
    context: typer.Context,
    name: str,
    role: Annotated[
        str | None, typer.Option(help="owner or viewer. The first account is an owner, others are viewers.")
    ] = None,
    password_stdin: FromStdin = False,
) -> None:
    """Make an account; asks for its password."""
    from serving.auth.accounts import add_user as add_account
    from serving.auth.accounts import checked_name, checked_role

    checked_name(name)
    if role is not None:
        checked_role(role)
    account = add_account(flow_context_of(context.obj).lake, name, _password(password_stdin), role=role)
    typer.echo(f"{account['name']} can log in as {account['role']}.")
    if role is not None and role != account["role"]:
        typer.echo("The first account is always an owner.", err=True)


@user_app.command("list")
def list_users(context: typer.Context, json: Json = False) -> None:
    """Who may log in, and as what."""
    from serving.auth.accounts import list_users as accounts_of

    rows = accounts_of(flow_context_of(context.obj).lake)
    if json:
        print_json({"users": rows})
        return
    for row in rows:
        typer.echo(f"{row['name']}  {row['role']}  since {row['created_at']:%Y-%m-%d}")
    if not rows:
        typer.echo("Nobody yet: the first to open the web page registers, or `darkroom user add NAME`.")


@user_app.command("remove")
def remove_user(context: typer.Context, name: str) -> None:
    """Take an account away; its tokens, keys and favourites go."""
    from serving.auth.accounts import remove_user as remove_account

    remove_account(flow_context_of(context.obj).lake, name)
    typer.echo(f"{name} is gone.")


@user_app.command("role")
def change_role(context: typer.Context, name: str, role: Role) -> None:
    """Make an account an owner or a viewer."""
    from serving.auth.accounts import set_role

    account = set_role(flow_context_of(context.obj).lake, name, role)
    typer.echo(f"{account['name']} is {account['role']}.")


@user_app.command("password")
def change_password(context: typer.Context, name: str, password_stdin: FromStdin = False) -> None:
    """Give an account another password; all its tokens end."""
    from serving.auth.accounts import find_account, set_password
    from tasks.errors import NotFound

    lake = flow_context_of(context.obj).lake
    if find_account(lake.rows("serving/auth/accounts"), name) is None:
        raise NotFound(f"there is no account called {name}")
    set_password(lake, name, _password(password_stdin))
    typer.echo(f"{name} has another password, and is logged out everywhere.")


@user_app.command("logout-all")
def log_out(context: typer.Context, name: str) -> None:
    """End all tokens of an account, on every device. Its keys stay: `darkroom key revoke`."""
    from serving.auth.accounts import end_all_tokens

    end_all_tokens(flow_context_of(context.obj).lake, name)
    typer.echo(f"{name} is logged out everywhere.")


@key_app.command("add")
def add_key(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What it is for, such as backup-script.")],
    user: Annotated[str, typer.Option(help="The account it acts for.")],
    scope: Annotated[list[str], typer.Option(help="read, write, upload or manage; as often as needed.")],
    expires: Annotated[str | None, typer.Option(help="90d, 12w, 6m, 1y, or a date. Default: never.")] = None,
    json: Json = False,
) -> None:
    """Make a key and show it, this once: `curl -H "X-API-Key: dk_…" …`."""
    from serving.auth.api_keys import PREFIX_LENGTH, list_keys, parsed_expiry
    from serving.auth.api_keys import add_key as make_key

    scopes = [part for given in scope for part in given.split(",") if part.strip()]
    lake = flow_context_of(context.obj).lake
    key = make_key(lake, user, name, scopes, parsed_expiry(expires) if expires else None)
    if json:
        made = next(row for row in list_keys(lake, user) if row["prefix"] == key[:PREFIX_LENGTH])
        print_json({**made, "key": key})
        return
    typer.echo(key)
    typer.echo("Keep it: it is not shown again. Send it as `X-API-Key` or `Authorization: Bearer`.", err=True)


@key_app.command("list")
def list_keys(
    context: typer.Context,
    user: Annotated[str | None, typer.Option(help="Only this account's.")] = None,
    json: Json = False,
) -> None:
    """Which keys there are; never the keys themselves."""
    from serving.auth.api_keys import list_keys as keys_of

    rows = keys_of(flow_context_of(context.obj).lake, user)
    if json:
        print_json({"keys": rows})
        return
    for row in rows:
        until = f"until {row['expires_at']:%Y-%m-%d}" if row["expires_at"] else "for ever"
        until = "expired" if row["expired"] else until
        typer.echo(f"{row['prefix']}…  {row['name']}  of {row['user']}  {','.join(row['scopes'])}  {until}")
    if not rows:
        typer.echo("No keys: `darkroom key add NAME --user USER --scope read` makes one.")


@key_app.command("revoke")
def revoke_key(
    context: typer.Context,
    key: Annotated[str, typer.Argument(help="Its name, or how it begins: dk_ and 8 characters.")],
    user: Annotated[str | None, typer.Option(help="Whose, where several have one of this name.")] = None,
) -> None:
    """End a key; it stops working at once."""
    from serving.auth.api_keys import revoke_key as end_key

    row = end_key(flow_context_of(context.obj).lake, key, user)
    typer.echo(f"{row['name']} ({row['prefix']}…) of {row['user']} is revoked.")


def token(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="An account.")],
    days: Annotated[float | None, typer.Option(min=0.001, max=36_500, help="How long it works.")] = None,
) -> None:
    """Print a token for scripts: `curl -H "Authorization: Bearer $(darkroom token NAME)" …`."""
    from serving.auth.accounts import find_account
    from serving.auth.tokens import issue_token
    from tasks.errors import NotFound

    settings: Settings = context.obj
    account = find_account(flow_context_of(settings).lake.rows("serving/auth/accounts"), name)
    if account is None:
        raise NotFound(f"there is no account called {name}: `darkroom user add {name}` makes it")
    if days is not None:
        settings = settings.model_copy(update={"token_lifetime_days": days})
    typer.echo(issue_token(settings, account["name"], account["token_stamp"] or ""))


def _password(from_stdin: bool) -> str:
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
        if not password:
            raise WrongUsage("no password came on stdin")
        return password
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
