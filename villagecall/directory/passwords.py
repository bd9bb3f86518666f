"""Password hashes: Argon2id, RFC 9106 section 4, second recommended option (64 MiB, 3 passes, 4 lanes)."""

from __future__ import annotations

from typing import ClassVar

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from villagecall.errors import Refusal

SHORTEST = 8
_HASHER = argon2.PasswordHasher.from_parameters(argon2.profiles.RFC_9106_LOW_MEMORY)

NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$iiuJ1b/6JOIS3W1b0pwQbA$RsQESE0TVASm6chCIuaag7bCCvEpc61wInga5ZI1zLU"
"""Verified where there is no such login, so that it takes as long as a wrong password."""


class WeakPassword(Refusal):
    code: ClassVar[str] = "weak_password"
    status: ClassVar[int] = 422
    zh: ClassVar[str] = "密码太短,至少 {shortest} 个字符。"
    en: ClassVar[str] = "The password is too short; at least {shortest} characters."
    todo_zh: ClassVar[str] = "请换一个更长的密码,几个不相关的词连起来就好记。"
    todo_en: ClassVar[str] = "Choose a longer one; a few unrelated words are easy to remember."


def seal(password: str) -> str:
    """The hash to keep, about 60 ms of one core. Raises :class:`WeakPassword`."""
    if len(password) < SHORTEST:
        raise WeakPassword(shortest=SHORTEST)
    return _HASHER.hash(password)


def matches(sealed: str, password: str) -> bool:
    try:
        return _HASHER.verify(sealed, password)
    except (VerificationError, InvalidHashError):
        return False
