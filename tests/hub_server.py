"""A server on this machine that speaks the file layout of the Hugging Face hub, for folders of made files.

`HF_ENDPOINT=<url>` sends the hub's client there; `use_hub` does the same within a process.
"""

import hashlib
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CONVERTED = "refs/convert/parquet"
"""The branch that holds the hub's own parquet copy; here it has the files of all others."""
KINDS = {"datasets": "datasets/", "models": ""}
LFS_SUFFIXES = (".tar", ".parquet", ".safetensors", ".bin", ".pt", ".pth")


@dataclass
class HubServer:
    """Repositories by `datasets/ORG/NAME` or `models/ORG/NAME`, each a mapping of file names to bytes.

    `gated` ones are listed and served to the token `granted` alone. `cut` maps a file's name to the number of
    bytes after which its next answer breaks off; `altered` are files whose bytes are not those stated, and
    `digest` is what is stated in place of the digest of each.
    `listing` is answered in place of one, its commits are on so many `pages`, `trouble` are statuses that
    come first, `redirect` is an address where all else leads. `drip` are the seconds between any two bytes of
    an answer's `head` or `body`.
    `seen` holds each request as (method, path, Range header); `authorization` what each one carried.
    """

    url: str = ""
    repositories: dict[str, Mapping[str, bytes]] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    granted: str = "hf_granted"
    cut: dict[str, int] = field(default_factory=dict)
    altered: set[str] = field(default_factory=set)
    digest: str | None = None
    drip: dict[str, float] = field(default_factory=dict)
    listing: str | None = None
    pages: int = 1
    trouble: list[int] = field(default_factory=list)
    redirect: str = ""
    commit: str = COMMIT
    seen: list[tuple[str, str, str | None]] = field(default_factory=list)
    authorization: list[str | None] = field(default_factory=list)

    def add(self, repository: str, folder: Path) -> None:
        """Serve the files of a folder."""
        self.repositories[repository] = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }

    def fetched(self) -> list[str]:
        """Names of the files that were asked for by GET, in order."""
        return [path.split(f"/resolve/{self.commit}/")[1] for way, path, _ in self.seen if is_get(way, path)]


def is_get(method: str, path: str) -> bool:
    return method == "GET" and "/resolve/" in path


