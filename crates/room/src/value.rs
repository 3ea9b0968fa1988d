use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value as Json;

use crate::limits::{MAX_VALUE_BYTES, MAX_VALUE_DEPTH};

/// The value of a property: a small piece of JSON, most often a string.
///
/// Invariant: not `null` (which means "reset" in an operation), at most [`MAX_VALUE_BYTES`] in its canonical encoding, at
/// most [`MAX_VALUE_DEPTH`] levels. Numbers are IEEE 754 doubles as in a browser: `1.0` and `1` are one value, `-0` is
/// `0`. A clone is cheap.
#[derive(Clone)]
pub struct Value(Arc<Inner>);

struct Inner {
    json: Json,
    bytes: usize,
}

/// Why a piece of JSON is no [`Value`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    #[error("a value is at most {MAX_VALUE_BYTES} bytes long")]
    TooLong,
    #[error("a value has at most {MAX_VALUE_DEPTH} levels")]
    TooDeep,
    #[error("null is no value: a control without one has its default")]
    Null,
}

impl Value {
    /// Checks a piece of JSON and brings its numbers into their one form.
    ///
    /// # Errors
    /// When it is `null`, too long or too deep.
    pub fn new(json: Json) -> Result<Value, ValueError> {
        if json.is_null() {
            return Err(ValueError::Null);
        }
        let json = normal(json, 0)?;
        let mut encoded = String::new();
        write_canonical(&json, &mut encoded);
        if encoded.len() > MAX_VALUE_BYTES {
            return Err(ValueError::TooLong);
        }
        Ok(Value(Arc::new(Inner { json, bytes: encoded.len() })))
    }

    /// A string, the value of most controls.
    ///
    /// # Errors
    /// When it is too long.
    pub fn text(text: &str) -> Result<Value, ValueError> {
        Value::new(Json::String(text.to_owned()))
    }

    pub fn as_json(&self) -> &Json {
        &self.0.json
    }

    /// The string, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        self.0.json.as_str()
    }

    /// The number, if it is one.
    pub fn as_f64(&self) -> Option<f64> {
        self.0.json.as_f64()
    }

    /// The length of the canonical encoding.
    pub fn bytes(&self) -> usize {
        self.0.bytes
    }

    /// Appends the canonical encoding, RFC 8785 (JCS): no spaces, members sorted by UTF-16 code units, numbers and
    /// escapes as ECMAScript's `JSON.stringify` writes them.
    pub fn write_canonical(&self, out: &mut String) {
        write_canonical(&self.0.json, out);
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.json == other.0.json
    }
}

impl Eq for Value {}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.json)
    }
}

impl TryFrom<Json> for Value {
    type Error = ValueError;

    fn try_from(json: Json) -> Result<Value, ValueError> {
        Value::new(json)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value(Arc::new(Inner { json: Json::Bool(value), bytes: if value { 4 } else { 5 } }))
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.json.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        Value::new(Json::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// Up to here every whole number is a double of its own.
const EXACT: f64 = 9_007_199_254_740_992.0;

fn normal(json: Json, depth: usize) -> Result<Json, ValueError> {
    match json {
        Json::Number(number) => {
            let Some(number) = number.as_f64() else {
                return Ok(Json::Number(number));
            };
            Ok(if number.fract() == 0.0 && number.abs() <= EXACT { Json::from(number as i64) } else { Json::from(number) })
        }
        Json::Array(_) | Json::Object(_) if depth == MAX_VALUE_DEPTH => Err(ValueError::TooDeep),
        Json::Array(items) => items.into_iter().map(|item| normal(item, depth + 1)).collect(),
        Json::Object(members) => {
            let mut normalised = serde_json::Map::new();
            for (name, member) in members {
                normalised.insert(name, normal(member, depth + 1)?);
            }
            Ok(Json::Object(normalised))
        }
        other => Ok(other),
    }
}

fn write_canonical(json: &Json, out: &mut String) {
    match json {
        Json::Null => out.push_str("null"),
        Json::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Json::Number(number) => write_number(number, out),
        Json::String(text) => write_text(text, out),
        Json::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_canonical(item, out);
            }
            out.push(']');
        }
        Json::Object(members) => {
            // serde_json's own order depends on a feature that any crate may switch on.
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            out.push('{');
            for (i, (name, member)) in members.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_text(name, out);
                out.push(':');
                write_canonical(member, out);
            }
            out.push('}');
        }
    }
}

/// A JSON string as `JSON.stringify` writes it.
pub(crate) fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0'..='\u{1f}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => out.push(c),
        }
    }
    out.push('"');
}

