import pytest
from chat_server import chat_server
from PIL import Image


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with chat_server() as record:
        yield record


@pytest.fixture
def photos(tmp_path):
    """Four images of one colour in folders, a broken one among them, and a file that is none."""
    folder = tmp_path / "photos"
    (folder / "b").mkdir(parents=True)
    for name, colour in {
        "a.png": "red",
        "b/c.png": "blue",
        "b/d.png": (255, 200, 0),
        "e.png": "white",
    }.items():
        Image.new("RGB", (4, 4), colour).save(folder / name)
    whole = (folder / "a.png").read_bytes()
    (folder / "b" / "broken.png").write_bytes(whole[: len(whole) // 2])
    (folder / "notes.txt").write_text("no image")
    return folder
