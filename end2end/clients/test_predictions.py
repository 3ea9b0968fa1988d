"""Predictions as CSV, for people who use no client: docs/publishing.md."""

import io

import openml
import pandas as pd
import pytest
import requests
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, mean_absolute_error, roc_auc_score
from sklearn.model_selection import train_test_split


@pytest.fixture
def publish(server):
    """Posts predictions as anna; the answer's JSON."""

    def post(content, key=None, **fields):
        form = {"api_key": key or server.anna, **fields}
        files = {"predictions": ("predictions.csv", content)}
        answer = requests.post(f"{server.url}/api/v1/json/predictions", data=form, files=files, timeout=30)
        return answer.status_code, answer.json()

    return post


def csv(frame, **options):
    out = io.StringIO()
    frame.to_csv(out, **options)
    return out.getvalue()


@pytest.fixture(scope="module")
def held_out(flowers):
    """A model's predictions of a test set, as a data frame with the rows' numbers as its index."""
    data = openml.datasets.get_dataset(flowers.id)
    X, y, _, _ = data.get_data(target="class")
    X = X.select_dtypes("number").fillna(0)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=1, stratify=y)
    model = LogisticRegression(max_iter=500).fit(X_train, y_train)
    frame = pd.DataFrame({"y_true": y_test, "y_pred": model.predict(X_test)}, index=X_test.index)
    probabilities = pd.DataFrame(model.predict_proba(X_test), index=X_test.index, columns=[f"proba_{c}" for c in model.classes_])
    return frame.join(probabilities)


def test_a_data_frame_of_a_test_set_becomes_a_run(publish, flowers, held_out, word):
    status, answer = publish(csv(held_out), data=flowers.id, target="class", flow=word, param=["C=1.0", "penalty=l2"])
    assert status == 200, answer
    made = answer["upload_predictions"]
    run = openml.runs.get_run(int(made["run_id"]))
    assert run.predictions_url
    accuracy = accuracy_score(held_out.y_true, held_out.y_pred)
    assert run.evaluations["predictive_accuracy"] == pytest.approx(accuracy, abs=1e-9)
    classes = [name for name in held_out if name.startswith("proba_")]
    if len(classes) == 2:
        area = roc_auc_score(held_out.y_true == classes[1].removeprefix("proba_"), held_out[classes[1]])
    else:
        area = roc_auc_score(
            held_out.y_true, held_out[classes], multi_class="ovr", average="weighted", labels=[c.removeprefix("proba_") for c in classes]
        )
    assert run.evaluations["area_under_roc_curve"] == pytest.approx(area, abs=1e-9)
    setup = openml.setups.get_setup(run.setup_id)
    assert {p.parameter_name: p.value for p in setup.parameters.values()} == {"C": "1.0", "penalty": '"l2"'}
    task = openml.tasks.get_task(int(made["task_id"]))
    train, test = task.get_train_test_split_indices()
    assert sorted(test) == sorted(held_out.index) and not set(train) & set(test)
    assert len(train) + len(test) == len(flowers.frame)


def test_the_same_rows_are_the_same_task(publish, flowers, held_out, word):
    first = publish(csv(held_out), data=flowers.id, flow=word, param="k=1")[1]["upload_predictions"]
    shuffled = held_out.sample(frac=1, random_state=0)[["y_pred"]]
    again = publish(csv(shuffled), data=flowers.id, flow=word, param="k=2")[1]["upload_predictions"]
    fewer = publish(csv(held_out.iloc[1:]), data=flowers.id, flow=word, param="k=2")[1]["upload_predictions"]
    assert again["task_id"] == first["task_id"] != fewer["task_id"]
    assert again["flow_id"] == first["flow_id"]
    assert openml.runs.get_run(int(again["run_id"])).setup_id != openml.runs.get_run(int(first["run_id"])).setup_id


def test_predictions_of_a_task_are_put_into_its_folds(publish, classification, flowers, word):
    truth = flowers.frame["class"].reset_index(drop=True)
    content = csv(pd.DataFrame({"y_pred": truth}))
    status, answer = publish(content, task=classification, flow=word)
    assert status == 200, answer
    run = openml.runs.get_run(int(answer["upload_predictions"]["run_id"]))
    assert run.task_id == classification
    assert len(run.fold_evaluations["predictive_accuracy"][0]) == 10
    assert run.evaluations["predictive_accuracy"] == 1
    missing = csv(pd.DataFrame({"y_pred": truth}).iloc[:-1])
    status, answer = publish(missing, task=classification, flow=word)
    assert status == 412 and "are not predicted" in answer["error"]["additional_information"]


def test_numbers(publish, houses, word):
    frame = houses.frame.reset_index(drop=True)
    X = frame.select_dtypes("number").drop(columns="price").fillna(0)
    predicted = Ridge().fit(X, frame["price"]).predict(X)
    status, answer = publish(csv(pd.DataFrame({"y_pred": predicted, "y_true": frame["price"]}), index=False), data=houses.id, flow=word)
    assert status == 200, answer
    run = openml.runs.get_run(int(answer["upload_predictions"]["run_id"]))
    assert run.evaluations["mean_absolute_error"] == pytest.approx(mean_absolute_error(frame["price"], predicted), rel=1e-9)


def test_what_does_not_fit_is_refused_and_makes_nothing(server, publish, flowers, held_out, word):
    swapped = held_out.rename(columns={"y_true": "y_pred", "y_pred": "y_true"})
    untrue = held_out.assign(y_true=held_out.y_true.iloc[0])
    unknown = held_out.assign(y_pred="nobody")
    beyond = held_out.set_axis([*held_out.index[1:], 10**6])
    for content, fields, reason in [
        (csv(swapped), {}, "look swapped"),
        (csv(untrue), {}, "as the truth"),
        (csv(unknown), {}, "none of the target's classes"),
        (csv(beyond), {}, "the dataset has no row 1000000"),
        (csv(held_out, index=False), {}, "say in a column row_id"),
        ("a,b\n1,2\n", {}, "there is no column y_pred"),
        ("", {}, "the file is empty"),
        (b"\xff\xfe", {}, "line 1"),
        (csv(held_out), {"param": "k"}, "name=value"),
        (csv(held_out), {"param": ["k=1", "k=2"]}, "given twice"),
        (csv(held_out), {"target": "nobody"}, "no feature"),
        (csv(held_out), {"data": "x"}, "not an id"),
        (csv(held_out), {"data": 999999}, "999999"),
        (csv(held_out), {"data": "", "task": 999999}, ""),
    ]:
        status, answer = publish(content, **{"data": flowers.id, "flow": word, **fields})
        assert 400 <= status < 500, (reason, answer)
        assert reason in answer["error"].get("additional_information", ""), answer
    listed = requests.get(f"{server.url}/api/v1/json/flow/exists/{word}/", timeout=30)
    assert '"exists":"true"' not in listed.text.replace(" ", "")


def test_a_key_is_needed(publish, flowers, held_out, word):
    assert publish(csv(held_out), key="0" * 32, data=flowers.id, flow=word)[1]["error"]["code"] == "103"