/// A number as ECMAScript's `Number::toString` writes it: the shortest digits that give the same double back.
fn write_number(number: &serde_json::Number, out: &mut String) {
    if let Some(whole) = number.as_i64() {
        out.push_str(&whole.to_string());
        return;
    }
    // serde_json's shortest digits, laid out anew. The standard library's have code of their own, a hundredth of the browser's.
    let shortest = number.to_string();
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let unsigned = mantissa.trim_start_matches('-');
    if unsigned.len() < mantissa.len() {
        out.push('-');
    }
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let all = format!("{whole}{fraction}");
    let significant = all.trim_start_matches('0');
    let leading = all.len() - significant.len();
    let digits = significant.trim_end_matches('0');
    let point = whole.len() as i32 - leading as i32 + exponent.parse::<i32>().unwrap_or(0);
    let (count, exponent) = (digits.len() as i32, point - 1);
    let zeros = |n: i32| "0".repeat(usize::try_from(n).unwrap_or(0));
    if (count..=21).contains(&point) {
        out.push_str(digits);
        out.push_str(&zeros(point - count));
    } else if (1..=21).contains(&point) {
        let (whole, fraction) = digits.split_at(point as usize);
        out.push_str(whole);
        out.push('.');
        out.push_str(fraction);
    } else if (-5..=0).contains(&point) {
        out.push_str("0.");
        out.push_str(&zeros(-point));
        out.push_str(digits);
    } else {
        let (first, rest) = digits.split_at(1);
        out.push_str(first);
        if !rest.is_empty() {
            out.push('.');
            out.push_str(rest);
        }
        out.push_str(&format!("e{exponent:+}"));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn canonical(json: Json) -> String {
        let mut out = String::new();
        Value::new(json).expect("a legal value").write_canonical(&mut out);
        out
    }

    #[test]
    fn numbers_are_written_as_in_a_browser() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-1.5, "-1.5"),
            (0.1, "0.1"),
            (123_456.789, "123456.789"),
            (1e-6, "0.000001"),
            (1e-7, "1e-7"),
            (1.25e-7, "1.25e-7"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (-1.5e300, "-1.5e+300"),
            (5e-324, "5e-324"),
            (9_007_199_254_740_992.0, "9007199254740992"),
            (9_007_199_254_740_994.0, "9007199254740994"),
            (333_333_333.333_333_3, "333333333.3333333"),
            (4.5, "4.5"),
            (1e23, "1e+23"),
        ] {
            assert_eq!(canonical(json!(number)), text);
        }
        // A browser has no other numbers than doubles.
        assert_eq!(canonical(json!(u64::MAX)), "18446744073709552000");
    }

    #[test]
    fn members_are_sorted_and_text_is_escaped() {
        assert_eq!(
            canonical(json!({"b": [1.0, null, true], "a": {"z": "\u{8}\u{1f}\"\\/ä\u{7f}"}, "\u{fb33}": 1, "\u{1f600}": 2})),
            "{\"a\":{\"z\":\"\\b\\u001f\\\"\\\\/ä\u{7f}\"},\"b\":[1,null,true],\"\u{1f600}\":2,\"\u{fb33}\":1}"
        );
    }

    #[test]
    fn limits_hold() {
        assert_eq!(Value::new(Json::Null), Err(ValueError::Null));
        assert!(Value::text(&"x".repeat(MAX_VALUE_BYTES - 2)).is_ok());
        assert_eq!(Value::text(&"x".repeat(MAX_VALUE_BYTES - 1)), Err(ValueError::TooLong));
        let nested = |n| (0..n).fold(json!(1), |inner, _| json!([inner]));
        assert!(Value::new(nested(MAX_VALUE_DEPTH)).is_ok());
        assert_eq!(Value::new(nested(MAX_VALUE_DEPTH + 1)), Err(ValueError::TooDeep));
        assert!(serde_json::from_str::<Value>(&format!("\"{}\"", "x".repeat(MAX_VALUE_BYTES))).is_err());
    }

    #[test]
    fn one_and_one_point_zero_are_one_value() {
        assert_eq!(Value::new(json!(1.0)), Value::new(json!(1)));
        assert_eq!(Value::from(true).bytes(), 4);
        assert_eq!(Value::from(false), Value::new(json!(false)).expect("a value"));
    }

    fn any_json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            any::<u64>().prop_map(Json::from),
            any::<f64>().prop_filter_map("finite", |n| n.is_finite().then(|| Json::from(n))),
            ".{0,8}".prop_map(Json::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Json::Array),
                prop::collection::btree_map(".{0,4}", inner, 0..4).prop_map(|members| Json::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(json in any_json()) {
            let value = Value::new(json).expect("small enough");
            let mut text = String::new();
            value.write_canonical(&mut text);
            prop_assert_eq!(value.bytes(), text.len());
            prop_assert_eq!(&serde_json::from_str::<Value>(&text).expect("canonical JSON"), &value);
            let wire = serde_json::to_string(&value).expect("JSON");
            prop_assert_eq!(serde_json::from_str::<Value>(&wire).expect("JSON"), value);
        }
    }
}
