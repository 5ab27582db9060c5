"""A headless Chromium, driven over the pipe of its DevTools protocol; no library is needed for that."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE_S = 60


def find_browser() -> str | None:
    """The program, or None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """One page in a browser of its own. complaints: what its console said at the level of warnings and
    errors."""

    def __init__(self, program: str) -> None:
        self._profile = tempfile.TemporaryDirectory(prefix="hpq_browser_", ignore_cleanup_errors=True)
        read_commands, self._write = os.pipe()
        self._read, write_answers = os.pipe()
        flags = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
        ]
        flags += ["--disable-background-networking", "--remote-debugging-pipe", "--force-color-profile=srgb"]
        flags += [f"--user-data-dir={self._profile.name}", "about:blank"]

        def place_pipes() -> None:  # the protocol's are 3 and 4
            for number, pipe in ((3, os.dup(read_commands)), (4, os.dup(write_answers))):
                os.dup2(pipe, number)

        self._process = subprocess.Popen(
            [program, *flags],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            close_fds=False,
            preexec_fn=place_pipes,  # noqa: PLW1509  (the tests start no thread that holds a lock here)
        )
        os.close(read_commands)
        os.close(write_answers)
        self._left, self._number, self._session = b"", 0, ""
        self._events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._read)
        os.close(self._write)
        self._profile.cleanup()

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """A command of the protocol and its result."""
        self._number += 1
        command = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            command["sessionId"] = self._session
        os.write(self._write, json.dumps(command).encode() + b"\0")
        while True:
            message = self._next()
            if message.get("id") == self._number:
                assert "error" not in message, message
                return dict(message["result"])
            self._events.append(message)

    def _next(self) -> dict[str, Any]:
        end = time.monotonic() + PATIENCE_S
        while b"\0" not in self._left:
            assert time.monotonic() < end, "the browser does not answer"
            self._left += os.read(self._read, 1 << 20)
        text, _, self._left = self._left.partition(b"\0")
        return dict(json.loads(text))

    def open(self, page: Path, width: int = 1280, height: int = 900, scheme: str = "light") -> None:
        """Show a page at a size, in pixels, for a user who likes "light" or "dark"."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", features=features)
        self._events.clear()
        self.call("Page.navigate", url=page.resolve().as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self._events):
            self._events.append(self._next())

    @property
    def complaints(self) -> list[str]:
        """Errors and warnings since the page was opened."""
        self.call("Runtime.evaluate", expression="0")
        found = []
        for event in self._events:
            method, held = event.get("method"), event.get("params", {})
            bad = method == "Runtime.consoleAPICalled" and held["type"] in ("error", "warning")
            bad |= method == "Log.entryAdded" and held["entry"]["level"] in ("error", "warning")
            if bad or method == "Runtime.exceptionThrown":
                found.append(json.dumps(held))
        return found

    def value(self, expression: str) -> Any:
        """What JavaScript says, as plain data; a promise is waited for."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def click(self, x: float, y: float) -> None:
        """Of the left button, at a place in the window."""
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key: str) -> None:
        """A key, such as "ArrowRight"."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key)

    def picture(self, path: Path, *, whole: bool = False) -> None:
        """The window, or all of the page, as PNG."""
        size = {}
        if whole:
            box = self.call("Page.getLayoutMetrics")["cssContentSize"]
            size = {"clip": {**box, "x": 0, "y": 0, "scale": 1}, "captureBeyondViewport": True}
        shot = self.call("Page.captureScreenshot", format="png", **size)
        path.write_bytes(base64.b64decode(shot["data"]))

    def pdf(self, path: Path) -> None:
        """The page as it is printed."""
        made = self.call("Page.printToPDF", printBackground=True, preferCSSPageSize=True)
        path.write_bytes(base64.b64decode(made["data"]))
