"""A labboard whose upstream is another labboard: the same pages, and an upstream that may fail at any moment."""

import re
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree

import labboard
import pytest
import requests
import samples
from unreliable import proxy

# The demo: a dataset of 1.3 MB, and a task, a flow and a run.
LARGE = "data/15"
FLOOR = 1_000_000_000


@pytest.fixture(scope="module")
def upstream(tmp_path_factory):
    """A labboard with the demo."""
    with labboard.serving(tmp_path_factory.mktemp("upstream")) as (url, _):
        yield url


@pytest.fixture(scope="module")
def downstream(upstream, tmp_path_factory):
    with labboard.serving(tmp_path_factory.mktemp("downstream"), "--upstream", upstream) as (url, _):
        yield url


@pytest.fixture
def lab(tmp_path):
    """Makes a labboard with the given upstream, in a folder of its own."""
    running = []

    def make(upstream, *flags):
        context = labboard.serving(tmp_path / f"lab{len(running)}", "--upstream", upstream, *flags)
        running.append(context)
        return context.__enter__()[0]

    yield make
    for context in running:
        context.__exit__(None, None, None)


def wait_until(is_so, seconds=90, every=0.1):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if (answer := is_so()) is not None:
            return answer
        time.sleep(every)
    raise AssertionError("it has not become so")


def come(url, path):
    """A page, unless it is still being fetched."""
    page = requests.get(f"{url}/{path}")
    return None if page.status_code == 202 else page


def settled(url, path):
    """The page once everything that belongs to it is there."""

    def look():
        page = requests.get(f"{url}/{path}")
        waits = "data-fetch=" in page.text or 'data-gathering="true"' in page.text
        return None if waits else page

    page = wait_until(look)
    assert page.status_code == 200, page.text
    return page.text


def content(html):
    """What a page says, without what belongs to its server: the list of all datasets, its upstream, nonces, scripts and markers."""
    html = html[html.index("<main") : html.index("</main>")]
    html = re.sub(r"<script.*?</script>|<!--.*?-->|<!>", "", html, flags=re.DOTALL)
    html = re.sub(r'<select[^>]*name="page\.dataset".*?</select>', "", html, flags=re.DOTALL)
    html = re.sub(r"<p[^>]* data-gathering=.*?</p>", "", html, flags=re.DOTALL)
    return re.sub(r"127\.0\.0\.1:\d+|[?&]v=[0-9a-f]+", "", html)


def facts(url, path):
    """An answer of the API, without the numbers that are each server's own."""
    answer = requests.get(f"{url}/api/v1/xml/{path}")
    assert answer.status_code == 200, answer.text
    root = ElementTree.fromstring(answer.content)
    own = {"url", "parquet_url", "file_id", "uploader", "creator", "data_splits_url"}
    for parent in root.iter():
        for child in list(parent):
            if child.tag.rpartition("}")[2] in own:
                parent.remove(child)
    return ElementTree.tostring(root, encoding="unicode")


def refusal(answer):
    root = ElementTree.fromstring(answer.content)
    text = {child.tag.rpartition("}")[2]: child.text for child in root}
    return answer.status_code, int(text["code"]), text.get("additional_information")


def runs(*flags, folder, **options):
    command = [labboard.binary(), *flags, "--data-dir", folder]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **options)


@pytest.mark.parametrize("path", ["data/1", "data/5", "data/16", "task/3", "flow/1", "run/1", "data/15", "task/1", "run/100", "flow/5"])
def test_pages_are_the_same(upstream, downstream, path):
    ours = settled(downstream, path)
    assert content(ours) == content(requests.get(f"{upstream}/{path}").text)


def test_the_api_answers_the_same(upstream, downstream):
    paths = ["data/1", "data/features/1", "data/qualities/1", "task/3", "flow/1", "run/1"]
    for path in paths:
        assert facts(downstream, path) == facts(upstream, path), path
    setup = re.search(r"<oml:setup_id>(\d+)<", requests.get(f"{upstream}/api/v1/run/1").text)[1]
    assert facts(downstream, f"setup/{setup}") == facts(upstream, f"setup/{setup}")


