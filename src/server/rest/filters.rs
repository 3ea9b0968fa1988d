//! Filters of lists: pairs of a name and a value in the path, `/limit/10/data_id/1,2`.

use std::ops::RangeInclusive;
use std::str::FromStr;

use labboard_store::Status;

use super::refusal::Refusal;

/// Rows that a list has where the client does not say how many.
const LIMIT: u32 = 10_000;

/// OpenML's codes for broken filters of one list.
#[derive(Clone, Copy, Debug)]
struct Codes {
    unknown: u16,
    value: u16,
}

/// The filters of one request. Each is taken once; what is left in the end is unknown.
#[derive(Debug)]
pub struct Filters {
    pairs: Vec<(String, String)>,
    /// OpenML's codes for a filter that this list has not, and for a value that makes no sense.
    codes: Codes,
}

impl Filters {
    /// # Errors
    /// A name without a value.
    pub fn read(segments: &[&str], unknown: u16, value: u16) -> Result<Self, Refusal> {
        let pairs = segments.chunks(2).map(|pair| match pair {
            [name, value] => Ok(((*name).to_owned(), (*value).to_owned())),
            _ => Err(Refusal::new(unknown, "Illegal filter specified").because(format!("“{}” has no value", pair.concat()))),
        });
        Ok(Self { pairs: pairs.collect::<Result<_, _>>()?, codes: Codes { unknown, value } })
    }

    pub fn text(&mut self, name: &str) -> Option<String> {
        let at = self.pairs.iter().position(|(known, _)| known == name)?;
        Some(self.pairs.remove(at).1)
    }

    fn wrong(&self, name: &str, value: &str, expected: &str) -> Refusal {
        Refusal::new(self.codes.value, "Illegal filter specified").because(format!("{name} is “{value}”, expected {expected}"))
    }

    /// # Errors
    /// The value is no `T`.
    pub fn parsed<T: FromStr>(&mut self, name: &str, expected: &str) -> Result<Option<T>, Refusal> {
        let Some(value) = self.text(name) else { return Ok(None) };
        value.trim_matches(['[', ']']).parse().map(Some).map_err(|_| self.wrong(name, &value, expected))
    }

    /// # Errors
    /// The value is no whole number.
    pub fn id(&mut self, name: &str) -> Result<Option<i64>, Refusal> {
        self.parsed(name, "an id")
    }

    /// Ids with commas between them, also as Python prints a list of them; empty without the filter.
    ///
    /// # Errors
    /// One of them is no whole number.
    pub fn ids(&mut self, name: &str) -> Result<Vec<i64>, Refusal> {
        let Some(value) = self.text(name) else { return Ok(Vec::new()) };
        let ids = value.trim_matches(['[', ']']).split(',').map(|id| id.trim().parse()).collect::<Result<Vec<i64>, _>>();
        ids.map_err(|_| self.wrong(name, &value, "ids with commas between them"))
    }

    /// `5`, or `2..10`, both ends included.
    ///
    /// # Errors
    /// The value is neither.
    pub fn range(&mut self, name: &str) -> Result<Option<RangeInclusive<i64>>, Refusal> {
        let Some(value) = self.text(name) else { return Ok(None) };
        let number = |text: &str| text.trim().parse::<i64>().map_err(|_| self.wrong(name, &value, "a number or a range such as 2..10"));
        match value.split_once("..") {
            Some((low, high)) => Ok(Some(number(low)?..=number(high)?)),
            None => number(&value).map(|number| Some(number..=number)),
        }
    }

    /// The status that is asked for: active, unless the client says otherwise; `None` for `all`.
    ///
    /// # Errors
    /// `code`, for a word that is no status.
    pub fn status(&mut self, code: u16) -> Result<Option<Status>, Refusal> {
        match self.text("status").as_deref() {
            None => Ok(Some(Status::Active)),
            Some("all") => Ok(None),
            Some(word) => word.parse().map(Some).map_err(|error| Refusal::new(code, "Illegal filter specified").because(error)),
        }
    }

    /// `limit` and `offset`.
    ///
    /// # Errors
    /// They are no whole numbers, or the limit is too high.
    pub fn page(&mut self) -> Result<(u32, u32), Refusal> {
        let limit = self.parsed::<u32>("limit", "a whole number")?.unwrap_or(LIMIT);
        let offset = self.parsed::<u32>("offset", "a whole number")?.unwrap_or(0);
        if limit > LIMIT {
            return Err(self.wrong("limit", &limit.to_string(), &format!("at most {LIMIT}")));
        }
        Ok((limit, offset))
    }

    /// # Errors
    /// A filter that nobody took.
    pub fn finish(self) -> Result<(), Refusal> {
        match self.pairs.first() {
            Some((name, _)) => {
                Err(Refusal::new(self.codes.unknown, "Illegal filter specified").because(format!("there is no filter “{name}”")))
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_come_in_any_order_and_none_is_ignored() {
        let mut filters =
            Filters::read(&["offset", "3", "data_id", "1, 2", "number_instances", "5..7", "odd", "x"], 370, 371).expect("pairs");
        assert_eq!(filters.page().expect("numbers"), (LIMIT, 3));
        assert_eq!(filters.ids("data_id").expect("ids"), [1, 2]);
        assert_eq!(filters.range("number_instances").expect("a range"), Some(5..=7));
        assert!(filters.finish().is_err());
        assert!(Filters::read(&["limit"], 370, 371).is_err());
        assert!(Filters::read(&["limit", "many"], 370, 371).expect("pairs").page().is_err());
        assert!(Filters::read(&["limit", "10001"], 370, 371).expect("pairs").page().is_err());
    }
}
