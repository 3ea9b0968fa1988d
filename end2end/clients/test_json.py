"""What the answers look like to clients that read JSON, and the forms of requests that are tolerated."""

import hashlib

import openml
import pytest
import requests
import samples

NOTHING = 10**9 - 1


@pytest.fixture
def get(server):
    """The one member of a JSON answer."""

    def fetch(path, root):
        answer = server.json(path)
        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
        (name, value), *more = answer.json().items()
        assert (name, more) == (root, [])
        return value

    return fetch


def test_description(get, flowers):
    read = get(f"data/{flowers.id}", "data_set_description")
    assert (read["id"], read["name"], read["version"], read["status"]) == (str(flowers.id), flowers.name, "1", "active")
    assert read["format"].upper() == "ARFF"
    assert read["creator"] == flowers.made.creator
    assert read["md5_checksum"] == hashlib.md5(flowers.made._dataset.encode()).hexdigest()
    assert requests.get(read["url"]).content == flowers.made._dataset.encode()
    assert read["file_id"].isdigit() and read["file_id"] in read["url"]
    assert not {"error", "warning"} & read.keys()
    assert not any(isinstance(value, (int, float, bool)) for value in read.values())


def test_features(get, flowers):
    features = get(f"data/features/{flowers.id}", "data_features")["feature"]
    assert [feature["index"] for feature in features] == ["0", "1", "2", "3", "4", "5"]
    assert {feature["name"]: feature["data_type"] for feature in features} == samples.FLOWERS_TYPES
    assert [feature["is_target"] for feature in features] == ["false"] * 5 + ["true"]
    assert [feature["is_ignore"] for feature in features] == ["false"] * 4 + ["true", "false"]
    assert {feature["is_row_identifier"] for feature in features} == {"false"}
    assert [feature["number_of_missing_values"] for feature in features] == ["3", "0", "0", "2", "1", "0"]
    assert features[3]["nominal_value"] == samples.COLOURS
    assert ["nominal_value" in feature for feature in features] == [False, False, False, True, False, True]


def test_one_feature_is_a_list(get, word):
    frame = samples.houses()[["price"]]
    dataset = samples.dataset(word, frame, "price").publish().id
    (feature,) = get(f"data/features/{dataset}", "data_features")["feature"]
    assert feature["name"] == "price"


def test_qualities(get, flowers):
    qualities = get(f"data/qualities/{flowers.id}", "data_qualities")["quality"]
    values = {quality["name"]: quality["value"] for quality in qualities}
    assert float(values["NumberOfInstances"]) == 100
    assert all(isinstance(value, str) or value == [] for value in values.values())
    names = get("data/qualities/list", "data_qualities_list")["quality"]
    assert values.keys() <= set(names)


def test_data_list(get, flowers):
    (row,) = get(f"data/list/data_id/{flowers.id}", "data")["dataset"]
    assert (row["did"], row["name"], row["version"], row["status"]) == (flowers.id, flowers.name, 1, "active")
    qualities = {quality["name"]: quality["value"] for quality in row["quality"]}
    assert float(qualities["NumberOfInstances"]) == 100


def test_names_of_any_case(get, flowers):
    for name in (flowers.name.lower(), flowers.name.upper()):
        (row,) = get(f"data/list/data_name/{name}/limit/2/status/active/", "data")["dataset"]
        assert row["did"] == flowers.id


def test_task(get, classification, flowers):
    task = get(f"task/{classification}", "task")
    assert (task["task_id"], task["task_type_id"]) == (str(classification), "1")
    inputs = {each["name"]: each for each in task["input"]}
    assert [next(iter(each)) for each in task["input"]] == ["name"] * len(task["input"])
    assert inputs["source_data"]["data_set"] == {"data_set_id": str(flowers.id), "target_feature": "class"}
    procedure = inputs["estimation_procedure"]["estimation_procedure"]
    assert (procedure["id"], procedure["type"]) == ("1", "crossvalidation")
    parameters = {parameter["name"]: parameter.get("value") for parameter in procedure["parameter"]}
    assert (parameters["number_repeats"], parameters["number_folds"]) == ("1", "10")
    assert parameters["stratified_sampling"] == "true"
    assert parameters.keys() == {"number_repeats", "number_folds", "percentage", "stratified_sampling"}