def blob_id(data: bytes) -> str:
    """The id that git gives to a file."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def stated(name: str, data: bytes, digest: str | None) -> dict[str, object]:
    """What the listing states of a file."""
    entry: dict[str, object] = {"rfilename": name, "size": len(data), "blobId": digest or blob_id(data)}
    if name.endswith(LFS_SUFFIXES):
        sha256 = digest or hashlib.sha256(data).hexdigest()
        entry["lfs"] = {"sha256": sha256, "size": len(data), "pointerSize": 134}
    return entry


def tree_entry(name: str, data: bytes, digest: str | None) -> dict[str, object]:
    """A file as the tree of a revision states it."""
    entry = {"type": "file", "path": name, "size": len(data), "oid": digest or blob_id(data)}
    if name.endswith(LFS_SUFFIXES):
        sha256 = digest or hashlib.sha256(data).hexdigest()
        entry["lfs"] = {"oid": sha256, "size": len(data), "pointerSize": 134}
    return entry


def commit_entry(commit: str) -> dict[str, object]:
    """A commit as the list of a branch states it."""
    return {"id": commit, "authors": [], "date": "2024-01-01T00:00:00.000Z", "title": "", "message": ""}


class Handler(BaseHTTPRequestHandler):
    """Answers as the hub does: the listing, the tree, and files with ranges."""

    hub: HubServer

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def answer(self) -> None:
        path = unquote(urlsplit(self.path).path).replace(CONVERTED, "converted")
        self.hub.seen.append((self.command, path, self.headers["Range"]))
        self.hub.authorization.append(self.headers["Authorization"])
        if self.hub.trouble:
            return self.refuse(self.hub.trouble.pop(0), "", "")
        if self.hub.redirect:
            return self.send_redirect()
        for kind, prefix in KINDS.items():
            for repository, files in self.hub.repositories.items():
                name = repository.removeprefix(f"{kind}/")
                if name == repository:
                    continue
                if path == f"/api/{kind}/{name}" or path.startswith(f"/api/{kind}/{name}/"):
                    return self.listing(repository, files, path.removeprefix(f"/api/{kind}/{name}"))
                if path.startswith(f"/{prefix}{name}/resolve/"):
                    return self.file(repository, files, path.removeprefix(f"/{prefix}{name}/resolve/"))
        return self.refuse(404, "RepoNotFound", "Repository not found")

    def listing(self, repository: str, files: Mapping[str, bytes], rest: str) -> None:
        parts = rest.strip("/").split("/")
        if parts[0] == "commits":
            return self.send_commits()
        if len(parts) > 1 and parts[1] not in ("main", "converted", self.hub.commit):
            return self.refuse(404, "RevisionNotFound", "Invalid rev id")
        if parts[0] == "tree":
            return self.send_json([tree_entry(name, data, self.hub.digest) for name, data in files.items()])
        if self.hub.listing is not None:
            return self.send_text(self.hub.listing.encode("latin-1"))
        return self.send_json(
            {
                "id": repository.partition("/")[2],
                "sha": self.hub.commit,
                "private": False,
                "gated": "manual" if repository in self.hub.gated else False,
                "tags": [],
                "downloads": 0,
                "likes": 0,
                "siblings": [stated(name, data, self.hub.digest) for name, data in files.items()],
            }
        )

    def send_commits(self) -> None:
        """A page with one commit."""
        page = 1 + int(urlsplit(self.path).query.removeprefix("p=") or 0)
        last = page == self.hub.pages
        link = "" if last else f'<http://[elsewhere/commits?p={page}>; rel="next"'
        self.send_json([commit_entry(self.hub.commit if last else f"{page:040x}")], link)

    def file(self, repository: str, files: Mapping[str, bytes], rest: str) -> None:
        revision, _, name = rest.partition("/")
        if revision not in ("main", "converted", self.hub.commit):
            return self.refuse(404, "RevisionNotFound", "Invalid rev id")
        if repository in self.hub.gated and self.headers["Authorization"] != f"Bearer {self.hub.granted}":
            asked = 403 if self.headers["Authorization"] else 401
            return self.refuse(asked, "GatedRepo", "Access to this dataset is restricted")
        if name not in files:
            return self.refuse(404, "EntryNotFound", "Entry not found")
        data = files[name]
        sha256 = hashlib.sha256(data).hexdigest()
        etag = self.hub.digest or (sha256 if name.endswith(LFS_SUFFIXES) else blob_id(data))
        if name in self.hub.altered:
            data = bytes(len(data))
        start, status = 0, 200
        asked_range = self.headers["Range"]
        if asked_range is not None:
            start, status = int(asked_range.removeprefix("bytes=").split("-")[0]), 206
        body = data[start:]
        self.send_response(status)
        self.send_header("ETag", f'"{etag}"')
        self.send_header("X-Repo-Commit", self.hub.commit)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Accept-Ranges", "bytes")
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        if self.command == "GET":
            self.send_body(body[: self.hub.cut.pop(name, len(body))])
            self.close_connection = True
        return None

    def end_headers(self) -> None:
        if "head" in self.hub.drip:
            self.flush_headers()
            for _ in range(10_000):
                self.wfile.write(b"X: y\r\n")
                time.sleep(self.hub.drip["head"])
        super().end_headers()

    def send_body(self, body: bytes) -> None:
        if "body" not in self.hub.drip:
            self.wfile.write(body)
            return
        for byte in body:
            self.wfile.write(bytes([byte]))
            time.sleep(self.hub.drip["body"])

    def send_redirect(self) -> None:
        self.send_response(302)
        self.send_header("Location", self.hub.redirect)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def send_json(self, content: object, link: str = "") -> None:
        self.send_text(json.dumps(content).encode(), link)

    def send_text(self, body: bytes, link: str = "") -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        if link:
            self.send_header("Link", link)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.send_body(body[: self.hub.cut.pop("listing", len(body))])
            self.close_connection = True

    def refuse(self, status: int, code: str, message: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("X-Error-Message", message)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    """Silent about clients that go away."""

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has gone away is what a test wanted."""


@contextmanager
def hub_server() -> Iterator[HubServer]:
    """A server for as long as the context lasts."""
    record = HubServer()
    server = Server(("127.0.0.1", 0), type("HandlerOfOneServer", (Handler,), {"hub": record}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    record.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield record
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def use_hub(server: HubServer, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Send this process's hub client to a server, with a cache of its own and no token."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", server.url)
    template = server.url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(cache / "no-token"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
