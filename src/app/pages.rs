//! One file per page.

pub mod entity;
pub mod explore;
pub mod home;
pub mod list;
pub mod new;
pub mod not_found;
