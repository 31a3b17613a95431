"""A server that speaks OpenAI's chat completions, with the answers that a test gives it."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Reply:
    """A status, a body and headers.

    `cut` is how many bytes of the stated body come, and `pause` the seconds between any two; without `length`
    none is stated, and the connection ends the body. `head` is sent byte by byte in place of all.
    """

    status: int = 200
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    pause: float = 0.0
    length: bool = True
    head: bytes = b""


@dataclass
class Seen:
    """A request that came: its path, its Authorization header and its body."""

    path: str
    authorization: str | None
    body: dict[str, Any]


@dataclass
class ChatServer:
    """Requests seen so far; `script` are replies that come first, in order."""

    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    script: list[Reply | Callable[[Seen], Reply]] = field(default_factory=list)


def choices(*texts: str | None) -> Reply:
    """A chat completion of some choices."""
    return Reply(body=json.dumps({"choices": [{"message": {"content": text}} for text in texts]}))


def error(status: int, message: str, **headers: str) -> Reply:
    """An error as OpenAI words it."""
    return Reply(status, json.dumps({"error": {"message": message}}), headers)


def echo(seen: Seen) -> Reply:
    """As many choices as asked for, each naming the question."""
    question = seen.body["messages"][-1]["content"]
    return choices(*(f" {question}\n answer {i} " for i in range(seen.body.get("n", 1))))


@contextmanager
def chat_server() -> Iterator[ChatServer]:
    """A server on this machine, for as long as the context lasts."""
    record = ChatServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            seen = Seen(self.path, self.headers["Authorization"], body)
            record.seen.append(seen)
            reply = record.script.pop(0) if record.script else echo
            reply = reply if isinstance(reply, Reply) else reply(seen)
            data = reply.body.encode()
            if reply.head:
                return self.drip(reply.head, reply.pause)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name.replace("_", "-"), value)
            if reply.length:
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.close_connection = True
            data = data[: reply.cut]
            if not reply.pause:
                self.wfile.write(data)
                return None
            return self.drip(data, reply.pause)

        def drip(self, data: bytes, pause: float) -> None:
            for byte in data:
                self.wfile.write(bytes([byte]))
                time.sleep(pause)

        def log_message(self, *arguments: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A client that has gone away is what a test wanted."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    record.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield record
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