def test_files_are_the_same(upstream, downstream):
    for path in ["data/1", "task/1", "run/1"]:
        urls = [
            re.findall(r"<oml:(?:url|data_splits_url)>(.*?)<", requests.get(f"{url}/api/v1/{path}").text)
            for url in (upstream, downstream)
        ]
        assert urls[0] and len(urls[0]) == len(urls[1])
        for theirs, ours in zip(*urls):
            assert requests.get(ours).content == requests.get(theirs).content


def test_people_are_known_by_their_names(downstream):
    run = requests.get(f"{downstream}/api/v1/run/1").text
    uploader, name = re.search(r"<oml:uploader>(\d+)<.*?uploader_name>(.*?)<", run, re.DOTALL).groups()
    users = requests.get(f"{downstream}/api/v1/user/list/user_id/{uploader}").text
    assert name == "demo-chris" and f">{name}<" in users


def test_published_runs_are_the_same(server, runs_of_all_kinds, tmp_path):
    with labboard.serving(tmp_path / "lab", "--upstream", server.url) as (url, _):
        for run in runs_of_all_kinds:
            for path in [f"run/{run.id}", f"task/{run.task}", f"flow/{run.flow.flow_id}", f"data/{run.dataset}"]:
                ours, theirs = settled(url, path), requests.get(f"{server.url}/{path}").text
                assert content(ours) == content(theirs), path
            assert facts(url, f"run/{run.id}") == facts(server.url, f"run/{run.id}")


@pytest.fixture
def runs_of_all_kinds(runs):
    return runs.values()


def test_what_nobody_has_is_not_found(downstream):
    page = requests.get(f"{downstream}/data/999999")
    assert page.status_code == 404 and "neither here nor at" in page.text
    assert requests.get(f"{downstream}/data/{FLOOR + 5}").status_code == 404
    assert requests.get(f"{downstream}/data/none").status_code == 404
    for path, code in [("data/999999", 111), ("task/999999", 151), ("flow/999999", 181), ("run/999999", 236), ("study/999999", 601)]:
        assert refusal(requests.get(f"{downstream}/api/v1/{path}"))[:2] == (412, code)


def test_one_fetch_for_all_who_ask(upstream, lab):
    with proxy(upstream) as between:
        url = lab(between.url)
        between.rate = 4_000_000
        with ThreadPoolExecutor(10) as pool:
            answers = list(pool.map(lambda _: requests.get(f"{url}/api/v1/{LARGE}").status_code, range(10)))
        assert answers == [200] * 10
        for kind in [f"/api/v1/xml/{LARGE}", "/data/v1/download/"]:
            assert sum(kind in path and "list" not in path for path in between.requests) == 1, between.requests


def test_a_cut_connection_is_explained_and_tried_again(upstream, lab):
    with proxy(upstream) as between:
        url = lab(between.url)
        between.cut_after = 300_000
        page = wait_until(lambda: come(url, LARGE))
        assert page.status_code == 502
        said = re.search(r"closed the connection after (\S+ \S+) of the (\S+ \S+) of the table of data/15", page.text)
        assert said and said[2] == "1.3 MB", page.text
        # Nothing of it is there, in no list and no file.
        assert requests.get(f"{url}/api/v1/data/list/status/all").status_code == 412
        status, code, more = refusal(requests.get(f"{url}/api/v1/{LARGE}"))
        assert (status, code) == (502, 105) and "closed the connection" in more
        between.cut_after = None
        # A form, as a browser without scripts sends it.
        form = {"kind": "data", "id": "15"}
        back = requests.post(f"{url}/_fn/fetch_again", form, headers={"Accept": "text/html", "Referer": f"{url}/{LARGE}"})
        assert back.url == f"{url}/{LARGE}"
        assert content(settled(url, LARGE)) == content(requests.get(f"{upstream}/{LARGE}").text)


