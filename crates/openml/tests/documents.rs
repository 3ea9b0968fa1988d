//! The documents against files in OpenML's form, and against everything else.

use labboard_openml::document::*;
use labboard_openml::table::Kind;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

const DESCRIPTION: &str = include_str!("documents/description.xml");
const FEATURES: &str = include_str!("documents/features.xml");
const QUALITIES: &str = include_str!("documents/qualities.xml");
const TASK: &str = include_str!("documents/task.xml");
const FLOW: &str = include_str!("documents/flow.xml");
const RUN: &str = include_str!("documents/run.xml");

#[test]
fn openmls_form_comes_back_to_the_byte() {
    assert_eq!(DatasetDescription::read(DESCRIPTION).map(|it| it.write()), Ok(DESCRIPTION.to_owned()));
    assert_eq!(DataFeatures::read(FEATURES).map(|it| it.write()), Ok(FEATURES.to_owned()));
    assert_eq!(DataQualities::read(QUALITIES).map(|it| it.write()), Ok(QUALITIES.to_owned()));
    assert_eq!(Task::read(TASK).map(|it| it.write()), Ok(TASK.to_owned()));
    assert_eq!(Flow::read(FLOW).map(|it| it.write()), Ok(FLOW.to_owned()));
    assert_eq!(Run::read(RUN).map(|it| it.write()), Ok(RUN.to_owned()));
}

#[test]
fn what_the_documents_say() {
    let description = DatasetDescription::read(DESCRIPTION).expect("a description");
    assert_eq!(description.description, "**Flowers** & leaves, a <small> set.\nSecond line.");
    assert_eq!(description.creators, ["A. Gardener", "B. Gardener"]);
    assert!(description.ignores("note") && !description.ignores("species"));

    let features = DataFeatures::read(FEATURES).expect("features").features;
    assert_eq!(features[1].data_type, Kind::Nominal);
    assert_eq!(features[1].nominal_values, ["rose", " tulip "]);
    assert_eq!(features[0].number_of_missing_values, 3);

    let qualities = DataQualities::read(QUALITIES).expect("qualities");
    assert_eq!(qualities.value("NumberOfInstances"), Some(150.0));
    assert_eq!(qualities.value("MeanSkewnessOfNumericAtts"), None);

    let task = Task::read(TASK).expect("a task");
    let procedure = task.estimation_procedure.expect("an estimation procedure");
    assert_eq!(procedure.parameter("number_folds"), Some("10"));
    assert_eq!(procedure.parameter("percentage"), None);
    assert_eq!(task.source_data.target_feature.as_deref(), Some("species"));

    let flow = Flow::read(FLOW).expect("a flow");
    assert_eq!(flow.components[0].flow.id, Some(13));

    let run = Run::read(RUN).expect("a run");
    assert_eq!(run.evaluations[1].fold, Some(9));
    assert_eq!(run.parameter_settings[0].component, Some(13));
    assert_eq!(run.files[0].file_id, Some(21));
}

#[test]
fn other_clients_are_understood() {
    let upload = "\u{FEFF}<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<run xmlns=\"http://openml.org/openml\"><!-- no prefix -->\n\
                  <task_id> 3 </task_id><flow_id>12</flow_id><error_message></error_message><unknown><x/></unknown>\n\
                  <parameter_setting><name>C</name><value><![CDATA[<1>]]></value></parameter_setting>\n\
                  <output_data><evaluation repeat=\"0\" fold=\"0\"><name>kappa</name><value>NaN</value></evaluation></output_data></run>";
    let run = Run::read(upload).expect("a run");
    assert_eq!((run.task_id, run.flow_id, run.error_message), (Some(3), 12, None));
    assert_eq!(run.parameter_settings[0].value, "<1>");
    assert_eq!(run.evaluations[0].value, None);

    let description = "<o:data_set_description xmlns:o=\"urn:x\"><o:name>n</o:name><o:format>ARFF</o:format>\
                       <o:minio_url>u</o:minio_url><o:ignore_attribute>a, b</o:ignore_attribute></o:data_set_description>";
    let description = DatasetDescription::read(description).expect("a description");
    assert_eq!(description.parquet_url.as_deref(), Some("u"));
    assert!(description.ignores("a") && description.ignores("b"));

    let inputs = "<oml:task_inputs xmlns:oml=\"http://openml.org/openml\"><oml:task_type_id>1</oml:task_type_id>\
                  <oml:input name=\"source_data\">7</oml:input><oml:input name=\"target_feature\">class</oml:input></oml:task_inputs>";
    let inputs = TaskInputs::read(inputs).expect("inputs");
    assert_eq!((inputs.input("source_data"), inputs.input("cost_matrix")), (Some("7"), None));
}

