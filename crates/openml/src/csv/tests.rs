use proptest::prelude::*;

use super::*;
use crate::table::{Feature, MISSING, Values};
use crate::testing::{by_appearance, hostile, tables};

fn table(text: &str) -> Table {
    read(text.as_bytes(), &Options::default()).expect("a CSV file")
}

fn values(text: &str, feature: &str) -> Values {
    table(text).feature(feature).expect("the feature").values.clone()
}

fn reason(text: &str) -> String {
    read(text.as_bytes(), &Options::default()).expect_err("an error").to_string()
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

#[test]
fn types_are_inferred() {
    let text = "\u{FEFF}number,date,code,flag,\"a \"\"name\"\"\",none\r\n\
                1.5,2001-04-03,00501,true,\"x, y\",\r\n\
                -2e3, 2001-04-03T12:00:00Z ,10001,false,\"two\r\nlines\",NA\r\n\
                NA,?,,null,None,?\r\n\r\n  \r\n";
    let table = table(text);
    let names: Vec<&str> = table.features.iter().map(|feature| feature.name.as_str()).collect();
    assert_eq!(names, ["number", "date", "code", "flag", "a \"name\"", "none"]);
    let expected = [
        Values::Numeric(vec![1.5, -2000.0, f64::NAN]),
        Values::Date(vec![986_256_000_000.0, 986_299_200_000.0, f64::NAN]),
        Values::Nominal { codes: vec![0, 1, MISSING], levels: strings(&["00501", "10001"]) },
        Values::Nominal { codes: vec![1, 0, MISSING], levels: strings(&["false", "true"]) },
        Values::Nominal { codes: vec![1, 0, MISSING], levels: strings(&["two\r\nlines", "x, y"]) },
        Values::Numeric(vec![f64::NAN; 3]),
    ];
    for (feature, expected) in table.features.iter().zip(expected) {
        assert_eq!(feature.values, expected, "{}", feature.name);
    }
}

#[test]
fn many_levels_are_text() {
    let column = |distinct: usize, rows: usize| {
        let mut text = "x\n".to_owned();
        for row in 0..rows {
            text.push_str(&format!("v{}\n", row % distinct));
        }
        values(&text, "x").kind()
    };
    assert_eq!(column(20, 30), Kind::Nominal);
    assert_eq!(column(21, 30), Kind::Text);
    assert_eq!(column(50, 1000), Kind::Nominal);
    assert_eq!(column(51, 1000), Kind::Text);
    assert_eq!(column(1000, 40_000), Kind::Nominal);
    assert_eq!(column(1001, 40_000), Kind::Text);
}

#[test]
fn numbers_that_are_codes_stay_what_they_are() {
    for value in ["007", "-01", "00.5", "12345678901234567890"] {
        let text = format!("x\n{value}\n1\n");
        assert_eq!(values(&text, "x").kind(), Kind::Nominal, "{value}");
    }
    for value in ["0", "0.5", "-0.5", "1e5", "9007199254740992", "inf", "+3"] {
        let text = format!("x\n{value}\n1\n");
        assert_eq!(values(&text, "x").kind(), Kind::Numeric, "{value}");
    }
}

#[test]
fn quotes_save_a_word_from_being_missing() {
    let expected = Values::Nominal { codes: vec![0, MISSING, 1, MISSING], levels: strings(&["NA", "b"]) };
    assert_eq!(values("x\n\"NA\"\nNA\nb\n\"\"\n", "x"), expected);
    assert_eq!(values("x\n\"1\"\n\"NA\"\n", "x"), Values::Numeric(vec![1.0, f64::NAN]));
}

#[test]
fn delimiters_are_found() {
    for (delimiter, decoy) in [(",", ";"), (";", ","), ("\t", ",")] {
        let text = format!("a{delimiter}b\n1{delimiter}\"x{decoy}y\"\n2{delimiter}z\n");
        assert_eq!(table(&text).features.len(), 2, "{delimiter:?}");
    }
    // One comma in every row, but two semicolons in every record.
    assert_eq!(table("a;b;c\n1,5;2;3\n2,5;3;4\n").features.len(), 3);
    assert_eq!(table("a\n1\n").features.len(), 1);
    assert_eq!(values("a\tb\n1\t\n2\t\n", "b"), Values::Numeric(vec![f64::NAN; 2]));
    let options = Options { delimiter: Some(b'|'), ..Options::default() };
    assert_eq!(read(b"a|b\n1|2\n", &options).map(|table| table.features.len()), Ok(2));
    for delimiter in [0xC3, b'"', b'\n'] {
        let options = Options { delimiter: Some(delimiter), ..Options::default() };
        assert!(read("é,é\n".as_bytes(), &options).is_err());
    }
}

#[test]
fn types_can_be_demanded() {
    let options = Options {
        kinds: vec![("zip".to_owned(), Kind::Text), ("year".to_owned(), Kind::Nominal)],
        missing: vec!["-".to_owned()],
        ..Options::default()
    };
    let table = read(b"zip,year,x\n10115,2001,1\n-,99,NA\n", &options).expect("a CSV file");
    let expected = [
        Values::Text { codes: vec![0, MISSING], levels: strings(&["10115"]) },
        Values::Nominal { codes: vec![1, 0], levels: strings(&["99", "2001"]) },
        Values::Nominal { codes: vec![0, 1], levels: strings(&["1", "NA"]) },
    ];
    for (feature, expected) in table.features.iter().zip(expected) {
        assert_eq!(feature.values, expected, "{}", feature.name);
    }
    let demand = |name: &str, kind| {
        let options = Options { kinds: vec![(name.to_owned(), kind)], ..Options::default() };
        read(b"x\n1\nb\n", &options).map_err(|error| error.to_string())
    };
    assert_eq!(demand("x", Kind::Numeric), Err("line 3, column 1: value \"b\" of \"x\" is not a number".to_owned()));
    assert_eq!(demand("x", Kind::Date), Err("line 2, column 1: value \"1\" of \"x\" is not a date such as 2001-12-31".to_owned()));
    assert_eq!(demand("y", Kind::Date), Err("line 1, column 1: there is no column \"y\"".to_owned()));
}

#[test]
fn the_index_of_a_data_frame_gets_a_name() {
    let table = read(b",a\n0,x\n1,y\n", &Options::default()).expect("a table");
    assert_eq!(table.features.iter().map(|feature| feature.name.as_str()).collect::<Vec<_>>(), ["index", "a"]);
    assert!(read(b",index\n0,x\n", &Options::default()).expect_err("twice").to_string().contains("\"index\" comes twice"));
    assert!(read(b"\"\"\n0\n", &Options::default()).expect_err("no name").to_string().contains("has no name"));
}

#[test]
fn what_is_wrong_is_said_where_it_is() {
    for (text, expected) in [
        ("", "line 1, column 1: the file is empty, expected a row of column names"),
        ("\n\n", "line 1, column 1: the file is empty, expected a row of column names"),
        ("a,,b\n", "line 1, column 3: column 2 has no name"),
        ("a,b,a\n", "line 1, column 5: column name \"a\" comes twice"),
        ("a,b\n1,2,3\n", "line 2, column 5: row has 3 values, expected 2"),
        ("a,b\n1,2\n3\n", "line 3, column 1: row has 1 value, expected 2"),
        ("a,b\n\n1,2\n", "line 2, column 1: a blank line, expected 2 values"),
        ("a,b\n1,\"x\n", "line 2, column 3: the quote opened here is never closed"),
        ("a,b\n\"1\" ,2\n", "line 2, column 4: text after the closing quote"),
        ("a,b\n5\" pipe,2\n", "line 2, column 2: a quote inside an unquoted value (put the whole value in quotes and double this one)"),
    ] {
        assert_eq!(reason(text), expected, "{text}");
    }
    let options = Options { limits: Limits { columns: 2, cells: 2 }, ..Options::default() };
    let limited = |text: &str| read(text.as_bytes(), &options).map_err(|error| error.to_string());
    assert_eq!(limited("a,b,c\n"), Err("line 1, column 1: there are more than 2 columns, the limit".to_owned()));
    assert_eq!(limited("a,b\n1,2\n3,4\n"), Err("line 3, column 1: the table has more than 2 values, the limit".to_owned()));
}

#[test]
fn written_as_rfc_4180_says() {
    let table = table("a,b,c\n1,x y,2001-04-03T01:02\n,\"NA\",\n2,\"q\"\"\",2001-04-04\n");
    let mut out = String::new();
    write(&table, &mut out);
    assert_eq!(out, "a,b,c\r\n1,x y,2001-04-03T01:02:00Z\r\n,\"NA\",\r\n2,\"q\"\"\",2001-04-04T00:00:00Z\r\n");
}

/// Text that is not empty for CSV.
fn visible() -> BoxedStrategy<String> {
    hostile().prop_filter("text", |text| !text.trim().is_empty()).boxed()
}

proptest! {
    /// CSV has no types, so they are demanded; levels come back sorted and without those that do not occur; and the empty text
    /// comes back as missing.
    #[test]
    fn reads_back_what_it_writes(table in tables(visible())) {
        let table = Table { name: String::new(), description: String::new(), features: table.features };
        let mut out = String::new();
        write(&table, &mut out);
        let kind = |feature: &Feature| match feature.values.kind() {
            Kind::Nominal => Kind::Text,
            kind => kind,
        };
        let options = Options {
            kinds: table.features.iter().map(|feature| (feature.name.clone(), kind(feature))).collect(),
            delimiter: Some(b','),
            ..Options::default()
        };
        let expected: Vec<Feature> = table.features.into_iter().map(|feature| Feature {
            name: feature.name,
            values: match feature.values {
                Values::Nominal { codes, levels } => by_appearance(codes, levels),
                values => values,
            },
        }).collect();
        prop_assert_eq!(read(out.as_bytes(), &options).map(|table| table.features), Ok(expected), "{}", out);
    }

    #[test]
    fn nothing_panics(text in "[ \t\n\r,;\"a0-9\\-.T:é]{0,40}") {
        let _ = read(text.as_bytes(), &Options::default());
    }
}
