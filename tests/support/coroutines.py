"""Coroutine functions, for tests."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tasks import append, said


async def later(x: Any) -> Any:
    await asyncio.sleep(0)
    return x


async def fail_later(x: Any) -> Any:
    await asyncio.sleep(0)
    raise ValueError(f"cannot use {x}")


async def wait_for(path: Path) -> str:
    while not said(path):  # noqa: ASYNC110  # other processes write it
        await asyncio.sleep(0.001)
    return said(path)


async def hang(path: Path) -> None:
    append(path, "begun ")
    try:
        await asyncio.Event().wait()
    finally:
        append(path, "cleaned")
