"""What servers answer: the hub to `data get`, an endpoint of chat completions to `describe`."""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from card_layouts import tars
from chat_server import choices
from fuzz.command import command_line
from fuzz.harness import OUT, Case, Input
from hub_server import COMMIT, HubServer, blob_id, use_hub

REPO = "org/wds_made"
CARD = f"""\
title: made
kind: classification
protocol: made
sources:
- {{kind: webdataset, path: made, split: test}}
- {{kind: hub, repo: {REPO}, layout: webdataset, split: test}}
metrics: [acc1]
primary: acc1
"""
HEAD = {"status": 200, "headers": {"Content-Type": "application/json", "X-Repo-Commit": COMMIT}}
Answer = Callable[[str, str], tuple[Path, Path]]
"""From a method and an address to the files of an answer's head and body."""
MOST_SENT = 200
"""So many answers one case gets; then the server hangs up."""


@dataclass(slots=True)
class Server:
    """A server on this machine that answers with files; `answer` says which, and is set by each case."""

    url: str = ""
    answer: Answer | None = None
    sent: int = 0
    names: list[str] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    """Sends the head and the body that lie in a case's files, whatever they hold."""

    server_of_case: Server

    def do_HEAD(self) -> None:
        self._send()

    def do_GET(self) -> None:
        self._send()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._send()

    def _send(self) -> None:
        told = self.server_of_case
        told.sent += 1
        self.close_connection = True
        if told.answer is None or told.sent > MOST_SENT:
            return
        head, body = told.answer(self.command, unquote(urlsplit(self.path).path))
        if not body.is_file() or not head.is_file():
            self.send_error(404)
            return
        data, raw = body.read_bytes(), head.read_bytes()
        try:
            stated_head = json.loads(raw)
            lines = [f"HTTP/1.1 {stated_head['status']} OK"]
            lines += [f"{name}: {value}" for name, value in dict(stated_head["headers"]).items()]
            if "Content-Length" not in stated_head["headers"]:
                lines.append(f"Content-Length: {len(data)}")
            raw = "\r\n".join((*lines, "Connection: close", "", "")).encode("utf-8", "surrogatepass")
        except (ValueError, TypeError, KeyError, RecursionError):
            raw += b"\r\n\r\n"  # a head that is no HTTP
        self.wfile.write(raw if self.command == "HEAD" else raw + data)

    def log_message(self, *arguments: object) -> None:
        pass


class Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has gone away is none of our business."""


@cache
def server() -> Server:
    """The server of this process."""
    told = Server()
    running = Quiet(("127.0.0.1", 0), type("HandlerOfThis", (Handler,), {"server_of_case": told}))
    threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    told.url = f"http://127.0.0.1:{running.server_port}"
    return told


def listed(name: str, data: bytes) -> dict[str, object]:
    """What the hub's listing states of a file."""
    sha256 = hashlib.sha256(data).hexdigest()
    lfs = {"lfs": {"sha256": sha256, "size": len(data), "pointerSize": 134}} if name.endswith(".tar") else {}
    return {"rfilename": name, "size": len(data), "blobId": blob_id(data), **lfs}


def hub_files(root: Path) -> None:
    tars(root / "files", {"cls": b"0"}, {"cls": b"1"})
    (root / "files" / "classnames.txt").write_text("cat\ndog\n")
    (root / "cards").mkdir()
    (root / "cards" / "made.yaml").write_text(CARD)
    served = {
        path.relative_to(root / "files").as_posix(): path
        for path in (root / "files").rglob("*")
        if path.is_file()
    }
    info = {
        "id": REPO,
        "sha": COMMIT,
        "private": False,
        "gated": False,
        "tags": [],
        "downloads": 0,
        "likes": 0,
        "siblings": [listed(name, path.read_bytes()) for name, path in sorted(served.items())],
        "lastModified": "2024-01-01T00:00:00.000Z",
        "cardData": {"license": "mit"},
    }
    for name in ("info", "file"):
        (root / f"{name}.head.json").write_text(json.dumps(HEAD))
    (root / "info.json").write_text(json.dumps(info))


def hub_door(case: Case) -> None:
    """Fetch a task's data."""

    def answer(_: str, path: str) -> tuple[Path, Path]:
        if "/resolve/" in path:
            name = path.partition("/resolve/")[2].partition("/")[2]
            inner = case / "files" / name
            known = inner.resolve().is_relative_to(case.folder.resolve())
            return (
                case / "file.head.json",
                inner if known and inner.is_file() else case / "files" / "classnames.txt",
            )
        return case / "info.head.json", case / "info.json"

    told = server()
    told.answer, told.sent = answer, 0
    with pytest.MonkeyPatch.context() as patch:
        use_hub(HubServer(url=told.url), case / OUT / "hub", patch)
        without_waits(patch)
        where = ("--data-root", case / OUT / "data") if case.rng.random() < 0.6 else ()
        command_line("data", "get", "made", "--include-path", case / "cards", *where)


def without_waits(patch: pytest.MonkeyPatch) -> None:
    """Ask again at once: how long clients wait is tested elsewhere."""
    patch.setattr(time, "sleep", lambda _: None)
    for name in ("FIRST_WAIT", "LONGEST_WAIT"):
        patch.setattr(f"vlbench.acquiring.download.{name}", 0.0, raising=False)
    for name in ("_FIRST_WAIT", "_LONGEST_WAIT"):
        patch.setattr(f"vlbench.tagging.chat.{name}", 0.0, raising=False)


def chat_files(root: Path) -> None:
    (root / "chat.json").write_text(choices("a photo of it", "another").body)
    (root / "head.json").write_text(json.dumps(HEAD))
    (root / "tags.txt").write_text("aloe\n")
    (root / OUT).mkdir()
    (root / OUT / "d.json").write_text(json.dumps({"zebra": ["a photo of a zebra."]}))


def chat_door(case: Case) -> None:
    """Ask an endpoint to describe a tag."""
    told = server()
    told.answer, told.sent = (lambda *_: (case / "head.json", case / "chat.json")), 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("no_proxy", "127.0.0.1")
        without_waits(patch)
        asked = ("--endpoint", told.url, "--model", "small", "--count", 2, "--timeout", 5, "--retries", 1)
        command_line("describe", case / "tags.txt", "--out", case / OUT / "d.json", *asked)


FILES: Mapping[str, tuple[str, ...]] = {
    "hub answers": ("info.json", "info.json", "*.head.json", "files/*"),
    "chat answers": ("chat.json", "head.json", "tags.txt", f"{OUT}/d.json"),
}
INPUTS = [
    Input("hub answers", hub_files, FILES["hub answers"], hub_door, share=10),
    Input("chat answers", chat_files, FILES["chat answers"], chat_door, share=10),
]
