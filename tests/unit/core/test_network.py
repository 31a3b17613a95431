import socket
import urllib.request

from huggingface_hub import constants

from vlbench.core.network import has_network


def test_a_hub_that_cannot_be_reached_is_tried_once_for_all_that_a_request_asks(monkeypatch) -> None:
    monkeypatch.setattr(urllib.request, "getproxies", dict)
    tried = []
    connect = socket.create_connection

    def counted(place, timeout):
        tried.append(place)
        return connect(place, timeout=timeout)

    monkeypatch.setattr(socket, "create_connection", counted)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{port}")
        assert has_network()
        assert has_network()
    assert [has_network() for _ in range(3)] == [False, False, False]
    assert tried == [("127.0.0.1", port)] * 3
