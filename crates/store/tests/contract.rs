//! What every backend of the store must do. A backend joins with one line: how an
//! empty store of its kind is opened.

#[path = "support/fixture.rs"]
mod fixture;
#[path = "support/suite.rs"]
mod suite;

suite::contract!(embedded, crate::fixture::embedded);
