"""Broken and hostile uploads: OpenML's error, never the server's failure, and nothing is kept of them."""

import random
from itertools import product

import pytest
import requests

NAMESPACE = 'xmlns:oml="http://openml.org/openml"'
ROOTS = {
    "data": "data_set_description",
    "task": "task_inputs",
    "flow": "flow",
    "run": "run",
    "study": "study",
    "setup/exists": "run",
}
ARFF = b"@RELATION r\n@ATTRIBUTE a NUMERIC\n@ATTRIBUTE c {x,y}\n@DATA\n1,x\n2,y\n"


def document(root, body=""):
    return f"<oml:{root} {NAMESPACE}>{body}</oml:{root}>".encode()


def laughs():
    entities = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))
    return f'<!DOCTYPE x [<!ENTITY l0 "ha">{entities}]>'.encode()


def broken_documents(root):
    whole = document(root, "<oml:name>n</oml:name><oml:description>d</oml:description><oml:format>ARFF</oml:format>")
    yield b""
    yield b"\x00" * 100
    yield b"\xff\xfe<\x00o\x00m\x00l\x00"
    yield "<oml:x>ü".encode("latin-1")
    yield b'<?xml version="1.0" encoding="utf-16"?>' + whole
    yield whole[: len(whole) // 2]
    yield whole + whole
    yield document("something_else")
    yield document(root)
    yield laughs() + document(root, "<oml:name>&l9;</oml:name>")
    yield b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + document(root, "<oml:name>&e;</oml:name>")
    yield b"<a>" * 20_000
    yield document(root, "<oml:component><oml:flow>" * 5_000)
    yield document(root, "<oml:name>" + "n" * 1_000_000 + "</oml:name>")
    yield document(root, "<oml:task_id>99999999999999999999</oml:task_id><oml:flow_id>-1</oml:flow_id>")
    yield document(root, "<oml:task_id>1e9</oml:task_id><oml:flow_id>NaN</oml:flow_id>")
    yield document(root, '<oml:output_data><oml:evaluation repeat="-1" fold="x"/></oml:output_data><oml:flow_id>1</oml:flow_id>')
    yield document(root, "<oml:name>../../etc/passwd</oml:name><oml:description/><oml:format>ARFF</oml:format>")
    yield document(root, "<oml:name>a\x01b</oml:name>")
    random_bytes = random.Random(root)
    for _ in range(12):
        noisy = bytearray(whole)
        for _ in range(random_bytes.randint(1, 8)):
            noisy[random_bytes.randrange(len(noisy))] = random_bytes.randrange(256)
        yield bytes(noisy)


def broken_tables():
    yield b""
    yield b"PAR1"
    yield b"PAR1" + b"\x00" * 64 + b"PAR1"
    yield b"PAR1" + b"\xff" * 4096 + b"\xff\xff\xff\x7fPAR1"
    yield ARFF[:-3]
    yield ARFF.replace(b"2,y", b"2,z")
    yield ARFF.replace(b"2,y", b"two,y")
    yield ARFF.replace(b"2,y", b"2")
    yield ARFF.replace(b"2,y", b"2,y,3")
    yield ARFF.replace(b"{x,y}", b"{x,x}")
    yield ARFF.replace(b"NUMERIC", b"RELATIONAL")
    yield ARFF.replace(b"@ATTRIBUTE c", b"@ATTRIBUTE a")
    yield ARFF.replace(b"1,x", b"'1,x")
    yield ARFF.replace(b"1,x", b"{0 1, 99999999999 x}")
    yield ARFF.replace(b"1,x", b"{-1 1}")
    yield ARFF.replace(b"@DATA", b"@DAT")
    yield b"@RELATION r\n" + b"@ATTRIBUTE a NUMERIC\n" * 3 + b"@DATA\n"
    yield b"\x1f\x8b" + b"\x00" * 100
    yield b"PK\x03\x04" + b"\x00" * 100
    yield "@RELATION ü\n".encode("latin-1")
    noise = random.Random(7)
    for _ in range(60):
        noisy = bytearray(ARFF)
        for _ in range(noise.randint(1, 6)):
            noisy[noise.randrange(len(noisy))] = noise.randrange(256)
        yield bytes(noisy)


def assert_refused(answer, accepted=()):
    assert answer.status_code in {412, 450, 404, 413, 414, *accepted}, (answer.status_code, answer.text[:300])
    if answer.status_code not in accepted:
        assert "<oml:code>" in answer.text and "<oml:message>" in answer.text, answer.text[:300]


def post(server, call, **files):
    parts = {name: (f"../../{name}.xml", content) for name, content in files.items()}
    return requests.post(f"{server.url}/api/v1/xml/{call}", data={"api_key": server.anna}, files=parts, timeout=30)


@pytest.mark.parametrize(("call", "at"), list(product(ROOTS, range(31))))
def test_documents(server, call, at):
    content = list(broken_documents(ROOTS[call]))[at]
    # Text is taken as UTF-8 whatever it says of itself, and what noise leaves intact is no crime.
    accepted = (200,) if at == 4 or at >= 17 else ()
    assert_refused(post(server, call, description=content, dataset=ARFF, predictions=ARFF), accepted)


@pytest.mark.parametrize("at", range(80))
def test_tables(server, word, at):
    content = list(broken_tables())[at]
    described = document(
        "data_set_description",
        f"<oml:name>{word}</oml:name><oml:description>d</oml:description><oml:format>ARFF</oml:format>",
    )
    assert_refused(post(server, "data", description=described, dataset=content), (200,) if at >= 16 else ())


@pytest.mark.parametrize("at", range(80))
def test_predictions_and_traces(server, nested_run, at):
    content = list(broken_tables())[at]
    described = nested_run.local._to_xml().encode()
    assert_refused(post(server, "run", description=described, predictions=content))
    assert_refused(post(server, "run", description=described, predictions=content, trace=content))


def test_a_wrong_md5(server, word):
    described = document(
        "data_set_description",
        f"<oml:name>{word}</oml:name><oml:description>d</oml:description><oml:format>ARFF</oml:format>"
        f"<oml:md5_checksum>{'0' * 32}</oml:md5_checksum>",
    )
    answer = post(server, "data", description=described, dataset=ARFF)
    assert_refused(answer)
    assert "MD5" in answer.text


@pytest.mark.parametrize("cut", [0, 10, 100, 200, 300])
def test_cut_multipart(server, cut):
    boundary = "b0undary"
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="api_key"\r\n\r\n{server.anna}\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="description"; filename="description"\r\n\r\n<oml:x/>\r\n--{boundary}--\r\n'
    ).encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    assert_refused(requests.post(f"{server.url}/api/v1/data", data=body[:cut], headers=headers, timeout=30))


@pytest.mark.parametrize("kind", ["", "multipart/form-data", "application/json", "text/plain; charset=nothing"])
def test_other_bodies(server, kind):
    answer = requests.post(f"{server.url}/api/v1/data", data=b"\x80" * 1000, headers={"Content-Type": kind}, timeout=30)
    assert_refused(answer)


@pytest.mark.parametrize(
    "path",
    ["data/v1/download/../../../../etc/passwd", "data/download/1/..%2f..%2fx", "parquet/1/..%2fx", "api_splits/get/x/y", "api/v1/xml/data/%00"],
)
def test_paths(server, path):
    assert requests.get(f"{server.url}/{path}", timeout=30).status_code < 500


def test_the_server_is_well(server, flowers):
    assert requests.get(f"{server.url}/health", timeout=5).text == "ok\n"
    assert requests.get(f"{server.url}/data/{flowers.id}", timeout=30).status_code == 200