def test_task_list(get, classification, flowers):
    (row,) = get(f"task/list/task_id/{classification}", "tasks")["task"]
    assert (row["task_id"], row["did"], row["task_type_id"]) == (classification, flowers.id, 1)
    assert {"name": "target_feature", "value": "class"} in row["input"]
    assert isinstance(row["quality"], list)


def test_flow(get, nested_run):
    flow = get(f"flow/{nested_run.flow.flow_id}", "flow")
    assert (flow["id"], flow["name"]) == (str(nested_run.flow.flow_id), nested_run.flow.name)
    names = {component["identifier"]: component["flow"]["name"] for component in flow["component"]}
    assert names == {key: part.name for key, part in nested_run.flow.components.items()}
    assert {each["name"] for each in flow["parameter"]} == set(nested_run.flow.parameters)


def test_flow_list(get, nested_run):
    rows = get(f"flow/list/uploader/{nested_run.flow.uploader}", "flows")["flow"]
    (row,) = [row for row in rows if row["id"] == nested_run.flow.flow_id]
    assert (row["name"], row["uploader"]) == (nested_run.flow.name, int(nested_run.flow.uploader))


def test_run(get, nested_run):
    run = get(f"run/{nested_run.id}", "run")
    assert (run["run_id"], run["task_id"]) == (str(nested_run.id), str(nested_run.task))
    assert {file["name"] for file in run["output_data"]["file"]} >= {"description", "predictions"}
    folds = [
        each["value"]
        for each in run["output_data"]["evaluation"]
        if each["name"] == "predictive_accuracy" and "fold" in each
    ]
    assert len(folds) == 10 and all(isinstance(value, str) for value in folds)
    assert len(run["parameter_setting"]) == len(nested_run.local.parameter_settings)


def test_run_list(get, nested_run):
    (row,) = get(f"run/list/run/{nested_run.id}", "runs")["run"]
    assert (row["run_id"], row["task_id"], row["flow_id"]) == (nested_run.id, nested_run.task, nested_run.flow.flow_id)
    assert isinstance(row["setup_id"], int) and isinstance(row["uploader"], int)


def test_evaluation_list(get, nested_run):
    (row,) = get(f"evaluation/list/function/kappa/run/{nested_run.id}", "evaluations")["evaluation"]
    assert (row["run_id"], row["function"]) == (nested_run.id, "kappa")
    assert isinstance(row["value"], float)
    path = f"evaluation/list/function/kappa/run/{nested_run.id}/per_fold/true"
    (row,) = get(path, "evaluations")["evaluation"]
    assert len(row["values"]) == 10 and all(isinstance(value, (int, float)) for value in row["values"])


def test_other_lists(get, nested_run):
    setup = openml.runs.get_run(nested_run.id).setup_id
    (row,) = get(f"setup/list/setup/{setup}", "setups")["setup"]
    assert row["setup_id"] == str(setup) and isinstance(row["parameter"], list)
    uploader = openml.runs.get_run(nested_run.id).uploader
    (user,) = get(f"user/list/user_id/{uploader}", "users")["user"]
    assert user["id"] == str(uploader) and user["username"]
    measures = get("evaluationmeasure/list", "evaluation_measures")["measures"]["measure"]
    assert "predictive_accuracy" in measures
    procedures = get("estimationprocedure/list", "estimationprocedures")["estimationprocedure"]
    assert {"id": "1", "ttid": "1"}.items() <= procedures[0].items()
    types = get("tasktype/list", "task_types")["task_type"]
    assert types[0]["name"] == "Supervised Classification"


def test_study(get, nested_run, word):
    study = openml.study.create_study(word, "Of one run.", [nested_run.id]).publish().id
    read = get(f"study/{study}", "study")
    assert (read["id"], read["main_entity_type"]) == (str(study), "run")
    assert (read["runs"]["run_id"], read["tasks"]["task_id"]) == ([str(nested_run.id)], [str(nested_run.task)])


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (f"data/{NOTHING}", "111"),
        (f"data/list/data_id/{NOTHING}", "372"),
        (f"run/{NOTHING}", "236"),
        ("nothing", "100"),
    ],
)
def test_errors(server, path, code):
    answer = server.json(path)
    assert answer.status_code in (412, 404)
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    error = answer.json()["error"]
    assert error["code"] == code and error["message"]