#[test]
fn what_is_missing_or_wrong_is_said_where_it_is() {
    fn reason<T: std::fmt::Debug>(result: Result<T, DocumentError>) -> String {
        result.expect_err("an error").to_string()
    }
    assert_eq!(
        reason(DatasetDescription::read(&DESCRIPTION.replace("  <oml:name>flowers</oml:name>\n", ""))),
        "line 1, column 1: oml:name is missing in oml:data_set_description"
    );
    assert_eq!(
        reason(DatasetDescription::read(&DESCRIPTION.replace("flowers</oml:name>", " </oml:name>"))),
        "line 3, column 3: oml:name is empty in oml:data_set_description"
    );
    assert_eq!(
        reason(Task::read(&TASK.replace(">7<", ">seven<"))),
        "line 8, column 7: oml:data_set_id is \"seven\", expected a whole number"
    );
    assert_eq!(
        reason(Task::read(&TASK.replace("\"source_data\"", "\"data\""))),
        "line 1, column 1: the input source_data is missing in oml:task"
    );
    assert_eq!(
        reason(DataFeatures::read(&FEATURES.replace(">nominal<", ">ordinal<"))),
        "line 14, column 5: oml:data_type: unknown data type \"ordinal\", expected numeric, nominal, string or date"
    );
    assert_eq!(
        reason(DataFeatures::read(&FEATURES.replace(">true<", ">yes<"))),
        "line 17, column 5: oml:is_target is \"yes\", expected true or false"
    );
    assert_eq!(
        reason(Run::read(&RUN.replace("fold=\"9\"", "fold=\"-9\""))),
        "line 37, column 5: the attribute fold is \"-9\", expected a whole number"
    );
    assert_eq!(reason(Run::read(FLOW)), "line 1, column 1: expected oml:run, found oml:flow");
    assert!(reason(Run::read("<oml:run>")).starts_with("line 1, column "));
    assert!(reason(Run::read("")).starts_with("line 1, column 1: not well-formed XML: "));
    let with_entities = "<!DOCTYPE run [<!ENTITY a \"b\">]><run><flow_id>1</flow_id></run>";
    assert!(reason(Run::read(with_entities)).contains("not well-formed XML"));
}

#[test]
fn nesting_has_an_end() {
    let nested = |depth: usize| {
        let mut flow = Flow { name: "leaf".to_owned(), ..Flow::default() };
        for _ in 1..depth {
            flow = Flow {
                name: "branch".to_owned(),
                components: vec![Component { identifier: "inside".to_owned(), flow }],
                ..Flow::default()
            };
        }
        flow
    };
    assert_eq!(Flow::read(&nested(64).write()), Ok(nested(64)));
    let error = Flow::read(&nested(65).write()).expect_err("too deep");
    assert_eq!(error.reason, "flows are nested more than 64 levels deep");
    let towers = "<a>".repeat(200_000);
    assert!(Flow::read(&towers).is_err());
    let closed = format!("{towers}{}", "</a>".repeat(200_000));
    assert!(Flow::read(&closed).is_err());
}

#[test]
fn predictions_are_announced_by_task_type() {
    let features = |task_type_id| {
        let text = Task { task_type_id, task_type: "T".to_owned(), ..Task::default() }.write();
        text.lines()
            .filter_map(|line| line.trim().strip_prefix("<oml:feature name=\"")?.split('"').next().map(str::to_owned))
            .collect::<Vec<_>>()
    };
    assert_eq!(features(2), ["repeat", "fold", "row_id", "prediction"]);
    assert_eq!(features(3), ["repeat", "fold", "sample", "row_id", "confidence.classname", "prediction"]);
    assert_eq!(features(5), ["repeat", "row_id", "cluster"]);
    assert_eq!(features(8), [""; 0]);
}

