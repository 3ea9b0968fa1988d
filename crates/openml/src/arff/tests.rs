use proptest::prelude::*;

use super::*;
use crate::table::{MISSING, Values};
use crate::testing::{hostile, tables};

fn values(text: &str, feature: &str) -> Values {
    let table = read(text.as_bytes()).expect("an ARFF file");
    table.feature(feature).expect("the feature").values.clone()
}

fn reason(text: &str) -> String {
    read(text.as_bytes()).expect_err("an error").to_string()
}

/// A file with one attribute and these rows.
fn one(domain: &str, rows: &str) -> String {
    format!("@relation r\n@attribute x {domain}\n@data\n{rows}")
}

#[test]
fn a_file_as_openml_has_it() {
    let text = "\u{FEFF}% Title: a test\r\n%\r\n%  indented\r\n\r\n@ReLaTiOn  'it''s'\r\n".replace("''", "\\'")
        + "@attribute 'the name'\tREAL\r\n\
           @ATTRIBUTE class {  GB , 'G K',\"it's\" } % levels\r\n\
           @attribute \"wh\\\"o\" String\r\n\
           @attribute n integer [0, 10]\r\n\
           % not a part of the description\r\n\
           @DATA % rows\r\n\
           1.5,GB,\"Allen, Miss. E\",3\r\n\
           % a comment\r\n\
           \r\n\
           ?, 'G K' ,New York ,?\r\n\
           -2e3,\t\"it's\",'a\\nb',  0\r\n\
           NaN,,?,1";
    let table = read(text.as_bytes()).expect("an ARFF file");
    assert_eq!(table.name, "it's");
    assert_eq!(table.description, "Title: a test\n\n indented");
    assert_eq!(table.rows(), 4);
    assert_eq!(table.feature("the name").map(|feature| &feature.values), Some(&Values::Numeric(vec![1.5, f64::NAN, -2000.0, f64::NAN])));
    assert_eq!(
        table.feature("class").map(|feature| &feature.values),
        Some(&Values::Nominal { codes: vec![0, 1, 2, MISSING], levels: ["GB", "G K", "it's"].map(str::to_owned).to_vec() })
    );
    assert_eq!(
        table.feature("wh\"o").map(|feature| &feature.values),
        Some(&Values::Text { codes: vec![0, 1, 2, MISSING], levels: ["Allen, Miss. E", "New York", "a\nb"].map(str::to_owned).to_vec() })
    );
}

#[test]
fn quoted_marks_are_values_and_unquoted_ones_are_missing() {
    let expected = Values::Text { codes: vec![0, MISSING, 1], levels: vec!["?".to_owned(), String::new()] };
    assert_eq!(values(&one("string", "'?'\n?\n\"\"\n"), "x"), expected);
}

#[test]
fn dates() {
    let expected = Values::Date(vec![986_299_932_000.0, f64::NAN]);
    assert_eq!(values(&one("date", "2001-04-03T12:12:12\n?\n"), "x"), expected);
    assert_eq!(values(&one("DATE 'yyyy-MM-dd HH:mm:ss'", "\"2001-04-03 12:12:12\"\n?\n"), "x"), expected);
    assert_eq!(
        reason(&one("date yyyy-MM-dd", "03/04/2001\n")),
        "line 4, column 1: value \"03/04/2001\" of \"x\" is not a date in the declared form"
    );
    assert_eq!(reason(&one("date 'yyyy-ww'", "")), "line 2, column 19: the date pattern has the letter 'w', which is not supported");
}

#[test]
fn sparse_rows() {
    let text = "@relation r\n@attribute a numeric\n@attribute b {x,'y z'}\n@attribute c string\n@data\n\
                {0 5, 1 'y z', 2 'a, b}'}\n{}\n{ 2 ? , 0 -1.5 }\n{1 x},{3}\n7,x,t,{2.5}\n";
    assert_eq!(values(text, "a"), Values::Numeric(vec![5.0, 0.0, -1.5, 0.0, 7.0]));
    assert_eq!(values(text, "b"), Values::Nominal { codes: vec![1, 0, 0, 0, 0], levels: vec!["x".to_owned(), "y z".to_owned()] });
    assert_eq!(
        values(text, "c"),
        Values::Text { codes: vec![0, MISSING, MISSING, MISSING, 1], levels: vec!["a, b}".to_owned(), "t".to_owned()] }
    );
    let header = "@relation r\n@attribute a numeric\n@data\n";
    for (row, expected) in [
        ("{0 1", "line 4, column 1: the sparse row opened here is not closed on this line"),
        ("{0 1,", "line 4, column 1: the sparse row opened here is not closed on this line"),
        ("{1 1}", "line 4, column 2: index 1 is out of range, there are 1 attribute and the first is 0"),
        ("{0 1, 0 2}", "line 4, column 7: index 0 is given twice in this row"),
        ("{a 1}", "line 4, column 2: \"a\" is not the index of an attribute"),
        ("{0 }", "line 4, column 4: index 0 has no value"),
        ("{0 x}", "line 4, column 4: value \"x\" of \"a\" is not a number"),
        ("{0 1} x", "line 4, column 7: text after the closing brace"),
        ("{0 '1' 2}", "line 4, column 8: text after the closing quote"),
    ] {
        assert_eq!(reason(&format!("{header}{row}\n")), expected, "{row}");
    }
}

