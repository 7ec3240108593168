"""Neither page nor answers tell a candidate from a planted pair."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from didlearn.labelling.sheet import Sheet
from tests.labelling.conftest import make_run
from tests.labelling.served import serving


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("blind") / "run"
    make_run(folder)
    return folder


@pytest.fixture(scope="module")
def server(folder):
    with serving(folder, "--pairs", "50") as served:
        yield served


def test_what_is_sent_is_positions_and_own_answers_alone(server):
    ada = server.enter("Ada")
    assert set(ada) == {"person", "name", "answers", "width", "height"}
    assert ada["answers"] == [None] * 50
    reply = server.ask("POST", "/api/label", {"person": ada["person"], "position": 3, "answer": "d"})
    assert json.loads(reply[2]) == {"position": 3, "answer": "d"}
    undone = server.ask("POST", "/api/undo", {"person": ada["person"]})
    assert json.loads(undone[2]) == {"position": 3, "answer": None}
    assert json.loads(server.ask("POST", "/api/undo", {"person": ada["person"]})[2])["position"] is None


def test_pictures_are_those_of_the_order_with_sides_swapped(server, folder):
    sheet = Sheet.load(folder)
    person = server.enter("Bob")["person"]
    for at, place in enumerate(sheet.order(0, "Bob", 50)):
        for side in (0, 1):
            status, headers, body = server.ask("GET", f"/picture/{person}/{at}/{side}")
            assert status == 200
            picture = Image.open(io.BytesIO(body))
            assert picture.info == {}
            assert np.array_equal(np.asarray(picture), sheet.pictures[place.pair, side ^ place.swapped])
            assert set(headers) <= {
                "date", "content-length", "content-type", "content-security-policy", "cache-control",
                "x-content-type-options", "x-frame-options", "referrer-policy", "cross-origin-opener-policy",
                "cross-origin-resource-policy",
            }  # fmt: skip
    assert server.ask("GET", f"/picture/{person}/50/0")[0] == 404


def test_a_person_s_own_csv_says_where_and_what_alone(server):
    person = server.enter("=1+1")["person"]
    server.press(person, 7, "u")
    server.press(person, 2, "d")
    lines = server.ask("GET", f"/labels/{person}")[2].decode().splitlines()
    assert lines[0] == "labeller,position,answer,at"
    assert [line.rsplit(",", 1)[0] for line in lines[1:]] == ["'=1+1,3,duplicate", "'=1+1,8,unsure"]