#[test]
fn studies_as_clients_send_and_expect_them() {
    let upload = "<?xml version=\"1.0\"?><oml:study xmlns:oml=\"http://openml.org/openml\"><oml:main_entity_type>task\
                  </oml:main_entity_type><oml:name>s</oml:name><oml:description/><oml:tasks><oml:task_id>1</oml:task_id>\
                  <oml:task_id> 2 </oml:task_id></oml:tasks><oml:runs></oml:runs></oml:study>";
    let study = Study::read(upload).expect("a study");
    assert_eq!((study.tasks.as_slice(), study.runs.as_slice(), study.id), (&[1, 2][..], &[][..], None));
    assert!(!study.write().contains("status"));
    let answer = Study { id: Some(9), ..study }.write();
    for element in ["<oml:status></oml:status>", "<oml:creation_date></oml:creation_date>", "<oml:creator></oml:creator>"] {
        assert!(answer.contains(element), "{answer}");
    }
    assert!(!answer.contains("oml:runs"), "{answer}");
    let reason = |text: &str| Study::read(text).expect_err("an error").reason;
    assert_eq!(reason(&upload.replace(">1<", ">one<")), "oml:task_id is \"one\", expected a whole number");
    assert_eq!(reason(&upload.replace("main_entity", "entity")), "oml:main_entity_type is missing in oml:study");
    assert_eq!(reason("<run/>"), "expected oml:study, found oml:run");
}

#[test]
fn edits_tell_empty_from_absent() {
    let text = "<oml:data_edit_parameters xmlns:oml=\"http://openml.org/openml\"><oml:description></oml:description>\
                <oml:creator>A</oml:creator><oml:creator>B</oml:creator><oml:ignore_attribute/></oml:data_edit_parameters>";
    let edit = DataEdit::read(text).expect("an edit");
    assert_eq!(edit.description.as_deref(), Some(""));
    assert_eq!(edit.creators.as_deref(), Some(&["A".to_owned(), "B".to_owned()][..]));
    assert_eq!((edit.ignore_attributes.as_deref(), edit.contributors.as_deref()), (Some(&[][..]), None));
    assert!(edit.is_critical() && !edit.is_empty());
    assert!(DataEdit::read("<data_edit_parameters/>").is_ok_and(|edit| edit.is_empty() && !edit.is_critical()));
    assert!(DataEdit::read("<data_set_description/>").is_err());
}

#[test]
fn what_xml_cannot_hold_is_replaced() {
    let quality = Quality { name: "a\u{0}\u{1B}\u{FFFF}\r\n".to_owned(), value: Some(f64::NAN) };
    let text = DataQualities { qualities: vec![quality] }.write();
    let read = DataQualities::read(&text).expect("qualities");
    assert_eq!(read.qualities[0].name, "a\u{FFFD}\u{FFFD}\u{FFFD}\r\n");
    assert_eq!(read.qualities[0].value, None);
}

#[test]
fn documents_serialise_by_their_element_names() {
    fn is_serialise<T: serde::Serialize>() {}
    is_serialise::<DatasetDescription>();
    is_serialise::<DataFeatures>();
    is_serialise::<DataQualities>();
    is_serialise::<Task>();
    is_serialise::<TaskInputs>();
    is_serialise::<Flow>();
    is_serialise::<Run>();
}

/// Text that XML can hold, with all that it gives a meaning to; never empty.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[<>&\"'\\]\\[! \t\r\na-zé🙂\u{7F}\u{85}\u{2028}]{1,8}", "\\PC{1,8}"]
}

fn name() -> impl Strategy<Value = String> {
    text().prop_filter("not blank", |text| !text.trim().is_empty())
}

fn some() -> impl Strategy<Value = Option<String>> {
    option::of(text())
}

fn many() -> impl Strategy<Value = Vec<String>> {
    vec(text(), 0..3)
}

fn value() -> impl Strategy<Value = Option<f64>> {
    option::of(any::<f64>().prop_filter("a number", |value| !value.is_nan()))
}

fn id() -> impl Strategy<Value = Option<u32>> {
    any::<Option<u32>>()
}

fn maybe_empty() -> impl Strategy<Value = String> {
    some().prop_map(Option::unwrap_or_default)
}

