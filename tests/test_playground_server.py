"""The server answers its own pages, and nobody else; what is hostile gets a message or a closed door."""

import json
import logging
import re
from importlib.resources import files

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from handgrad.playground.frames import unpack
from handgrad.playground.limits import Limits
from handgrad.playground.server import make_app
from handgrad.playground.serving import serve
from test_playground_document import JSON

HOME = "http://127.0.0.1:8420"
SOCKET = "ws://127.0.0.1:8420/session"
ORIGIN = {"origin": HOME}


@pytest.fixture(scope="module")
def client():
    with TestClient(make_app(Limits()), base_url=HOME) as client:
        yield client


def told(socket, kind):
    """The next message of that kind; frames are answered on the way."""
    while True:
        message = socket.receive()
        if message["type"] == "websocket.close":
            raise WebSocketDisconnect(message["code"])
        if message.get("bytes"):
            header, arrays = unpack(message["bytes"])
            socket.send_json({"do": "seen", "frame": header["frame"]})
            if kind == "frame":
                return header, arrays
        else:
            found = json.loads(message["text"])
            if found["kind"] == kind:
                return found


def test_the_page_and_its_headers(client):
    page = client.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "<script>" not in page.text
    assert " style=" not in page.text


def test_all_modules_are_asked_for_at_once(client):
    """Else a browser learns of them one after the other, which takes it as long again as all the rest."""
    asked = re.findall(r'<link rel="modulepreload" href="js/([^"]+)">', client.get("/").text)
    found = {each.name for each in files("handgrad.playground").joinpath("static", "js").iterdir()}
    assert set(asked) == {name for name in found if name.endswith(".js")}
    for name in asked:
        assert client.get(f"/js/{name}").status_code == 200


def test_a_tab_learns(client):
    with client.websocket_connect(SOCKET, headers=ORIGIN) as socket:
        hello = told(socket, "hello")
        assert {"moons", "iris"} <= {each["name"] for each in hello["catalogue"]["datasets"]}
        socket.send_json({"do": "open", "document": {"training": {"epochs": 3}, "view": {"speed": 0}}})
        assert told(socket, "state")["document"]["training"]["epochs"] == 3
        socket.send_json({"do": "run"})
        header, _ = told(socket, "frame")
        while header["epoch"] < 3:
            header, arrays = told(socket, "frame")
        assert arrays["params"].shape == (35,)
        socket.send_json({"do": "prove"})
        while not (proof := told(socket, "proof"))["finished"]:
            pass
        assert proof["verdict"] == "PASSED"
        socket.send_json({"do": "export", "to": "python"})
        assert told(socket, "file")["name"] == "playground.py"


def test_a_page_whose_document_is_refused_gets_another(client):
    with client.websocket_connect(SOCKET, headers=ORIGIN) as socket:
        socket.send_json({"do": "open", "document": {"data": {"name": "nonsense"}}})
        assert "unknown data 'nonsense'" in told(socket, "error")["message"]
        assert told(socket, "state")["document"]["data"]["name"] == "moons"
        assert told(socket, "frame")


def test_a_long_job_can_be_stopped(client):
    with client.websocket_connect(SOCKET, headers=ORIGIN) as socket:
        socket.send_json({"do": "open", "document": {"data": {"n": 50}}})
        socket.send_json({"do": "compare", "seeds": 50})
        socket.send_json({"do": "prove"})
        assert "is still at work; stop it first" in told(socket, "error")["message"]
        socket.send_json({"do": "stop"})
        socket.send_json({"do": "prove"})
        while not (proof := told(socket, "proof"))["finished"]:
            pass
        assert proof["verdict"] == "PASSED"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8420", "", "[::2]:8420"])
def test_other_hosts_are_refused(client, host):
    assert client.get("/", headers={"host": host}).status_code == 421
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(SOCKET, headers={"host": host}):
        pass


@pytest.mark.parametrize("host", ["127.0.0.1:8420", "localhost:1", "[::1]:8420", "localhost"])
def test_this_machine_is_answered(client, host):
    assert client.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9999", "http://localhost:8420"])
def test_pages_of_others_get_no_socket(client, origin):
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(SOCKET, headers={"origin": origin}):
        pass


def test_with_a_token_nobody_gets_in_without_it():
    with TestClient(make_app(Limits(), ("*",), token="secret"), base_url="http://somewhere.example") as client:
        assert client.get("/").status_code == 200  # the page holds nothing of anybody's
        for query in ("", "?token=", "?token=secre", "?token=secret2"):
            with pytest.raises(WebSocketDisconnect), client.websocket_connect(f"ws://somewhere.example/session{query}"):
                pass
        with client.websocket_connect("ws://somewhere.example/session?token=secret") as socket:
            assert told(socket, "hello")