def test_errors_in_xml(server):
    answer = requests.get(f"{server.api}/data/{NOTHING}")
    assert answer.status_code == 412
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert '<oml:error xmlns:oml="http://openml.org/openml">' in answer.text
    assert "<oml:code>111</oml:code>" in answer.text and "<oml:message>Unknown dataset" in answer.text


@pytest.mark.parametrize(
    "form",
    [
        "/api/v1/xml/data/{}",
        "/api/v1/xml/data/{}/",
        "/api/v1/xml//data/{}",
        "/api/v1//xml/data/{}//",
        "/api/v1/data/{}",
        "/api/v1//data/{}/",
    ],
)
def test_forms_of_addresses(server, flowers, form):
    answer = requests.get(server.url + form.format(flowers.id), allow_redirects=False)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert answer.text == requests.get(f"{server.api}/data/{flowers.id}").text


def test_encoded_filters(server, flowers):
    plain = server.json(f"data/list/number_instances/100..100/data_name/{flowers.name}").json()
    encoded = flowers.name.replace("_", "%5F").replace("F", "%46", 1)
    assert server.json(f"data/list/data_name/{encoded}/number_instances/100%2e.100").json() == plain


def test_gzip(server, flowers):
    url = f"{server.url}/api/v1/json/data/features/{flowers.id}"
    packed = requests.get(url, headers={"Accept-Encoding": "gzip"})
    unpacked = requests.get(url, headers={"Accept-Encoding": "identity"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in unpacked.headers
    assert packed.content == unpacked.content


def test_clients_that_know_more_get_gzip(server, flowers):
    headers = {"Accept-Encoding": "gzip, deflate, br, zstd"}
    answer = requests.get(f"{server.api}/data/{flowers.id}", headers=headers, stream=True)
    assert answer.headers["Content-Encoding"] == "gzip"


def test_files_are_utf8(server, flowers, nested_run):
    description = server.json(f"data/{flowers.id}").json()["data_set_description"]
    run = server.json(f"run/{nested_run.id}").json()["run"]
    urls = [description["url"], *(file["url"] for file in run["output_data"]["file"])]
    urls.append(f"{server.url}/data/download/{description['file_id']}")
    urls.append(f"{server.url}/data/v1/download/{description['file_id']}")
    for url in urls:
        answer = requests.get(url, params={"api_key": server.anna})
        assert answer.status_code == 200, url
        assert answer.headers["Content-Type"].lower().endswith("charset=utf-8"), url
    assert answer.text == flowers.made._dataset


def test_keys_in_any_place(server, flowers, word):
    tag = {"data_id": flowers.id, "tag": word}
    url = f"{server.api}/data"
    assert requests.post(f"{url}/tag", data=tag).status_code == 412
    assert requests.post(f"{url}/tag", data={**tag, "api_key": server.anna}).status_code == 200
    assert requests.post(f"{url}/untag", data=tag, params={"api_key": server.anna}).status_code == 200
    form = {name: (None, str(value)) for name, value in {**tag, "api_key": server.anna}.items()}
    assert requests.post(f"{url}/tag", files=form).status_code == 200


def test_parquet(server, flowers):
    """As a MinIO client asks."""
    url = server.json(f"data/{flowers.id}").json()["data_set_description"]["parquet_url"]
    head = requests.head(url, headers={"Accept-Encoding": "identity"})
    whole = requests.get(url, headers={"Accept-Encoding": "identity"})
    assert head.status_code == whole.status_code == 200
    for answer in (head, whole):
        assert answer.headers.keys() >= {"ETag", "Last-Modified", "Content-Type", "Content-Length"}
        assert int(answer.headers["Content-Length"]) == len(whole.content)
    assert whole.content[:4] == whole.content[-4:] == b"PAR1"
    assert requests.head(url + "x").status_code == 404