def test_progress_is_shown_and_a_fetch_can_be_cancelled(upstream, lab):
    with proxy(upstream) as between:
        url = lab(between.url)
        between.rate = 200_000
        page = requests.get(f"{url}/{LARGE}")
        assert page.status_code == 202
        assert f"Fetching dataset 15 from {between.url}" in page.text
        assert "<progress" in page.text and 'role="status"' in page.text and 'http-equiv="refresh"' in page.text

        def progress():
            text = content(requests.get(f"{url}/{LARGE}").text)
            return (share := re.search(r'<progress[^>]* value="([0-9.]+)"', text)) and (float(share[1]), text)

        share, text = wait_until(lambda: now if (now := progress()) and now[0] > 0 else None)
        assert "the table of data/15" in text and "of 1.3 MB" in text
        wait_until(lambda: progress()[0] > share or None)
        ended = requests.post(f"{url}/_fn/fetch_cancel", {"kind": "data", "id": "15"}).json()
        assert "cancelled" in ended["Failed"]
        assert requests.get(f"{url}/{LARGE}").status_code == 502
        assert requests.get(f"{url}/api/v1/data/list/status/all").status_code == 412


def test_what_was_fetched_survives_the_upstream(upstream, tmp_path):
    folder = tmp_path / "lab"
    with proxy(upstream) as between:
        with labboard.serving(folder, "--upstream", between.url) as (url, _):
            before = content(settled(url, "task/3"))
            # It dies while a table comes.
            between.rate = 200_000
            assert requests.get(f"{url}/{LARGE}").status_code == 202
            wait_until(lambda: any("download" in path for path in between.requests[-3:]) or None)
            between.die()
            page = wait_until(lambda: come(url, LARGE))
            assert page.status_code == 502
            assert "closed the connection" in page.text or "cannot be reached" in page.text
            assert content(requests.get(f"{url}/task/3").text) == before
        # Also after a restart, with nobody at the other end.
        with labboard.serving(folder, "--upstream", between.url) as (url, _):
            assert content(requests.get(f"{url}/task/3").text) == before
            assert requests.get(f"{url}/api/v1/run/1").status_code == 200
            answer = requests.get(f"{url}/api/v1/{LARGE}")
            status, code, more = refusal(answer)
            assert (status, code) == (502, 105) and between.url in more and "cannot be reached" in more


def test_an_address_that_is_no_openml_server_says_so(lab, upstream):
    url = lab(f"{upstream}/explore")
    status, _, more = refusal(requests.get(f"{url}/api/v1/data/1"))
    assert status == 502 and "is the address right?" in more


