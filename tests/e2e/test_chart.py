# SPDX-License-Identifier: MIT
"""The board as a picture in the mail, and nowhere else."""
import email
import email.policy
import json
import struct
import zlib

import pytest

import plant

AT = {"hourly": "2024-11-03T09:05:00Z", "eos": "2024-11-03T14:30:00Z"}
MAIL = {"type": "email", "url": "smtp://localhost", "tls": "none", "from": "bmad@example.com",
        "to": ["ana@example.com", "ben@example.com"]}


@pytest.fixture(scope="module")
def plant_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("plant") / "plant.db"
    plant.make_plant(path, seed=31)
    return path


@pytest.fixture
def zone_bmad(make_bmad, plant_path):
    """zone_bmad(channels...): one with the two jobs that have a board."""

    def make(*channels, **more):
        options = {"source": "plant", "zone": "Z1"}
        jobs = {name: {"module": f"zone_{name}", "channels": list(channels), "options": options} for name in AT}
        return make_bmad(jobs=jobs, sources={"plant": f"sqlite:{plant_path}"}, channels={"mail": MAIL, **more})

    return make


def dry(bmad, job):
    return bmad.once(job, "--at", AT[job], "--dry-run")


def parse(payload):
    return email.message_from_string(payload, policy=email.policy.default)


def picture_of(message):
    (part,) = [part for part in message.walk() if part.get_content_type() == "image/png"]
    html = message.get_body(("html",)).get_content()
    assert part.get_content_disposition() == "inline" and part.get_filename() == "chart.png"
    assert f'src="cid:{part["Content-ID"].strip("<>")}"' in html
    return part.get_payload(decode=True)


def size_of(png):
    """Width and height; every chunk's sum is right and the pixels are all there."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, pixels, kind = 8, b"", b""
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at:at + 8])
        data = png[at + 8:at + 8 + length]
        assert zlib.crc32(kind + data) == struct.unpack(">I", png[at + 8 + length:at + 12 + length])[0]
        if kind == b"IHDR":
            width, height, depth, color = struct.unpack(">IIBB", data[:10])
        pixels += data if kind == b"IDAT" else b""
        at += 12 + length
    assert kind == b"IEND" and (depth, color) == (8, 2)
    assert len(zlib.decompress(pixels)) == height * (1 + 3 * width)
    return width, height


@pytest.mark.parametrize("job", AT)
def test_a_mail_shows_the_board_as_a_picture(zone_bmad, job):
    got = dry(zone_bmad("mail"), job)
    assert got["result"] == "ok" and len(got["messages"]) == 2
    for message in got["messages"]:
        png = picture_of(parse(message["payload"]))
        assert size_of(png) == (1200, 592)
        assert message["attachments"] == [{"name": "chart.png", "content_type": "image/png", "bytes": len(png)}]
        html = parse(message["payload"]).get_body(("html",)).get_content()
        first = got["data"][0]["board"][0]
        assert f'{first["actual"]} of {first["target"]}' in html[html.index('alt="'):]


def test_bmad_render_shows_what_the_run_sent(zone_bmad, tmp_path):
    bmad = zone_bmad("mail")
    got = dry(bmad, "hourly")
    (tmp_path / "data.json").write_text(json.dumps(got["data"][0]), encoding="utf-8")
    shown = bmad.command("render", "hourly", "--data", str(tmp_path / "data.json"))
    assert shown.returncode == 0, shown.stderr
    assert picture_of(parse(shown.stdout)) == picture_of(parse(got["messages"][0]["payload"]))


def test_other_channels_have_no_picture(zone_bmad):
    bmad = zone_bmad("console", "teams", teams={"type": "teams", "url": "https://example.com/hook"})
    for message in dry(bmad, "hourly")["messages"]:
        assert message["attachments"] == [] and "cid:" not in json.dumps(message["payload"])


def test_a_template_that_shows_none_sends_none(zone_bmad):
    bmad = zone_bmad("mail")
    folder = bmad.folder / "templates" / "zone_hourly"
    folder.mkdir(parents=True)
    (folder / "report.email.html.mustache").write_text("<p>{{zone.name}}, cid: {{bmad.view.chart.alt}}</p>")
    for message in dry(bmad, "hourly")["messages"]:
        assert message["attachments"] == [] and b"image/png" not in message["payload"].encode()
