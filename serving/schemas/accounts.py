"""The shapes of what is asked and answered about accounts."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from serving.schemas.photos import Name, Password, Token, UtcTime

Role = Literal["owner", "viewer"]


class Account(BaseModel):
    """Who asks, and what they may."""

    account_id: int
    username: str
    role: Role
    scopes: list[str] | None = Field(description="Of the API key that asks; null for a login")


class User(BaseModel):
    account_id: int
    username: str
    role: Role = Field(description="owner: everything; viewer: looks, and keeps favourites")
    created_at: UtcTime | None = Field(description="UTC")


class Users(BaseModel):
    users: list[User]


class NewUser(BaseModel):
    username: Name
    password: Password
    role: Role = "viewer"


class RoleChange(BaseModel):
    role: Role


class PasswordChange(BaseModel):
    current_password: Password
    new_password: Password


class PasswordChanged(Token):
    """All tokens of the account ended; this one goes on."""