def test_labboards_that_are_upstreams_of_each_other_answer(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    first = labboard.serving(tmp_path / "first", "--upstream", f"http://127.0.0.1:{port}")
    second = lambda url: labboard.serving(tmp_path / "second", "--upstream", url, "--addr", f"127.0.0.1:{port}")
    with first as (one, _), second(one) as (other, _):
        for url in (one, other):
            assert refusal(requests.get(f"{url}/api/v1/data/5", timeout=20))[:2] == (412, 111)


def test_an_upstream_by_invitation_takes_a_key(tmp_path, upstream):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    flags = ["--addr", f"0.0.0.0:{port}", "--public-url", "http://lab.example.org"]
    with labboard.serving(tmp_path / "closed", *flags):
        address = f"http://127.0.0.1:{port}"
        with labboard.serving(tmp_path / "keyless", "--upstream", address) as (url, _):
            status, _, more = refusal(requests.get(f"{url}/api/v1/run/1"))
            assert status == 502 and "API key required" in more
        key = (tmp_path / "closed" / "data" / "owner-key").read_text().strip()
        with labboard.serving(tmp_path / "keyed", "--upstream", address, "--upstream-key", key) as (url, _):
            # Its files are at its public address, which cannot be reached from here by that name.
            assert facts(url, "run/1") == facts(upstream, "run/1")
            assert key not in (tmp_path / "keyed" / "log").read_text()


def test_a_directory_with_low_ids_is_refused(tmp_path):
    data = tmp_path / "data"
    file = tmp_path / "mine.csv"
    file.write_text("a,b\n1,2\n")
    assert runs("import", file, folder=data).returncode == 0
    for command in [["serve", "--addr", "127.0.0.1:0"], ["pull", "data/5"]]:
        refused = runs(*command, "--upstream", "http://127.0.0.1:9", folder=data)
        assert refused.returncode == 1
        line = refused.stderr.strip()
        assert "\n" not in line and "dataset 1 itself" in line and "empty" in line, line


@pytest.mark.parametrize("is_running", [False, True])
def test_pull(upstream, tmp_path, is_running):
    folder = tmp_path / "lab"
    context = labboard.serving(folder, "--upstream", upstream) if is_running else None
    if context:
        context.__enter__()
    pulled = runs("pull", "data/2", "task/3", "flow/1", "run/1", "--upstream", upstream, folder=folder / "data")
    assert pulled.returncode == 0, pulled.stderr
    assert pulled.stdout.strip() == "Pulled data/2, task/3, flow/1, run/1"
    assert re.search(r"^data/2: the table of data/2", pulled.stderr, re.MULTILINE)
    assert re.search(r"^task/3: runs, (\d+) of \1$", pulled.stderr, re.MULTILINE)
    failed = runs("pull", "data/2", "data/99999", "--upstream", upstream, folder=folder / "data")
    assert failed.returncode == 1
    assert failed.stderr.strip().splitlines()[-1] == f"labboard: {upstream} has no data/99999"
    wrong = runs("pull", "dataset/2", "--upstream", upstream, folder=folder / "data")
    assert wrong.returncode == 1 and "data/ID" in wrong.stderr
    if context:
        context.__exit__(None, None, None)
    # Everything is here: nobody is at the other end any more.
    with labboard.serving(folder, "--upstream", "http://127.0.0.1:9") as (url, _):
        for path in ["data/2", "task/3", "flow/1", "run/1"]:
            theirs = requests.get(f"{upstream}/{path}").text
            assert content(requests.get(f"{url}/{path}").text) == content(theirs)


def test_pull_alone_brings_what_is_needed_and_no_more(upstream, tmp_path):
    assert runs("pull", "run/1", "--alone", "--upstream", upstream, folder=tmp_path / "lab" / "data").returncode == 0
    with labboard.serving(tmp_path / "lab", "--no-demo") as (url, _):
        assert len(re.findall("<oml:run>", requests.get(f"{url}/api/v1/run/list").text)) == 1
        assert len(re.findall("<oml:task>", requests.get(f"{url}/api/v1/task/list").text)) == 1
        assert facts(url, "run/1") == facts(upstream, "run/1")


def test_studies_bring_their_members(server, client, plain_run, nested_run, word, tmp_path):
    study = client.study.create_study(word, "A study of two runs.", [plain_run.id, nested_run.id], alias=word)
    study.publish()
    suite = client.study.create_benchmark_suite(f"{word}s", "A suite of one task.", [plain_run.task], alias=f"{word}s")
    suite.publish()
    with labboard.serving(tmp_path / "lab", "--upstream", server.url) as (url, _):
        for number in (study.id, suite.id):
            assert facts(url, f"study/{number}") == facts(server.url, f"study/{number}")
        for run in (plain_run, nested_run):
            assert facts(url, f"run/{run.id}") == facts(server.url, f"run/{run.id}")


def test_clients_read_through(server, downstream, upstream, client):
    before = client.config.server, client.config.apikey
    client.config.server, client.config.apikey = f"{downstream}/api/v1/xml", ""
    try:
        dataset = client.datasets.get_dataset(2, download_data=True)
        frame, *_ = dataset.get_data()
        assert len(frame) == dataset.qualities["NumberOfInstances"]
        assert client.runs.get_run(2).uploader_name
    finally:
        client.config.server, client.config.apikey = before


def test_published_here(upstream, tmp_path, client):
    folder = tmp_path / "lab"
    anna = labboard.add_user("anna", folder / "data")
    with labboard.serving(folder, "--upstream", upstream) as (url, _):
        before = client.config.server, client.config.apikey
        client.config.server, client.config.apikey = f"{url}/api/v1/xml", anna
        try:
            made = samples.dataset("mine", samples.flowers(), "class").publish()
            assert made.id == FLOOR
            run = client.runs.run_model_on_task(samples.plain(), 1)
            run.publish()
            assert run.run_id == FLOOR and run.flow_id >= FLOOR
        finally:
            client.config.server, client.config.apikey = before
        # It stands beside the upstream's, on the page of the upstream's task.
        assert f"/run/{FLOOR}" in settled(url, "task/1")
