/// How large a table a reader accepts before it gives up with an error.
///
/// Sparse rows make the size of the table independent of the size of the text, so a server sets these for what its
/// memory holds. A cell costs 4 or 8 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub columns: usize,
    pub cells: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { columns: 100_000, cells: 250_000_000 }
    }
}