fn descriptions() -> impl Strategy<Value = DatasetDescription> {
    let ids = (id(), id(), id(), id());
    let required = (name(), maybe_empty(), name());
    let lists = (many(), many(), many(), many());
    let first = (some(), some(), some(), some(), some(), some(), some(), some(), some());
    let second = (some(), some(), some(), some(), some(), some(), some(), some(), some());
    (ids, required, lists, first, second).prop_map(|(ids, required, lists, first, second)| DatasetDescription {
        id: ids.0,
        version: ids.1,
        description_version: ids.2,
        file_id: ids.3,
        name: required.0,
        description: required.1,
        format: required.2,
        creators: lists.0,
        contributors: lists.1,
        ignore_attributes: lists.2,
        tags: lists.3,
        collection_date: first.0,
        upload_date: first.1,
        language: first.2,
        licence: first.3,
        url: first.4,
        parquet_url: first.5,
        default_target_attribute: first.6,
        row_id_attribute: first.7,
        version_label: first.8,
        citation: second.0,
        visibility: second.1,
        original_data_url: second.2,
        paper_url: second.3,
        update_comment: second.4,
        status: second.5,
        processing_date: second.6,
        error: second.7.clone(),
        warning: second.7,
        md5_checksum: second.8,
    })
}

fn features() -> impl Strategy<Value = DataFeatures> {
    let kind = prop_oneof![Just(Kind::Numeric), Just(Kind::Nominal), Just(Kind::Text), Just(Kind::Date)];
    let feature = (any::<u32>(), maybe_empty(), kind, vec(maybe_empty(), 0..3), many(), any::<[bool; 3]>(), any::<u64>()).prop_map(
        |(index, name, data_type, nominal_values, ontologies, flags, missing)| FeatureDescription {
            index,
            name,
            data_type,
            nominal_values,
            ontologies,
            is_target: flags[0],
            is_ignore: flags[1],
            is_row_identifier: flags[2],
            number_of_missing_values: missing,
        },
    );
    vec(feature, 0..3).prop_map(|features| DataFeatures { features })
}

fn tasks() -> impl Strategy<Value = Task> {
    let parameter = (text(), maybe_empty()).prop_map(|(name, value)| ProcedureParameter { name, value });
    let procedure = (id(), some(), some(), vec(parameter, 0..3)).prop_map(|(id, kind, data_splits_url, parameters)| EstimationProcedure {
        id,
        kind,
        data_splits_url,
        parameters,
    });
    let source = (any::<u32>(), some()).prop_map(|(data_set_id, target_feature)| SourceData { data_set_id, target_feature });
    let costs = option::of(maybe_empty());
    (any::<u32>(), some(), 0u32..7, name(), source, option::of(procedure), costs, many(), many()).prop_map(
        |(task_id, task_name, task_type_id, task_type, source_data, procedure, cost_matrix, measures, tags)| Task {
            task_id,
            task_name,
            task_type_id,
            task_type,
            source_data,
            estimation_procedure: procedure,
            cost_matrix,
            evaluation_measures: measures,
            tags,
        },
    )
}

fn flows() -> impl Strategy<Value = Flow> {
    let parameter = (name(), some(), some(), some()).prop_map(|(name, data_type, default_value, description)| FlowParameter {
        name,
        data_type,
        default_value,
        description,
    });
    let ids = (id(), id(), id());
    let texts = (some(), some(), some(), some(), some(), some(), some(), some(), some());
    let lists = (many(), many(), vec(parameter, 0..3), many());
    let flow = (ids, name(), maybe_empty(), texts, lists).prop_map(|(ids, name, description, texts, lists)| Flow {
        id: ids.0,
        uploader: ids.1,
        version: ids.2,
        name,
        description,
        custom_name: texts.0,
        class_name: texts.1,
        external_version: texts.2,
        upload_date: texts.3,
        licence: texts.4,
        language: texts.5,
        full_description: texts.6,
        installation_notes: texts.7,
        dependencies: texts.8,
        creators: lists.0,
        contributors: lists.1,
        parameters: lists.2,
        tags: lists.3,
        components: Vec::new(),
    });
    flow.prop_recursive(3, 6, 2, |inner| {
        (inner.clone(), vec((name(), inner), 0..2)).prop_map(|(flow, components)| Flow {
            components: components.into_iter().map(|(identifier, flow)| Component { identifier, flow }).collect(),
            ..flow
        })
    })
}

