use std::collections::{BTreeMap, btree_map};

use serde::{Deserialize, Serialize};

use crate::checksum::Checksum;
use crate::gather::gather;
use crate::key::Key;
use crate::value::{self, Value};

/// New values of some properties; `None` resets a property to its default, which takes it out of the document.
pub type Changes = BTreeMap<Key, Option<Value>>;

/// The shared view of a page: a flat map from property to value. What is not in it has its default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Document(BTreeMap<Key, Value>);

impl Document {
    pub fn new() -> Document {
        Document::default()
    }

    pub fn get(&self, key: &Key) -> Option<&Value> {
        self.0.get(key)
    }

    /// Sets or resets one property.
    pub fn set(&mut self, key: Key, value: Option<Value>) {
        match value {
            Some(value) => self.0.insert(key, value),
            None => self.0.remove(&key),
        };
    }

    /// Sets and resets several properties.
    pub fn apply(&mut self, changes: &Changes) {
        for (key, value) in changes {
            self.set(key.clone(), value.clone());
        }
    }

    /// What has to be applied to `self` to get `other`.
    pub fn difference(&self, other: &Document) -> Changes {
        let gone = self.0.keys().filter(|key| !other.0.contains_key(*key)).map(|key| (key.clone(), None));
        let new =
            other.0.iter().filter(|(key, value)| self.0.get(*key) != Some(*value)).map(|(key, value)| (key.clone(), Some(value.clone())));
        gather(gone.chain(new))
    }

    pub fn iter(&self) -> btree_map::Iter<'_, Key, Value> {
        self.0.iter()
    }

    pub fn keys(&self) -> btree_map::Keys<'_, Key, Value> {
        self.0.keys()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes of the keys and the canonical values.
    pub fn bytes(&self) -> usize {
        self.0.iter().map(|(key, value)| key.as_str().len() + value.bytes()).sum()
    }

    /// The canonical encoding: RFC 8785 (JCS) of the document as one JSON object.
    pub fn canonical(&self) -> String {
        let mut out = String::with_capacity(self.bytes() + 4 * self.len() + 2);
        out.push('{');
        for (i, (key, value)) in self.0.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            value::write_text(key.as_str(), &mut out);
            out.push(':');
            value.write_canonical(&mut out);
        }
        out.push('}');
        out
    }

    /// The checksum of the canonical encoding.
    pub fn checksum(&self) -> Checksum {
        Checksum::of(self.canonical().as_bytes())
    }
}

impl<'a> IntoIterator for &'a Document {
    type Item = (&'a Key, &'a Value);
    type IntoIter = btree_map::Iter<'a, Key, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl FromIterator<(Key, Value)> for Document {
    fn from_iter<I: IntoIterator<Item = (Key, Value)>>(items: I) -> Document {
        Document(gather(items))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn document() -> impl Strategy<Value = Document> {
        prop::collection::vec(("[a-c]\\.[a-c]", 0..4i64), 0..8).prop_map(|items| {
            items.into_iter().map(|(key, value)| (key.parse().expect("a key"), Value::new(json!(value)).expect("a value"))).collect()
        })
    }

    #[test]
    fn the_canonical_form_is_sorted() {
        let document: Document =
            serde_json::from_value(json!({"b.y": 1.0, "a.x": "age", "b.x": {"z": 1, "a": [0.5]}})).expect("a document");
        assert_eq!(document.canonical(), "{\"a.x\":\"age\",\"b.x\":{\"a\":[0.5],\"z\":1},\"b.y\":1}");
        assert_eq!(Document::new().canonical(), "{}");
        assert_eq!(Document::new().checksum().to_string(), "08f44b07b5901a25");
    }

    proptest! {
        #[test]
        fn the_difference_leads_from_one_to_the_other(from in document(), to in document()) {
            let mut document = from.clone();
            document.apply(&from.difference(&to));
            prop_assert_eq!(&document, &to);
            prop_assert_eq!(from.difference(&to).is_empty(), from.checksum() == to.checksum());
        }
    }
}