#[test]
fn tabs_delimit_too() {
    let text = "@relation r\n@attribute a numeric\n@attribute b string\n@attribute c numeric\n@data\n1\tx y\t 2\t\n1 ,\t'z',2\n";
    assert_eq!(values(text, "c"), Values::Numeric(vec![2.0, 2.0]));
    assert_eq!(values(text, "b"), Values::Text { codes: vec![0, 1], levels: vec!["x y".to_owned(), "z".to_owned()] });
}

#[test]
fn what_is_wrong_with_a_value_is_said_where_it_is() {
    let header = "@relation r\n@attribute width numeric\n@attribute colour {red, green, 'dark blue'}\n@data\n1,red\n";
    for (row, expected) in [
        ("1,blu", "line 6, column 3: value \"blu\" is not one of the 3 declared values of \"colour\""),
        ("é,red", "line 6, column 1: value \"é\" of \"width\" is not a number"),
        ("1", "line 6, column 2: row has 1 value, expected 2"),
        ("1,red,3", "line 6, column 7: row has 3 values, expected 2"),
        ("1,red,,", "line 6, column 7: row has 4 values, expected 2"),
        ("1, 'red", "line 6, column 4: the quote opened here is not closed on this line"),
        ("'1'x,red", "line 6, column 4: text after the closing quote"),
    ] {
        assert_eq!(reason(&format!("{header}{row}\n")), expected, "{row}");
    }
}

#[test]
fn what_is_wrong_with_a_header_is_said_where_it_is() {
    for (text, expected) in [
        ("", "line 1, column 1: the file ends before @DATA"),
        ("a,b\n1,2\n", "line 1, column 1: expected @RELATION, @ATTRIBUTE or @DATA"),
        ("@relation r\n@data\n", "line 2, column 1: there is no @ATTRIBUTE before @DATA"),
        ("@relation r\n@relation s\n", "line 2, column 1: @RELATION is declared twice"),
        ("@relatoin r\n", "line 1, column 1: unknown declaration \"@relatoin\""),
        ("@attribute x", "line 1, column 13: attribute \"x\" has no type"),
        ("@attribute  ''  real", "line 1, column 13: the attribute has no name"),
        ("@attribute x reel\n", "line 1, column 14: unknown type \"reel\" of attribute \"x\""),
        ("@attribute x relational\n", "line 1, column 14: relational attributes are not supported"),
        ("@attribute x real real\n", "line 1, column 19: \"real\" is not expected here"),
        ("@attribute x real\n@attribute x real\n", "line 2, column 12: attribute \"x\" is declared twice"),
        ("@attribute 'x real\n", "line 1, column 12: the quote opened here is not closed on this line"),
        ("@attribute x {a, b\n", "line 1, column 14: the list of values opened here is not closed on this line"),
        ("@attribute x {a, b, a}\n", "line 1, column 21: value \"a\" is declared twice"),
        ("@attribute x {a,,b}\n", "line 1, column 17: a declared value is empty"),
        ("@attribute x {'a' b}\n", "line 1, column 19: expected a comma or a brace after 1 value"),
    ] {
        assert_eq!(reason(text), expected, "{text}");
    }
    assert_eq!(
        read(b"@relation r\n@attribute \xE9 real\n").map_err(|error| error.to_string()),
        Err("line 2, column 12: byte 0xE9 is not valid UTF-8".to_owned())
    );
}

#[test]
fn limits_end_with_a_reason() {
    let limits = Limits { columns: 2, cells: 4 };
    let header = "@relation r\n@attribute a real\n@attribute b real\n";
    let result = |text: String| read_within(text.as_bytes(), &limits).map_err(|error| error.to_string());
    assert!(result(format!("{header}@data\n1,2\n{{}}\n")).is_ok());
    assert_eq!(
        result(format!("{header}@data\n1,2\n{{}}\n{{}}\n")),
        Err("line 7, column 1: the table has more than 4 values, the limit".to_owned())
    );
    assert_eq!(
        result(format!("{header}@attribute c real\n@data\n")),
        Err("line 4, column 1: there are more than 2 attributes, the limit".to_owned())
    );
}

#[test]
fn writing_is_plain_where_it_can_be() {
    let text = "% two\n%\n% lines\n@RELATION iris\n\n@ATTRIBUTE 'sepal length' NUMERIC\n@ATTRIBUTE class {a-b,'c d'}\n\
                @ATTRIBUTE day DATE \"yyyy-MM-dd\"\n@ATTRIBUTE who STRING\n\n@DATA\n5.1,a-b,2001-04-03,'O\\'Brien'\n?,?,?,?\n";
    let table = read(text.as_bytes()).expect("an ARFF file");
    let mut out = String::new();
    write(&table, &mut out);
    assert_eq!(out, text);
}

proptest! {
    #[test]
    fn reads_back_what_it_writes(table in tables(hostile())) {
        let mut out = String::new();
        write(&table, &mut out);
        let read = read(out.as_bytes());
        prop_assert_eq!(read, Ok(table), "{}", out);
    }

    #[test]
    fn nothing_panics(text in "(@(relation|attribute|data)|[ \n\r,{}'\"%?\\\\0-9a-c]|x real|x \\{a,b\\}|date){0,40}") {
        let _ = read(text.as_bytes());
        let _ = read(one("{a,b}", &text).as_bytes());
        let _ = read(one("numeric", &text).as_bytes());
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = read(&bytes);
    }
}
