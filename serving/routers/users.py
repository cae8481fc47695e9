"""GET, POST, PATCH and DELETE /users: who may log in, and as what. For owners."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from serving.auth.accounts import add_user, end_all_tokens, remove_user, set_role, shown
from serving.context import ContextDep, SnapshotDep
from serving.errors import answers
from serving.replica.snapshot import ReplicaSnapshot
from serving.schemas.accounts import NewUser, RoleChange, User, Users
from sql.lake import Row
from tasks.errors import NotFound

router = APIRouter(prefix="/users", tags=["accounts"])

AccountId = Annotated[int, Path(ge=0, lt=1 << 31)]


@router.get("", responses=answers(401, 403))
def read_users(copy: SnapshotDep) -> Users:
    """Who may log in, by name."""
    return Users(users=[_user(row) for row in copy.accounts.values()])


@router.post("", status_code=201, responses=answers(400, 401, 403, 409, 503))
def make_user(body: NewUser, context: ContextDep) -> User:
    """Add an account. A viewer looks and keeps favourites; an owner may do everything."""
    account = add_user(context.lake, body.username, body.password, role=body.role)
    context.replica.refresh()
    return _user(account)


@router.patch("/{account_id}", responses=answers(401, 403, 404, 409, 503))
def change_user(account_id: AccountId, body: RoleChange, context: ContextDep, copy: SnapshotDep) -> User:
    """Make an account an owner or a viewer. 409 where no owner would be left."""
    account = set_role(context.lake, _name_of(copy, account_id), body.role)
    context.replica.refresh()
    return _user(account)


@router.delete("/{account_id}", status_code=204, responses=answers(401, 403, 404, 409, 503))
def delete_user(account_id: AccountId, context: ContextDep, copy: SnapshotDep) -> Response:
    """Remove an account: its tokens, API keys and favourites go. 409 for the last owner."""
    remove_user(context.lake, _name_of(copy, account_id), last=False)
    context.replica.refresh()
    return Response(status_code=204)


@router.post("/{account_id}/logout", status_code=204, responses=answers(401, 403, 404, 503))
def log_out_user(account_id: AccountId, context: ContextDep, copy: SnapshotDep) -> Response:
    """End all tokens of an account. Its API keys stay: `darkroom key revoke` ends those."""
    end_all_tokens(context.lake, _name_of(copy, account_id))
    context.replica.refresh()
    return Response(status_code=204)


def _name_of(copy: ReplicaSnapshot, account_id: int) -> str:
    """Raises NotFound."""
    for account in copy.accounts.values():
        if account["account_id"] == account_id:
            return str(account["name"])
    raise NotFound(f"there is no account {account_id}")


def _user(account: Row) -> User:
    row = shown(account)
    return User(username=row.pop("name"), **row)
