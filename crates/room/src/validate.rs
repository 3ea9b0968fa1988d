use crate::key::Key;
use crate::value::Value;

/// Says whether a property exists and takes a value. The room knows no panels; who runs it does.
pub trait Validate {
    /// # Errors
    /// The reason, one sentence for the person who made the change.
    fn check(&self, key: &Key, value: &Value) -> Result<(), String>;
}

/// Takes everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct AnyValue;

impl Validate for AnyValue {
    fn check(&self, _: &Key, _: &Value) -> Result<(), String> {
        Ok(())
    }
}
