use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::limits::MAX_KEY_BYTES;

/// The name of a property: `panel.control`, for example `scatter.x`.
///
/// Invariant: two parts of `[a-z0-9_-]`, neither empty, joined by one dot, at most [`MAX_KEY_BYTES`] bytes. It is also
/// the query parameter of the control in a URL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Key(String);

/// Why a string is no [`Key`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("a key is at most {MAX_KEY_BYTES} bytes long")]
    TooLong,
    #[error("a key is `panel.control`, each part of a-z, 0-9, `_` and `-`")]
    Form,
}

impl Key {
    /// Joins a panel's name and a control's name.
    ///
    /// # Errors
    /// When a part is empty or has other characters, or when both are too long together.
    pub fn new(panel: &str, control: &str) -> Result<Key, KeyError> {
        Key::try_from(format!("{panel}.{control}"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the dot.
    pub fn panel(&self) -> &str {
        self.0.split_once('.').map_or("", |(panel, _)| panel)
    }

    /// The part behind the dot.
    pub fn control(&self) -> &str {
        self.0.split_once('.').map_or("", |(_, control)| control)
    }
}

impl TryFrom<String> for Key {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Key, KeyError> {
        if text.len() > MAX_KEY_BYTES {
            return Err(KeyError::TooLong);
        }
        let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'));
        match text.split_once('.') {
            Some((panel, control)) if plain(panel) && plain(control) => Ok(Key(text)),
            _ => Err(KeyError::Form),
        }
    }
}

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Key, KeyError> {
        Key::try_from(text.to_owned())
    }
}

impl From<Key> for String {
    fn from(key: Key) -> String {
        key.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_panel_and_control() {
        let key: Key = "roc-curve.y_scale".parse().expect("a legal key");
        assert_eq!((key.panel(), key.control()), ("roc-curve", "y_scale"));
        assert_eq!(Key::new("roc-curve", "y_scale"), Ok(key));
    }

    #[test]
    fn refuses_everything_else() {
        for text in ["", ".", "a", "a.", ".b", "a.b.c", "A.b", "a b.c", "ä.b", "a.b\n"] {
            assert_eq!(text.parse::<Key>(), Err(KeyError::Form), "{text:?}");
        }
        assert_eq!(Key::new(&"p".repeat(MAX_KEY_BYTES), "c"), Err(KeyError::TooLong));
        assert!(serde_json::from_str::<Key>("\"a.b.c\"").is_err());
    }
}
