//! Light or dark: the visitor's choice, kept in a cookie so that the server renders it.

use leptos::prelude::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    Light,
    Dark,
}

impl Theme {
    pub const fn word(self) -> &'static str {
        match self {
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Theme::Light => Theme::Dark,
            Theme::Dark => Theme::Light,
        }
    }
}

/// What figures are drawn for. Colours in the server's HTML are CSS variables and follow
/// the theme by themselves, so that only the browser needs to know it.
#[derive(Clone, Copy, Debug)]
pub struct ThemeContext(pub RwSignal<Theme>);

pub fn provide_theme() {
    #[cfg(feature = "hydrate")]
    let theme = crate::client::theme::current();
    #[cfg(not(feature = "hydrate"))]
    let theme = Theme::Light;
    provide_context(ThemeContext(RwSignal::new(theme)));
}

pub fn use_theme() -> ThemeContext {
    expect_context()
}

impl ThemeContext {
    pub fn toggle(self) {
        let chosen = self.0.get_untracked().other();
        self.0.set(chosen);
        #[cfg(feature = "hydrate")]
        crate::client::theme::choose(chosen);
    }
}
