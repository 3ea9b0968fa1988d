//! What the `plotly` crate does not know: attributes that its traces and layout lack.

use plotly::Trace;
use serde::Serialize;
use serde_json::{Map, Value};

/// A trace of the `plotly` crate with further attributes: typed arrays, row ids, per-point styles.
#[derive(Clone, Debug, Default)]
pub struct Extended {
    attributes: Map<String, Value>,
}

impl Extended {
    /// Takes over what the trace says.
    pub fn new(trace: &impl Serialize) -> Self {
        Self { attributes: object(trace) }
    }

    /// Sets an attribute by its path, for example `marker.color`.
    #[must_use]
    pub fn set(mut self, path: &str, value: impl Into<Value>) -> Self {
        insert(&mut self.attributes, path, value.into());
        self
    }
}

impl Serialize for Extended {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.attributes.serialize(serializer)
    }
}

impl Trace for Extended {
    fn to_json(&self) -> String {
        serde_json::to_string(&self.attributes).unwrap_or_default()
    }
}

/// A font with the fractional size and the weight that plotly.js reads.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Font {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<&'static str>,
    pub size: f64,
    pub color: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<u16>,
}

/// An axis title that keeps its distance from the tick labels.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct AxisTitle {
    pub text: String,
    pub font: Font,
    pub standoff: f64,
}

/// An image under exact axes.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Image {
    pub source: String,
    pub xref: &'static str,
    pub yref: &'static str,
    pub x: Value,
    pub y: Value,
    pub sizex: f64,
    pub sizey: f64,
    pub xanchor: &'static str,
    pub yanchor: &'static str,
    pub sizing: &'static str,
    pub layer: &'static str,
    pub opacity: f64,
}

/// The JSON object of a value that serialises as one; empty for anything else.
pub(crate) fn object(value: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

/// Sets a nested attribute, creating the objects on its way.
pub(crate) fn insert(map: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            map.insert(path.to_owned(), value);
        }
        Some((head, rest)) => {
            let child = map.entry(head).or_insert_with(|| Value::Object(Map::new()));
            if !child.is_object() {
                *child = Value::Object(Map::new());
            }
            if let Value::Object(child) = child {
                insert(child, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plotly::Scatter;
    use serde_json::json;

    #[test]
    fn extends_a_trace_of_the_crate() {
        let trace = Extended::new(&Scatter::new(vec![1.0], vec![2.0]).name("a")).set("marker.color", "#fff").set("customdata", json!([7]));
        let value = serde_json::to_value(&trace).unwrap();
        assert_eq!(value["type"], "scatter");
        assert_eq!(value["marker"]["color"], "#fff");
        assert_eq!(value["customdata"], json!([7]));
        assert_eq!(serde_json::from_str::<Value>(&trace.to_json()).unwrap(), value);
    }
}
