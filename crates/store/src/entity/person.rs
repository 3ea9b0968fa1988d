/// Somebody who uploads. Runs and datasets may name uploaders of another server
/// that are not people here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub id: i64,
    pub name: String,
    /// The app's own word, such as `admin`.
    pub role: String,
    pub created_ms: i64,
}

#[derive(Clone, Debug)]
pub struct NewPerson {
    /// `None` for the next free id.
    pub id: Option<i64>,
    pub name: String,
    pub role: String,
    /// A hash of the API key; the key itself is never stored.
    pub key_hash: Option<String>,
}