fn runs() -> impl Strategy<Value = Run> {
    let setting = (name(), maybe_empty(), id()).prop_map(|(name, value, component)| ParameterSetting { name, value, component });
    let dataset = (any::<u32>(), name(), some()).prop_map(|(did, name, url)| InputDataset { did, name, url });
    let file = (id(), name(), some()).prop_map(|(file_id, name, url)| OutputFile { file_id, name, url });
    let evaluation =
        (id(), id(), id(), name(), value(), value(), some()).prop_map(|(repeat, fold, sample, name, value, stdev, array_data)| {
            Evaluation { repeat, fold, sample, name, value, stdev, array_data }
        });
    let ids = (id(), id(), id(), id(), any::<u32>());
    let texts = (some(), some(), some(), some(), some(), some(), some(), some());
    let lists = (vec(setting, 0..3), many(), vec(dataset, 0..2), vec(file, 0..3), vec(evaluation, 0..4));
    (ids, texts, lists).prop_map(|(ids, texts, lists)| Run {
        run_id: ids.0,
        uploader: ids.1,
        task_id: ids.2,
        setup_id: ids.3,
        flow_id: ids.4,
        uploader_name: texts.0,
        upload_time: None,
        task_type: texts.1,
        task_evaluation_measure: texts.2,
        flow_name: texts.3,
        setup_string: texts.4,
        error: texts.5,
        error_message: texts.6,
        run_details: texts.7,
        parameter_settings: lists.0,
        tags: lists.1,
        input_data: lists.2,
        files: lists.3,
        evaluations: lists.4,
    })
}

fn studies() -> impl Strategy<Value = Study> {
    let ids = || vec(any::<u32>(), 0..4);
    let lists = (ids(), ids(), ids(), ids(), ids());
    (id(), some(), name(), name(), maybe_empty(), (id(), some(), some(), id()), lists).prop_map(
        |(id, alias, main_entity_type, name, description, rest, lists)| Study {
            id,
            alias,
            main_entity_type,
            benchmark_suite: rest.0,
            name,
            description,
            status: rest.1,
            creation_date: rest.2,
            creator: rest.3,
            data: lists.0,
            tasks: lists.1,
            flows: lists.2,
            setups: lists.3,
            runs: lists.4,
        },
    )
}

fn edits() -> impl Strategy<Value = DataEdit> {
    let text = || option::of(maybe_empty());
    let list = || option::of(many());
    (vec(text(), 8), list(), list(), list()).prop_map(|(mut texts, creators, contributors, ignore_attributes)| {
        let mut text = || texts.pop().flatten();
        DataEdit {
            description: text(),
            creators,
            contributors,
            collection_date: text(),
            language: text(),
            citation: text(),
            original_data_url: text(),
            paper_url: text(),
            default_target_attribute: text(),
            row_id_attribute: text(),
            ignore_attributes,
        }
    })
}

proptest! {
    #[test]
    fn studies_come_back(it in studies()) {
        prop_assert_eq!(Study::read(&it.write()), Ok(it));
    }

    #[test]
    fn edits_come_back(it in edits()) {
        prop_assert_eq!(DataEdit::read(&it.write()), Ok(it));
    }

    #[test]
    fn descriptions_come_back(it in descriptions()) {
        prop_assert_eq!(DatasetDescription::read(&it.write()), Ok(it));
    }

    #[test]
    fn features_come_back(it in features()) {
        prop_assert_eq!(DataFeatures::read(&it.write()), Ok(it));
    }

    #[test]
    fn qualities_come_back(qualities in vec((name(), value()), 0..4)) {
        let qualities = qualities.into_iter().map(|(name, value)| Quality { name, value }).collect();
        let it = DataQualities { qualities };
        prop_assert_eq!(DataQualities::read(&it.write()), Ok(it));
    }

    #[test]
    fn tasks_come_back(it in tasks()) {
        prop_assert_eq!(Task::read(&it.write()), Ok(it));
    }

    #[test]
    fn task_inputs_come_back(task_type_id: u32, inputs in vec((text(), maybe_empty()), 0..4), tags in many()) {
        let inputs = inputs.into_iter().map(|(name, value)| TaskInput { name, value }).collect();
        let it = TaskInputs { task_type_id, inputs, tags };
        prop_assert_eq!(TaskInputs::read(&it.write()), Ok(it));
    }

    #[test]
    fn flows_come_back(it in flows()) {
        prop_assert_eq!(Flow::read(&it.write()), Ok(it));
    }

    #[test]
    fn runs_come_back(it in runs()) {
        prop_assert_eq!(Run::read(&it.write()), Ok(it));
    }

    #[test]
    fn nothing_panics(text in "[<>/&;\"'= a-z!?\\-\\[\\]:#0-9]{0,60}") {
        let _ = Run::read(&text);
        let _ = Run::read(&RUN.replace("0.875", &text));
    }
}
