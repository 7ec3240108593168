"""What must not get past the labelling page, each as a client would send it to a running server."""

import re
from pathlib import Path

import pytest

from tests.labelling.conftest import make_run
from tests.labelling.served import serving

HTML = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile") / f"run {HTML.replace('/', '')}"
    make_run(folder)
    (folder.parent / "secret.txt").write_text("secret")
    with serving(folder) as served:
        yield served


@pytest.fixture(scope="module")
def ada(server):
    return server.enter("Ada")["person"]


ADDRESSES = ["/", "/assets/label.js", "/picture/1/0/0", "/labels/1", "/api/person", "/nothing"]


@pytest.mark.parametrize("path", ADDRESSES)
@pytest.mark.parametrize(
    "cookie", [None, "", "x=y", "didlearn-label-{port}=", "didlearn-label-{port}=wrong", "a=\x01;;="]
)
def test_without_the_token_everything_is_refused(server, path, cookie):
    given = None if cookie is None else cookie.format(port=server.port)
    status, headers, body = server.ask("GET", path, headers={"Cookie": given})
    assert status == 403
    assert "Set-Cookie" not in headers
    assert server.token.encode() not in body


def test_a_wrong_token_in_the_address_is_refused(server):
    for token in ("", "wrong", server.token[:-1], server.token + "x", "%00", "é"):
        assert server.ask("GET", f"/?token={token}".replace("é", "%C3%A9"), known=False)[0] == 403
    # Only the page itself takes it from the address.
    assert server.ask("GET", f"/labels/1?token={server.token}", known=False)[0] == 403


def test_the_token_becomes_a_cookie_no_other_site_can_send(server):
    status, headers, body = server.ask("GET", f"/?token={server.token}", known=False)
    assert status == 200
    assert re.search(r"HttpOnly; SameSite=Strict", headers["set-cookie"])
    assert server.token.encode() not in body


def test_the_token_is_long_random_and_new_each_time(server, run):
    with serving(run) as other:
        assert other.token != server.token
        assert len(other.token) >= 43


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.0.0.1.evil.example:{port}",
        "0.0.0.0:{port}",
        "",
    ],
)
def test_a_foreign_host_header_is_refused(server, host):
    """DNS rebinding: a name of the attacker's that leads to loopback."""
    for method, path in (("GET", f"/?token={server.token}"), ("POST", "/api/person")):
        headers = {"Host": host.format(port=server.port)}
        assert server.ask(method, path, {"name": "Eve"} if method == "POST" else None, headers)[0] in (400, 403)


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "https://127.0.0.1:{port}",
        "http://127.0.0.1:1",
        "http://127.0.0.1:{port}.evil.example",
        "",
        None,
    ],
)
def test_a_wrong_origin_cannot_write(server, ada, origin):
    given = None if origin is None else origin.format(port=server.port)
    message = {"person": ada, "position": 0, "answer": "d"}
    assert server.ask("POST", "/api/label", message, {"Origin": given})[0] == 403
    assert server.enter("Ada")["answers"][0] is None


def test_a_wrong_origin_cannot_read(server):
    assert server.ask("GET", "/labels/1", headers={"Origin": "http://evil.example"})[0] == 403
    for site in ("cross-site", "same-site"):
        assert server.ask("GET", "/picture/1/0/0", headers={"Origin": None, "Sec-Fetch-Site": site})[0] == 403
    assert server.ask("GET", "/", headers={"Origin": None})[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/assets/../../secret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/assets/%2e%2e/%2e%2e/secret.txt",
        "/assets/..\\..\\secret.txt",
        "/assets/%252e%252e%252fsecret.txt",
        "/assets//etc/passwd",
        "/assets/%2fetc%2fpasswd",
        "/assets/label.html",
        "/assets/app.py",
        "/assets/label.js%00",
        "/audit.json",
        "/arrays.npz",
        "/labels/labels.sqlite",
        "/picture/1/0/../../../audit.json",
        "/picture/1/-1/0",
        "/picture/1/0/2",
        "/picture/1/999999/0",
        "/picture/999/0/0",
        "/picture/1/99999999999999999999999999/0",
        "/labels/999",
    ],
)
def test_no_path_leads_out(server, ada, path):
    status, _, body = server.ask("GET", path)
    assert status in (400, 404)
    assert b"secret" not in body
    assert b"root:" not in body


