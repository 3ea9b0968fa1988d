"""Flows and setups, published and read back by the openml package."""

import openml
import pytest
import samples
from openml.exceptions import PyOpenMLError
from openml.flows.functions import assert_flows_equal


def all_flows(flow):
    """A flow and its components, and theirs."""
    yield flow
    for component in flow.components.values():
        yield from all_flows(component)


def test_flows_come_back(run):
    read = openml.flows.get_flow(run.flow.flow_id)
    assert_flows_equal(run.flow, read)
    theirs_by_name = {flow.name: flow for flow in all_flows(read)}
    for ours in all_flows(run.flow):
        theirs = theirs_by_name.pop(ours.name)
        assert theirs.description == ours.description.strip()
        assert (theirs.flow_id, theirs.uploader) == (ours.flow_id, read.uploader)
        assert theirs.parameters == ours.parameters
        assert theirs.upload_date and theirs.version
    assert not theirs_by_name


def test_components_are_flows(nested_run):
    transformer = nested_run.flow.components["columntransformer"]
    assert set(transformer.components) == {"onehotencoder", "pipeline"}
    for component in all_flows(transformer):
        assert_flows_equal(component, openml.flows.get_flow(component.flow_id))


def test_components_are_shared(nested_run, search_run):
    assert search_run.flow.components["estimator"].flow_id == nested_run.flow.flow_id


def test_flows_become_models(run):
    model = openml.flows.get_flow(run.flow.flow_id, reinstantiate=True).model
    assert samples.parameters(model) == samples.parameters(run.flow.extension.flow_to_model(run.flow))


def test_passthrough(plain_run):
    model = samples.make_pipeline("passthrough", samples.plain())
    flow = openml.extensions.get_extension_by_model(model).model_to_flow(model)
    flow.publish()
    assert_flows_equal(flow, openml.flows.get_flow(flow.flow_id))


def test_a_flow_is_published_once(nested_run):
    flow = nested_run.flow
    assert openml.flows.flow_exists(flow.name, flow.external_version) == flow.flow_id
    assert openml.flows.get_flow_id(model=samples.nested()) == flow.flow_id
    again = flow.extension.model_to_flow(samples.nested())
    assert again.publish().flow_id == flow.flow_id
    with pytest.raises(PyOpenMLError, match=f"already exists with id: {flow.flow_id}"):
        again.publish(raise_error_if_exists=True)


def test_names_and_versions_make_a_flow(small_flow, word):
    flow = small_flow(word, depth="3").publish()
    assert openml.flows.flow_exists(word, "made==1") == flow.flow_id
    assert openml.flows.flow_exists(word, "made==2") is False
    assert openml.flows.flow_exists(word + "x", "made==1") is False
    newer = small_flow(word, depth="3")
    newer.external_version = "made==2"
    assert newer.publish().flow_id != flow.flow_id
    assert int(newer.version) > int(flow.version)


def test_texts_of_a_flow(small_flow, word):
    values = {"empty": None, "json": '{"a": [1, "<&>"]}', "text": "two\nlines, grün", "number": "3"}
    flow = small_flow(word, **values).publish()
    read = openml.flows.get_flow(flow.flow_id)
    assert read.parameters == values
    assert read.dependencies == "made==1\nup>=2"
    assert (read.class_name, read.custom_name, read.language) == ("made.up.Model", "Made up", "English")


def test_long_names(small_flow, word):
    name = f"{word}({','.join(f'step{at}=made.up.Model' for at in range(40))})"
    flow = small_flow(name).publish()
    assert openml.flows.get_flow(flow.flow_id).name == name
    assert openml.flows.flow_exists(name, "made==1") == flow.flow_id


def test_documents_that_are_no_flow(refused, client):
    with refused(163) as caught:
        openml._api_calls._perform_api_call("flow/", "post", file_elements={"description": "<oml:flow>"})
    assert "<oml:flow>" in caught.value.message


def test_unknown_flow(refused):
    with refused(181):
        openml.flows.get_flow(10**9 - 1)


def test_setups(run):
    setup = openml.setups.get_setup(openml.runs.get_run(run.id).setup_id)
    assert setup.flow_id == run.flow.flow_id
    expected = sorted(
        (int(each["oml:component"]), each["oml:name"], each["oml:value"]) for each in run.local.parameter_settings
    )
    assert sorted((each.flow_id, each.parameter_name, each.value) for each in setup.parameters.values()) == expected
    names = {flow.flow_id: flow.name for flow in all_flows(run.flow)}
    assert all(each.flow_name == names[each.flow_id] for each in setup.parameters.values())


def test_setups_exist(nested_run):
    flow = openml.flows.get_flow(nested_run.flow.flow_id)
    flow.model = nested_run.model
    assert openml.setups.setup_exists(flow) == openml.runs.get_run(nested_run.id).setup_id
    flow.model = samples.nested().set_params(decisiontreeclassifier__max_depth=17)
    assert openml.setups.setup_exists(flow) is False


def test_setups_become_models(run):
    setup = openml.runs.get_run(run.id).setup_id
    assert samples.parameters(openml.setups.initialize_model(setup)) == samples.parameters(run.model)


def test_unknown_setup(refused):
    with refused(281):
        openml.setups.get_setup(10**9 - 1)