@pytest.mark.parametrize(
    "path",
    ["/../pyproject.toml", "/..%2f..%2fserver.py", "/%2e%2e/server.py", "/..\\server.py", "//etc/passwd", "/static/"],
)
def test_no_other_file_is_read(client, path):
    answer = client.get(path)
    assert answer.status_code in (404, 400)
    assert "import" not in answer.text


def test_lessons_are_served_by_their_names(client):
    with client.websocket_connect(SOCKET, headers=ORIGIN) as socket:
        listed = told(socket, "hello")["lessons"]
    for each in listed:
        assert client.get(f"/lessons/{each['name']}").json()["title"] == each["title"]
    assert client.get("/lessons/none").status_code == 404
    assert client.get("/lessons/..%2f..%2fserver").status_code == 404


# --- limits -------------------------------------------------------------------------------------------------------


def test_places_are_limited_and_given_back():
    with TestClient(make_app(Limits(sessions=2)), base_url=HOME) as client:
        with client.websocket_connect(SOCKET) as one, client.websocket_connect(SOCKET) as two:
            assert told(one, "hello")
            assert told(two, "hello")
            with client.websocket_connect(SOCKET) as three:
                assert "all 2 places of this playground are taken" in told(three, "error")["message"]
                assert three.receive()["code"] == 1013
        with client.websocket_connect(SOCKET) as again:
            assert told(again, "hello")


def test_who_is_idle_for_too_long_is_let_go():
    with (
        TestClient(make_app(Limits(idle_seconds=1)), base_url=HOME) as client,
        client.websocket_connect(SOCKET) as socket,
    ):
        told(socket, "hello")
        closed = socket.receive()
        assert (closed["type"], closed["code"]) == ("websocket.close", 1001)


def test_frames_that_are_drawn_are_no_questions():
    with (
        TestClient(make_app(Limits(idle_seconds=1)), base_url=HOME) as client,
        client.websocket_connect(SOCKET) as socket,
    ):
        socket.send_json({"do": "open", "document": {"training": {"epochs": 1_000_000}}})
        socket.send_json({"do": "run"})
        with pytest.raises(WebSocketDisconnect) as closed:
            told(socket, "nothing of that kind")
        assert closed.value.code == 1001


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("{", "is no JSON"),
        ('{"do": NaN}', "NaN is no JSON number"),
        ("[" * 100_000, ""),
        ('{"do": "open", "document": "' + "x" * 5_000_000 + '"}', "this playground allows 4,000,000"),
        ("null", "a message is an object"),
        ('{"do": "fly"}', "unknown message 'fly'"),
        (json.dumps({"do": "reset", "seed": "x" * 10**6}), "seed is 'xxx"),
    ],
    ids=["half", "nan", "deep", "long", "null", "unknown", "echo"],
)
def test_what_is_no_message_is_answered_and_the_tab_goes_on(client, message, words):
    with client.websocket_connect(SOCKET, headers=ORIGIN) as socket:
        socket.send_text(message)
        error = told(socket, "error")["message"]
        assert words in error
        assert len(error) <= 2_000
        socket.send_bytes(b"\0\1")
        assert "messages are text" in told(socket, "error")["message"]
        socket.send_json({"do": "open", "document": {}})
        assert told(socket, "state")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(JSON | st.fixed_dictionaries({"do": st.sampled_from(["open", "change", "edit", "run"])}), max_size=5))
def test_any_messages_leave_the_server_alive(client, messages):
    with client.websocket_connect(SOCKET, headers=ORIGIN) as socket:
        for message in messages:
            socket.send_text(json.dumps(message))
        socket.send_json({"do": "columns", "csv": "a,b\n1,2\n"})
        assert told(socket, "columns")["rows"] == 1


def test_a_fault_of_ours_ends_no_other_tab(client, monkeypatch, caplog):
    from handgrad.playground.session import Session

    def broken(self):
        raise RuntimeError("a fault")

    with client.websocket_connect(SOCKET, headers=ORIGIN) as one:
        told(one, "hello")
        with monkeypatch.context() as patched, caplog.at_level(logging.CRITICAL, "handgrad.playground.lane"):
            patched.setattr(Session, "frame", broken)
            one.send_json({"do": "open", "document": {}})
            assert "a fault of the playground" in told(one, "error")["message"]
        with client.websocket_connect(SOCKET, headers=ORIGIN) as two:
            two.send_json({"do": "open", "document": {}})
            assert told(two, "frame")
        one.send_json({"do": "step", "unit": "epoch"})
        assert told(one, "frame")[0]["epoch"] == 1


def test_a_port_that_is_taken_is_an_error():
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            serve(port=taken.getsockname()[1])