def test_a_label_of_ten_megabytes_is_refused_and_the_server_lives(server, ada):
    huge = b'{"person": %d, "position": 0, "answer": "' % ada + b"d" * 10_000_000 + b'"}'
    assert server.ask("POST", "/api/label", huge)[0] == 413
    assert server.ask("POST", "/api/person", b'{"name": "' + b"A" * 5_000 + b'"}')[0] == 413
    assert server.enter("Ada")["answers"][0] is None


def test_a_long_message_without_a_length_is_refused(server):
    headers = {"Transfer-Encoding": "chunked", "Content-Length": None}
    body = b"%x\r\n" % 100_000 + b"x" * 100_000 + b"\r\n0\r\n\r\n"
    assert server.ask("POST", "/api/label", body, headers)[0] == 413


@pytest.mark.parametrize(
    "body",
    [
        b"", b"d", b"[]", b"null", b'{"person": 1}', b'{"person": 1, "position": 0, "answer": "x"}',
        b'{"person": 1, "position": 0, "answer": ["d"]}', b'{"person": 1, "position": -1, "answer": "d"}',
        b'{"person": 1, "position": 1e400, "answer": "d"}', b'{"person": true, "position": 0, "answer": "d"}',
        b'{"person": 1, "position": 0, "answer": "d", "truth": 1}', b'{"person": "1", "position": 0, "answer": "d"}',
        b'{"person": 1, "position": NaN, "answer": "d"}', b"[" * 4_000, b"\xff\xfe",
    ],
)  # fmt: skip
def test_what_is_no_label_is_refused(server, ada, body):
    assert server.ask("POST", "/api/label", body)[0] == 422


@pytest.mark.parametrize("person", [0, 999])
def test_nobody_labels_as_a_stranger(server, person):
    assert server.press(person, 0, "d") == 404


def test_another_type_than_json_is_refused(server):
    """Such a form could be sent by any page, without asking first."""
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", None):
        assert server.ask("POST", "/api/person", {"name": "Eve"}, {"Content-Type": kind})[0] == 415


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/label"),
        ("GET", "/api/undo"),
        ("POST", "/"),
        ("PUT", "/api/label"),
        ("DELETE", "/labels/1"),
        ("POST", "/labels/1"),
        ("OPTIONS", "/api/label"),
        ("TRACE", "/"),
    ],
)
def test_reading_is_by_get_and_writing_by_post_alone(server, method, path):
    assert server.ask(method, path)[0] in (400, 403, 404, 405)


@pytest.mark.parametrize("name", ["", " ", "x" * 61, "a\nb", "a\x00b", "\u202egnp", "a\ud800"])
def test_names_that_cannot_be_printed_are_refused(server, name):
    assert server.ask("POST", "/api/person", {"name": name})[0] == 422


def test_html_in_names_is_escaped(server):
    page = server.ask("GET", "/")[2].decode()
    assert "&lt;img src=x onerror" in page
    assert "<img" not in page
    entered = server.ask("POST", "/api/person", {"name": HTML})
    assert entered[0] == 200
    assert entered[1]["content-type"] == "application/json"


def test_every_answer_forbids_what_the_page_does_not_need(server):
    for path in ("/", "/assets/label.css", "/nothing", "/picture/1/0/0"):
        headers = server.ask("GET", path)[1]
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in headers
        assert "server" not in headers
    page = server.ask("GET", "/")[2].decode()
    assert not re.search(r"<script(?![^>]*src=)|<style|<[^>]*\s(style|on\w+)=|https?://", page)


def test_the_server_listens_on_loopback_alone(server):
    lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()
    local = [line.split()[1] for line in lines if line.split()[3] == "0A"]
    assert [address for address in local if int(address.split(":")[1], 16) == server.port] == [
        f"0100007F:{server.port:04X}"
    ]


@pytest.mark.parametrize("number", ["9" * 10, "9" * 30, "9" * 5000, "-1", "1e3"])
def test_a_number_that_nobody_has_is_not_found(server, ada, number):
    own = f"/picture/{ada}"
    assert server.ask("GET", f"{own}/0/0")[0] == 200
    for path in (f"/labels/{number}", f"/picture/{number}/0/0", f"{own}/{number}/0", f"{own}/0/{number}"):
        assert server.ask("GET", path)[0] == 404
