"""A headless Chromium, told what to do over two pipes by the DevTools protocol."""

from __future__ import annotations

import base64
import fcntl
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

__all__ = ["Page", "find_chromium", "open_browser"]

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_SWITCHES = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
#: A program that becomes another one, with its pipes as 3 and 4.
_RENUMBER = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); "
    "os.execv(sys.argv[3], sys.argv[3:])"
)
_SECONDS = 60
_WATCHED = ("Runtime", "Log", "Network", "Page")
_MODIFIERS = {"Shift": 8}


def find_chromium() -> str | None:
    """Where the program is; None if it is not installed."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


class Browser:
    """Commands out by one pipe, answers and events in by the other, each ended by a zero byte."""

    def __init__(self, writing: int, reading: int) -> None:
        self._out, self._in = os.fdopen(writing, "wb"), reading
        self._numbers = itertools.count(1)
        self._rest = b""
        self.events: list[dict[str, Any]] = []

    def send(self, method: str, session: str | None = None, **params: Any) -> Any:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        self._out.write(json.dumps(message).encode() + b"\0")
        self._out.flush()
        while True:
            answer = self._read()
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self.events.append(answer)

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            part = os.read(self._in, 1 << 20)
            if not part:
                raise RuntimeError("the browser has ended")
            self._rest += part
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def close(self) -> None:
        with suppress(RuntimeError, OSError):
            self.send("Browser.close")
        self._out.close()
        os.close(self._in)


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A browser that ends with the block."""
    program = find_chromium()
    assert program is not None
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    # Out of the way of 3 and 4, where the browser expects its ends.
    theirs = [fcntl.fcntl(end, fcntl.F_DUPFD, 20) for end in (theirs_in, theirs_out)]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [program, *_SWITCHES, f"--user-data-dir={profile}"]
        process = subprocess.Popen(
            [sys.executable, "-c", _RENUMBER, *map(str, theirs), *command],
            pass_fds=theirs,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in (theirs_in, theirs_out, *theirs):
            os.close(end)
        browser = Browser(ours_out, ours_in)
        try:
            yield browser
        finally:
            browser.close()
            try:
                process.wait(_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Page:
    """One tab with one file, and what it has complained of or asked the network for."""

    def __init__(self, browser: Browser, size: tuple[int, int] = (1200, 800)) -> None:
        self._browser = browser
        self._target = browser.send("Target.createTarget", url="about:blank")["targetId"]
        attached = browser.send("Target.attachToTarget", targetId=self._target, flatten=True)
        self._session = attached["sessionId"]
        for domain in _WATCHED:
            self.send(f"{domain}.enable")
        width, height = size
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def send(self, method: str, **params: Any) -> Any:
        return self._browser.send(method, self._session, **params)

    def close(self) -> None:
        self._browser.send("Target.closeTarget", targetId=self._target)

    def prefer(self, scheme: str, motion: str = "reduce") -> None:
        """The reader's system prefers light or dark, and little motion or any."""
        features = {"prefers-color-scheme": scheme, "prefers-reduced-motion": motion}
        listed = [{"name": name, "value": value} for name, value in features.items()]
        self.send("Emulation.setEmulatedMedia", features=listed)

    def load(self, path: Path) -> None:
        """Show a file of ours, and wait until its script is done."""
        self.send("Page.navigate", url=path.as_uri())
        self.wait("window.lazygraph")

    def wait(self, condition: str) -> None:
        self.evaluate(
            "new Promise((done, fail) => { let left = 1200; const look = () => { try {"
            f"if (location.protocol === 'file:' && ({condition})) return done(true); }} catch {{}}"
            "if (--left) setTimeout(look, 25); else fail(new Error('waited too long')); };"
            "look(); })"
        )

    def evaluate(self, expression: str) -> Any:
        answer = self.send(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"])[:2000])
        return answer["result"].get("value")

    def state(self) -> dict[str, Any]:
        """What the page says it shows, once nothing glides any more."""
        self.wait("!lazygraph.state().isGliding")
        return self.evaluate("lazygraph.state()")

    def press(self, key: str, *modifiers: str) -> None:
        bits = sum(_MODIFIERS[name] for name in modifiers)
        text = key if len(key) == 1 else "\r" if key == "Enter" else ""
        for kind in ("keyDown", "keyUp"):
            self.send(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                modifiers=bits,
                **({"text": text} if text and kind == "keyDown" else {}),
            )

    def type(self, text: str) -> None:
        self.send("Input.insertText", text=text)

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def click(self, x: float, y: float, count: int = 1) -> None:
        for kind in ("mousePressed", "mouseReleased"):
            self.mouse(kind, x, y, button="left", clickCount=count)

    def press_button(self, name: str) -> None:
        """Click the middle of the element with that id."""
        box = self.evaluate(
            f"(() => {{ const r = document.getElementById({json.dumps(name)})"
            ".getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        self.click(*box)

    def screenshot(self) -> bytes:
        return base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"])

    @property
    def complaints(self) -> list[str]:
        """Errors and warnings so far, uncaught ones too."""
        return [
            json.dumps(event["params"])[:1000]
            for event in self._events()
            if event["method"] in {"Runtime.consoleAPICalled", "Runtime.exceptionThrown"}
            or (
                event["method"] == "Log.entryAdded"
                and event["params"]["entry"]["level"] in {"warning", "error"}
            )
        ]

    @property
    def requests(self) -> list[str]:
        """What was asked for over a network."""
        asked = [
            event["params"]["request"]["url"]
            for event in self._events()
            if event["method"] == "Network.requestWillBeSent"
        ]
        return [url for url in asked if not url.startswith(("file:", "about:"))]

    def _events(self) -> list[dict[str, Any]]:
        self.evaluate("0")  # what has happened has been told by then
        return [e for e in self._browser.events if e.get("sessionId") == self._session]
