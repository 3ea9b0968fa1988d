use std::fmt;

use crate::limits::MAX_NAME_CHARS;

/// What a person is called.
///
/// Invariant: 1 to [`MAX_NAME_CHARS`] characters without control, zero-width and direction characters, and with single
/// spaces inside only.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name(String);

/// Why a string is no [`Name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("a name needs at least one visible character")]
    Empty,
    #[error("a name is at most {MAX_NAME_CHARS} characters long")]
    TooLong,
}

impl Name {
    /// Takes out what cannot be seen and checks the length of the rest.
    ///
    /// # Errors
    /// When nothing is left, or too much.
    pub fn new(text: &str) -> Result<Name, NameError> {
        // The bound on the input keeps the work small; invisible characters may make it longer than the name.
        if text.len() > 64 * MAX_NAME_CHARS {
            return Err(NameError::TooLong);
        }
        let visible: String = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|&c| !invisible(c)).collect();
        let name = visible.split_whitespace().collect::<Vec<_>>().join(" ");
        match name.chars().count() {
            0 => Err(NameError::Empty),
            1..=MAX_NAME_CHARS => Ok(Name(name)),
            _ => Err(NameError::TooLong),
        }
    }

    pub(crate) fn guest(number: u32) -> Name {
        Name(format!("Guest {number}"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Characters that show nothing but change what stands around them, so that one name could look like another.
fn invisible(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
        )
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleans_names() {
        assert_eq!(Name::new("  Ada \t Lovelace\u{202e}\u{7}\n").map(|n| n.to_string()), Ok("Ada Lovelace".to_owned()));
        assert_eq!(Name::new(" \u{200b}\n"), Err(NameError::Empty));
        assert!(Name::new(&"ä".repeat(MAX_NAME_CHARS)).is_ok());
        assert_eq!(Name::new(&"ä".repeat(MAX_NAME_CHARS + 1)), Err(NameError::TooLong));
    }
}
