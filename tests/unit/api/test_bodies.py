"""How a request's body is read: its kinds, its limits, and what a caller did wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import pytest

from dailies.api import bodies
from dailies.api.bodies import Upload, open_body
from dailies.inputs.examine import digest
from dailies.video.errors import InvalidRequest, TooSlow
from tests.unit.api.asking import FORM, JSON, LIMIT, MULTIPART, part, refusal, request


@pytest.mark.parametrize(
    ("content_type", "pieces"),
    [
        (JSON, [b'{"prompt": "a pi', b'er", "video": {"id": "v"}}']),
        ("text/plain", [b'{"prompt": "a pier", "video": {"id": "v"}}']),
        (
            "application/json; charset=utf-8",
            [b'\xef\xbb\xbf{"prompt": "a pier", "video": {"id": "v"}}'],
        ),
        (
            "multipart/form-data; charset=UTF-8; boundary=b",
            [part("prompt", b"a pier") + part("video[id]", b"v") + b"--b--\r\nepilogue"],
        ),
        (FORM, [b"prompt=a+pi", b"er&video%5Bid%5D=v"]),
        (MULTIPART, [part("prompt", b"a pier") + part("video[id]", b"v") + b"--b--"]),
    ],
)
async def test_every_kind_of_body_has_one_shape(content_type: str, pieces: list[bytes]) -> None:
    async with open_body(request(content_type, *pieces), max_inline_bytes=LIMIT) as body:
        assert dict(body.fields) == {"prompt": "a pier", "video": {"id": "v"}}


@pytest.mark.parametrize(
    "form",
    [b"prompt=&prompt=a+pier", b"prompt=a+pier&prompt=a+pier", b"prompt=a+pier&prompt="],
)
async def test_a_field_may_be_left_empty_or_say_the_same_again(form: bytes) -> None:
    async with open_body(request(FORM, form), max_inline_bytes=LIMIT) as body:
        assert dict(body.fields) == {"prompt": "a pier"}


async def test_a_file_is_read_in_pieces_while_the_body_is_open() -> None:
    content = bytes(range(256)) * 20_000  # more than is spooled in memory
    form = part("video", content, "clip.mp4") + part("video", b"two", "second.mp4") + b"--b--"
    async with open_body(request(MULTIPART, form), max_inline_bytes=LIMIT) as body:
        first, second = body.uploads
        assert (first.filename, first.length) == ("clip.mp4", len(content))
        assert await first.read(250, 10) == content[250:260]
        assert await digest(first) == hashlib.sha256(content).hexdigest()
        assert await digest(first) == hashlib.sha256(content).hexdigest()
        assert first.file._in_memory is False
        assert body.fields["video"] is second
    assert first.file.file.closed


@pytest.mark.parametrize("content_type", [JSON, FORM, MULTIPART])
async def test_a_body_that_ends_too_early_is_the_callers(content_type: str) -> None:
    error = await refusal(request(content_type, part("prompt", b"a pi"), then="leaves"))
    assert isinstance(error, InvalidRequest)
    assert error.code == "incomplete_body"


@pytest.mark.parametrize("content_type", [JSON, MULTIPART])
async def test_a_body_that_does_not_arrive_is_a_408(
    content_type: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "_LONGEST_READ_SECONDS", 0.05)
    error = await refusal(request(content_type, part("prompt", b"a pi"), then="waits"))
    assert isinstance(error, TooSlow)
    assert "send the request again" in error.message


@pytest.mark.parametrize(
    ("content_type", "pieces", "code"),
    [
        (JSON, [b""], "missing_body"),
        (JSON, [b" \n"], "missing_body"),
        (JSON, [b"{"], "invalid_json"),
        (JSON, [b"[1]"], "invalid_json"),
        (JSON, [b"\xff\xfe"], "invalid_json"),
        (JSON, [b"[" * 100_000], "invalid_json"),
        (JSON, [b'{"prompt": "a pier", "prompt": "a pie"}'], "repeated_field"),
        (FORM, [b"prompt=a+pier&prompt=a+pie"], "repeated_field"),
        (FORM, [b"video=v&video%5Bid%5D=w"], "repeated_field"),
        (MULTIPART, [part("prompt", b"a") + part("prompt", b"b") + b"--b--"], "repeated_field"),
        (
            MULTIPART,
            [part("video[id]", b"a") + part("video[id]", b"b") + b"--b--"],
            "repeated_field",
        ),
        (
            MULTIPART,
            [part("input_reference", b"file", "a.png") + part("input_reference", b"b") + b"--b--"],
            "repeated_field",
        ),
        (FORM, [b"&".join(b"a%d=1" % n for n in range(70))], "invalid_form"),
        (MULTIPART, [b"no form"], "invalid_form"),
        (MULTIPART, [b""], "invalid_form"),
        (MULTIPART, [part("prompt", b"a pier")], "invalid_form"),
        (MULTIPART, [part("prompt", b"\xff") + b"--b--"], "invalid_form"),
        (MULTIPART, [b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--"], "invalid_form"),
        ("multipart/form-data", [b"--b--"], "invalid_form"),
        ("multipart/form-data; boundary=" + "b" * 300, [b"--b--"], "invalid_form"),
        (FORM, [b"prompt=%ff"], "invalid_form"),
        (FORM, [b"prompt=\xff"], "invalid_form"),
        (JSON, [b'{"prompt": "\xff"}'], "invalid_json"),
        (JSON, ['{"prompt": "x"}'.encode("utf-16")], "invalid_json"),
        (JSON, [b'{"prompt": "x", "seconds": NaN}'], "invalid_json"),
        (JSON, [b'{"prompt": "x", "seconds": 1e999}'], "invalid_json"),
        (JSON, [b'{"prompt": "x", "seconds": ' + b"9" * 5000 + b"}"], "invalid_json"),
    ],
)
async def test_what_is_no_body_says_what_is_wrong(
    content_type: str, pieces: Iterable[bytes], code: str
) -> None:
    error = await refusal(request(content_type, *pieces))
    assert (error.status, error.code) == (400, code)


async def test_an_error_of_the_route_closes_the_files() -> None:
    form = part("video", b"clip", "clip.mp4") + b"--b--"
    seen: list[Upload] = []

    async def fails() -> None:
        async with open_body(request(MULTIPART, form), max_inline_bytes=LIMIT) as body:
            seen.extend(body.uploads)
            raise LookupError

    with pytest.raises(LookupError):
        await fails()
    assert seen[0].file.file.closed


def _part(disposition: str, value: bytes, *headers: str) -> bytes:
    lines = ["--b", f"Content-Disposition: form-data; {disposition}", *headers, "", ""]
    return "\r\n".join(lines).encode() + value + b"\r\n--b--"


@pytest.mark.parametrize(
    ("disposition", "headers", "says"),
    [
        ('name="picture"', [], "needs a 'filename'"),
        ('name="picture"', ["Content-Type: image/png"], "needs a 'filename'"),
        (
            'name="picture"; filename="a.png"',
            ["Content-Transfer-Encoding: base64"],
            "Content-Transfer-Encoding",
        ),
        (
            'name="picture"',
            ["content-transfer-encoding: Quoted-Printable"],
            "Content-Transfer-Encoding",
        ),
    ],
)
async def test_a_part_that_can_t_be_read_is_named(
    disposition: str, headers: list[str], says: str
) -> None:
    form = _part(disposition, b"\x89PNG\xff", *headers)
    error = await refusal(request(MULTIPART, form))
    assert (error.status, error.code, error.param) == (400, "invalid_form", "picture")
    assert "'picture'" in error.message
    assert says in error.message


@pytest.mark.parametrize("encoding", ["binary", "8BIT", " 7bit "])
async def test_a_part_may_say_that_it_is_as_it_is(encoding: str) -> None:
    form = _part('name="prompt"', b"a pier", f"Content-Transfer-Encoding: {encoding}")
    async with open_body(request(MULTIPART, form)) as body:
        assert body.fields == {"prompt": "a pier"}


@pytest.mark.parametrize(
    ("filename", "name"),
    [
        ("filename*=UTF-8''a.png", "a.png"),
        ("filename*=utf-8'en's%C3%B8.png", "s\u00f8.png"),
        ("filename*=UTF-8''%ff.png", "\ufffd.png"),
        ("filename*=nothing''a.png", "a.png"),
        ("filename*=UTF-8''a.png; filename=\"b.png\"", "b.png"),
    ],
)
async def test_a_file_s_name_may_be_extended(filename: str, name: str) -> None:
    form = _part(f'name="files"; {filename}', b"\x89PNG\xff")
    async with open_body(request(MULTIPART, form)) as body:
        (upload,) = body.uploads
        assert (upload.filename, upload.where) == (name, "files")
        assert await upload.read(0, 9) == b"\x89PNG\xff"


async def test_a_file_that_was_not_chosen_is_an_empty_field() -> None:
    form = _part('name="input_reference"; filename=""', b"", "Content-Type: image/png")
    async with open_body(request(MULTIPART, form)) as body:
        assert (body.fields, body.uploads) == ({"input_reference": ""}, ())


@pytest.mark.parametrize(
    ("content_type", "form"),
    [
        (FORM, b"foo%5B%5D=1&foo%5B%5D=2&bar%5Ba%5D%5B%5D=1&bar%5Ba%5D%5B%5D=1"),
        (
            MULTIPART,
            part("foo[]", b"1") + part("foo[]", b"2") + part("bar[a][]", b"1") * 2 + b"--b--",
        ),
    ],
)
async def test_a_name_with_brackets_is_a_list(content_type: str, form: bytes) -> None:
    async with open_body(request(content_type, form)) as body:
        assert body.fields == {"foo[]": ["1", "2"], "bar[a][]": ["1", "1"]}


@pytest.mark.parametrize(
    "content_type", ["application/xml", "multipart/mixed; boundary=b", "image/png", "text/html"]
)
async def test_a_type_that_is_not_read_says_which_are(content_type: str) -> None:
    error = await refusal(request(content_type, b"{}"))
    assert (error.status, error.code) == (415, "unsupported_content_type")
    assert f"'{content_type.partition(';')[0]}'" in error.message
    for taken in (JSON, "multipart/form-data", FORM):
        assert taken in error.message


@pytest.mark.parametrize(
    "content_type",
    ["", "json", "text/json", "application/vnd.api+json", "application/octet-stream"],
)
async def test_what_may_be_json_is_read_as_json(content_type: str) -> None:
    async with open_body(request(content_type, b'{"prompt": "x"}')) as body:
        assert body.fields == {"prompt": "x"}
