use proptest::prelude::*;

use super::*;
use crate::document::*;
use crate::table::Kind;

fn plain(xml: &str) -> String {
    from_xml(xml, Shape::Plain).expect("a document")
}

fn typed(xml: &str) -> String {
    from_xml(xml, Shape::Typed).expect("a document")
}

#[test]
fn a_description_is_all_strings() {
    let description = DatasetDescription {
        id: Some(7),
        name: "flowers".to_owned(),
        version: Some(2),
        description: "**Author**: A \"G\"  \nline\ttwo \\ é".to_owned(),
        format: "ARFF".to_owned(),
        creators: vec!["A. Gardener".to_owned()],
        tags: vec!["a".to_owned(), "b".to_owned()],
        url: Some("http://localhost/data/v1/download/11/flowers.arff".to_owned()),
        ..DatasetDescription::default()
    };
    let expected = r#"{"data_set_description":{"id":"7","name":"flowers","version":"2","description":"**Author**: A \"G\"  \nline\ttwo \\ é","format":"ARFF","creator":"A. Gardener","url":"http://localhost/data/v1/download/11/flowers.arff","tag":["a","b"]}}"#;
    assert_eq!(plain(&description.write()), expected);
}

#[test]
fn features_and_qualities_are_arrays_however_many() {
    let feature = FeatureDescription {
        index: 0,
        name: "colour".to_owned(),
        data_type: Kind::Nominal,
        nominal_values: vec![" red".to_owned()],
        ontologies: Vec::new(),
        is_target: true,
        is_ignore: false,
        is_row_identifier: false,
        number_of_missing_values: 3,
    };
    let expected = r#"{"data_features":{"feature":[{"index":"0","name":"colour","data_type":"nominal","nominal_value":[" red"],"is_target":"true","is_ignore":"false","is_row_identifier":"false","number_of_missing_values":"3"}]}}"#;
    assert_eq!(plain(&DataFeatures { features: vec![feature] }.write()), expected);
    let qualities = DataQualities { qualities: vec![Quality { name: "EquivalentNumberOfAtts".to_owned(), value: None }] };
    assert_eq!(plain(&qualities.write()), r#"{"data_qualities":{"quality":[{"name":"EquivalentNumberOfAtts","value":[]}]}}"#);
    assert_eq!(plain(&QualityNames { names: vec!["a".to_owned()] }.write()), r#"{"data_qualities_list":{"quality":["a"]}}"#);
}

#[test]
fn a_task_has_the_names_of_its_inputs_first() {
    let parameter = |name: &str, value: &str| ProcedureParameter { name: name.to_owned(), value: value.to_owned() };
    let task = Task {
        task_id: 3,
        task_type_id: 2,
        task_type: "Supervised Regression".to_owned(),
        source_data: SourceData { data_set_id: 7, target_feature: Some("y".to_owned()) },
        estimation_procedure: Some(EstimationProcedure {
            id: Some(7),
            kind: Some("crossvalidation".to_owned()),
            data_splits_url: Some("u".to_owned()),
            parameters: vec![parameter("number_repeats", "1"), parameter("percentage", "")],
        }),
        cost_matrix: Some(String::new()),
        evaluation_measures: vec!["kappa".to_owned()],
        ..Task::default()
    };
    let expected = [
        r#"{"task":{"task_id":"3","task_type_id":"2","task_type":"Supervised Regression","input":["#,
        r#"{"name":"source_data","data_set":{"data_set_id":"7","target_feature":"y"}},"#,
        r#"{"name":"estimation_procedure","estimation_procedure":{"id":"7","type":"crossvalidation","data_splits_url":"u","#,
        r#""parameter":[{"name":"number_repeats","value":"1"},{"name":"percentage"}]}},"#,
        r#"{"name":"cost_matrix","cost_matrix":[]},"#,
        r#"{"name":"evaluation_measures","evaluation_measures":{"evaluation_measure":"kappa"}}],"#,
        r#""output":{"name":"predictions","predictions":{"format":"ARFF","feature":[{"name":"repeat","type":"integer"},"#,
        r#"{"name":"fold","type":"integer"},{"name":"row_id","type":"integer"},{"name":"prediction","type":"string"}]}}}}"#,
    ];
    assert_eq!(plain(&task.write()), expected.concat());
}

#[test]
fn runs_keep_where_they_were_evaluated() {
    let run = r#"<oml:run xmlns:oml="http://openml.org/openml"><oml:setup_string></oml:setup_string><oml:output_data>
        <oml:evaluation repeat="0" fold="9"><oml:name>kappa</oml:name><oml:value>0.5</oml:value></oml:evaluation>
        </oml:output_data></oml:run>"#;
    let expected = r#"{"run":{"setup_string":[],"output_data":{"evaluation":{"repeat":"0","fold":"9","name":"kappa","value":"0.5"}}}}"#;
    assert_eq!(plain(run), expected);
}

#[test]
fn small_answers() {
    let failure = Failure { code: 111, message: "Unknown dataset".to_owned(), additional_information: None };
    assert_eq!(plain(&failure.write()), r#"{"error":{"code":"111","message":"Unknown dataset"}}"#);
    assert_eq!(plain(&reply("upload_data_set", &[("id", "7")])), r#"{"upload_data_set":{"id":"7"}}"#);
    assert_eq!(plain(&reply("nothing", &[])), r#"{"nothing":[]}"#);
    let tagged = reply("data_tag", &[("id", "7"), ("tag", "a"), ("tag", "b")]);
    assert_eq!(plain(&tagged), r#"{"data_tag":{"id":"7","tag":["a","b"]}}"#);
}

#[test]
fn a_list_of_one_is_a_list() {
    let users = UserList { users: vec![UserRow { id: 1, username: "gardener".to_owned() }] };
    assert_eq!(plain(&users.write()), r#"{"users":{"user":[{"id":"1","username":"gardener"}]}}"#);
    assert_eq!(
        plain(&MeasureList { measures: vec!["kappa".to_owned()] }.write()),
        r#"{"evaluation_measures":{"measures":{"measure":["kappa"]}}}"#
    );
    let study = Study { main_entity_type: "task".to_owned(), name: "s".to_owned(), tasks: vec![1], ..Study::default() };
    assert_eq!(plain(&study.write()), r#"{"study":{"main_entity_type":"task","name":"s","description":[],"tasks":{"task_id":["1"]}}}"#);
}

#[test]
fn typed_lists_have_numbers() {
    let quality = |name: &str, value| Quality { name: name.to_owned(), value: Some(value) };
    let row = DataRow {
        did: 61,
        name: "123".to_owned(),
        version: 1,
        uploader: 5,
        status: "active".to_owned(),
        format: "ARFF".to_owned(),
        file_id: Some(61),
        qualities: vec![quality("NumberOfClasses", 3.0), quality("NumberOfInstances", 150.0)],
    };
    let expected = r#"{"data":{"dataset":[{"did":61,"name":"123","version":1,"uploader":5,"status":"active","format":"ARFF","file_id":61,"quality":[{"name":"NumberOfClasses","value":"3"},{"name":"NumberOfInstances","value":"150"}]}]}}"#;
    assert_eq!(typed(&DataList { datasets: vec![row] }.write()), expected);

    let input = |name: &str, value: &str| TaskInput { name: name.to_owned(), value: value.to_owned() };
    let row = TaskRow { task_id: 3, inputs: vec![input("target_feature", "")], ..TaskRow::default() };
    let expected = r#"{"tasks":{"task":[{"task_id":3,"task_type_id":0,"task_type":"","did":0,"name":"","status":"","format":"","input":[{"name":"target_feature","value":""}]}]}}"#;
    assert_eq!(typed(&TaskList { tasks: vec![row] }.write()), expected);

    let runs = RunList { runs: vec![RunRow { run_id: 5, upload_time: "2024-05-06 07:08:09".to_owned(), ..RunRow::default() }] };
    let expected = r#"{"runs":{"run":[{"run_id":5,"task_id":0,"task_type_id":0,"setup_id":0,"flow_id":0,"uploader":0,"upload_time":"2024-05-06 07:08:09","error_message":""}]}}"#;
    assert_eq!(typed(&runs.write()), expected);

    let row = EvaluationRow {
        function: "f_measure".to_owned(),
        value: Some(0.5),
        values: vec![1.0, f64::NAN],
        array_data: Some("[[1,?], [\"a\",0.50]]".to_owned()),
        ..EvaluationRow::default()
    };
    let text = typed(&EvaluationList { evaluations: vec![row] }.write());
    assert!(text.ends_with(r#""value":0.5,"values":[1,null],"array_data":[[1,"?"],["a",0.5]]}]}}"#), "{text}");
}

#[test]
fn what_json_has_no_number_for_stays_text() {
    let evaluation = |fields: &str| typed(&format!("<evaluations><evaluation>{fields}</evaluation></evaluations>"));
    let only = |field: &str| format!(r#"{{"evaluations":{{"evaluation":[{{{field}}}]}}}}"#);
    assert_eq!(evaluation("<value>Infinity</value>"), only(r#""value":"Infinity""#));
    assert_eq!(evaluation("<run_id> 7 </run_id>"), only(r#""run_id":7"#));
    assert_eq!(evaluation("<run_id>-0x7</run_id>"), only(r#""run_id":"-0x7""#));
    assert_eq!(evaluation("<run_id>99999999999999999999</run_id>"), only(r#""run_id":"99999999999999999999""#));
    for list in ["", "1", "[", "]", "[]]", "[],", "[1,]", "[,1]", "[1][2]", "[1 [2]]", "[[1] 2]", "x[1]", "[1]x", "[1"] {
        assert_eq!(evaluation(&format!("<array_data>{list}</array_data>")), only(&format!(r#""array_data":"{list}""#)), "{list}");
    }
    for list in ["[]", "[[]]", "[[],[1]]", "[1]", "[-0.5,1e-9]"] {
        assert_eq!(evaluation(&format!("<array_data>{list}</array_data>")), only(&format!(r#""array_data":{list}"#)), "{list}");
    }
}

#[test]
fn names_that_meet() {
    assert_eq!(plain("<a name='x' id='1'><name>y</name></a>"), r#"{"a":{"id":"1","name":"y"}}"#);
    assert_eq!(plain("<a value='x'>y</a>"), r#"{"a":{"value":"y"}}"#);
    assert_eq!(plain("<a>t<value>y</value></a>"), r#"{"a":{"value":"y"}}"#);
    assert_eq!(plain("<a><b>1</b><c>2</c><b>3</b></a>"), r#"{"a":{"b":["1","3"],"c":"2"}}"#);
    assert_eq!(plain("<a><b> </b><c>\n </c></a>"), r#"{"a":{"b":" ","c":[]}}"#);
}

#[test]
fn what_is_wrong_is_said_where_it_is() {
    let reason = |xml: &str| from_xml(xml, Shape::Plain).expect_err("an error").to_string();
    assert!(reason("").starts_with("line 1, column 1: not well-formed XML: "));
    assert!(reason("<a><b></a>").contains("not well-formed XML"));
    let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    assert!(from_xml(&nested(256), Shape::Plain).is_ok());
    assert!(reason(&nested(257)).ends_with("elements are nested more than 256 levels deep"));
    let many: String = (0..50_000).map(|n| format!("<a{n}/>")).collect();
    assert!(from_xml(&format!("<a>{many}</a>"), Shape::Plain).is_ok());
}

/// The rest of `text` after one JSON value.
fn after_value(text: &str) -> Option<&str> {
    let text = text.trim_start();
    match text.as_bytes().first()? {
        b'{' => after_items(&text[1..], '}', |item| after_value(after_string(item)?.strip_prefix(':')?)),
        b'[' => after_items(&text[1..], ']', after_value),
        b'"' => after_string(text),
        _ => {
            let end = text.find([',', ']', '}']).unwrap_or(text.len());
            let word = &text[..end];
            (word == "null" || word.parse::<f64>().is_ok_and(f64::is_finite)).then_some(&text[end..])
        }
    }
}

fn after_items<'a>(text: &'a str, end: char, after_item: impl Fn(&'a str) -> Option<&'a str>) -> Option<&'a str> {
    if let Some(rest) = text.strip_prefix(end) {
        return Some(rest);
    }
    let mut rest = after_item(text)?;
    while let Some(next) = rest.strip_prefix(',') {
        rest = after_item(next)?;
    }
    rest.strip_prefix(end)
}

fn after_string(text: &str) -> Option<&str> {
    let mut characters = text.strip_prefix('"')?.chars();
    loop {
        match characters.next()? {
            '"' => return Some(characters.as_str()),
            '\\' => match characters.next()? {
                '"' | '\\' | 'n' | 'r' | 't' => {}
                'u' => (0..4).try_for_each(|_| characters.next()?.is_ascii_hexdigit().then_some(()))?,
                _ => return None,
            },
            control if control < ' ' => return None,
            _ => {}
        }
    }
}

proptest! {
    #[test]
    fn any_text_makes_valid_json(text in crate::testing::hostile(), list in "[\\[\\],0-9a\" .-]{0,12}") {
        let fields = [("name", text.as_str()), ("value", &list), ("array_data", &list), ("array_data", &text), ("id", &list)];
        for shape in [Shape::Plain, Shape::Typed] {
            let json = from_xml(&reply("evaluation", &fields), shape).expect("a document");
            prop_assert_eq!(after_value(&json), Some(""), "{}", json);
        }
        let list = format!("<a><array_data>{list}</array_data></a>");
        let json = from_xml(&list, Shape::Typed).expect("a document");
        prop_assert_eq!(after_value(&json), Some(""), "{}", json);
    }

    #[test]
    fn nothing_panics(text in "(<[a-c]( [a-c]='[0-9]')?>|</[a-c]>|[a-c\n \"\\\\]){0,20}") {
        if let Ok(json) = from_xml(&format!("<a>{text}</a>"), Shape::Plain) {
            prop_assert_eq!(after_value(&json), Some(""), "{}", json);
        }
    }
}
