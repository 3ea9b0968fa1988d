//! Design tokens: every colour, size and radius is decided here, once, for the style sheet and for the figures.

pub mod colour;

use crate::text;
pub use colour::{Deficiency, Rgb};
use serde::{Deserialize, Serialize};

/// The theme a figure is drawn in. Text and grid colours are part of a Plotly figure, so each theme has its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    #[default]
    Light,
    Dark,
}

macro_rules! colours {
    ($($(#[$doc:meta])* $token:ident $name:literal $light:literal $dark:literal;)*) => {
        /// A colour of the design, by its role.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Colour { $($(#[$doc])* $token,)* }

        /// Every colour: its name in the style sheet and its light and dark value.
        pub const COLOURS: &[Token] = &[$(Token { name: $name, light: rgb($light), dark: rgb($dark) },)*];
    };
}

/// A named colour with a value for each theme.
#[derive(Clone, Copy, Debug)]
pub struct Token {
    /// The custom property's name without the leading `--`.
    pub name: &'static str,
    pub light: Rgb,
    pub dark: Rgb,
}

const fn rgb(hex: &str) -> Rgb {
    match Rgb::parse(hex) {
        Some(colour) => colour,
        // Reached only while compiling: the table below is constant.
        None => panic!("a token must be #rrggbb"),
    }
}

colours! {
    Bg "bg" "#f6f6f3" "#131518";
    Surface "surface" "#ffffff" "#1b1e23";
    Surface2 "surface-2" "#f0f0ec" "#242830";
    Line "line" "#e2e2dc" "#2e333c";
    LineStrong "line-strong" "#c9c9c1" "#454c58";
    /// Text, at least 4.5:1 on the ground and on a surface, like the next two.
    Ink "ink" "#1d2126" "#e9ebee";
    Ink2 "ink-2" "#4c545e" "#b4bac4";
    Ink3 "ink-3" "#646c76" "#949ca8";
    Accent "accent" "#0b5f6b" "#5fc3d0";
    AccentSoft "accent-soft" "#e0f0f1" "#16333a";
    Good "good" "#1a6e3c" "#6cc48d";
    Warn "warn" "#8a5300" "#e3a94e";
    Bad "bad" "#a92a2a" "#f08a86";
    /// Categories: distinct with a colour-vision deficiency, always with a symbol as well.
    Cat1 "cat-1" "#0072b2" "#56a8e0";
    Cat2 "cat-2" "#c8520a" "#f08a4b";
    Cat3 "cat-3" "#00805f" "#3fc79d";
    Cat4 "cat-4" "#c2567c" "#d979be";
    Cat5 "cat-5" "#5b5b01" "#c9df7e";
    Cat6 "cat-6" "#8b77d2" "#d6adf9";
    Cat7 "cat-7" "#772621" "#b97155";
    Cat8 "cat-8" "#2f489b" "#4480d8";
    Cat9 "cat-9" "#0a96a9" "#56ecf8";
    Cat10 "cat-10" "#82467d" "#9b70b4";
    /// What belongs to no category of its own: the rest, the missing.
    CatOther "cat-other" "#81878f" "#7d858f";
    /// People in a room; the surface colour is legible on each.
    Person1 "person-1" "#b3261e" "#ff8a80";
    Person2 "person-2" "#5b3fb5" "#b39dfa";
    Person3 "person-3" "#1b6e4b" "#6fd3a4";
    Person4 "person-4" "#8a5300" "#f0b45c";
    Person5 "person-5" "#0b5f96" "#6cb8f0";
    Person6 "person-6" "#9c2c77" "#f293d0";
    Person7 "person-7" "#4c6100" "#bfd35c";
    Person8 "person-8" "#5d4037" "#d7b8a8";
}

/// Sizes and composed values of the style sheet: name and value.
pub const SIZES: &[(&str, &str)] = &[
    ("font", "\"Inter\", system-ui, sans-serif"),
    ("text-xs", "0.8rem"),
    ("text-s", "0.8667rem"),
    ("text-m", "1rem"),
    ("text-l", "1.2rem"),
    ("text-xl", "1.6rem"),
    ("space-1", "4px"),
    ("space-2", "8px"),
    ("space-3", "12px"),
    ("space-4", "16px"),
    ("space-5", "24px"),
    ("space-6", "40px"),
    ("radius-s", "6px"),
    ("radius-m", "10px"),
    ("radius-full", "999px"),
    ("focus", "0 0 0 2px var(--surface), 0 0 0 4px var(--accent)"),
    ("shadow-pop", "0 8px 28px light-dark(#1d212622, #00000088)"),
];

/// The font family of text in figures.
pub const FONT: &str = "Inter, system-ui, sans-serif";
/// Tick labels, legends and hover text, in px.
pub const FONT_SIZE: f64 = 12.5;
/// Axis and subplot titles, in px.
pub const TITLE_SIZE: f64 = 13.0;

/// How many categories have a colour and a symbol of their own.
pub const CATEGORIES: usize = 10;
/// How many people in a room have a colour of their own.
pub const PEOPLE: usize = 8;

const CATEGORY_COLOURS: [Colour; CATEGORIES] = [
    Colour::Cat1,
    Colour::Cat2,
    Colour::Cat3,
    Colour::Cat4,
    Colour::Cat5,
    Colour::Cat6,
    Colour::Cat7,
    Colour::Cat8,
    Colour::Cat9,
    Colour::Cat10,
];

impl Colour {
    /// The colour of the `slot`-th category, [`Colour::CatOther`] beyond the last.
    pub fn category(slot: usize) -> Self {
        CATEGORY_COLOURS.get(slot).copied().unwrap_or(Self::CatOther)
    }

    /// The name in the style sheet, without the leading `--`.
    pub fn name(self) -> &'static str {
        COLOURS[self as usize].name
    }
}

impl Theme {
    /// The colour's value in this theme.
    pub fn rgb(self, colour: Colour) -> Rgb {
        let token = &COLOURS[colour as usize];
        match self {
            Self::Light => token.light,
            Self::Dark => token.dark,
        }
    }

    /// The colour as `#rrggbb`.
    pub fn hex(self, colour: Colour) -> String {
        self.rgb(colour).to_string()
    }

    /// The sequential scale at `t` in 0..=1: from what recedes into the surface to what stands out.
    /// Lightness is monotone and the hue runs from yellow to blue, which all common forms of vision tell apart.
    pub fn sequential(self, t: f64) -> Rgb {
        let t = if t.is_finite() { t.clamp(0.0, 1.0) } else { 0.0 };
        let hue = 95.0 + (265.0 - 95.0) * t;
        match self {
            Self::Light => Rgb::from_oklch(0.80 - 0.50 * t, 0.13 - 0.04 * (std::f64::consts::PI * t).sin(), hue),
            Self::Dark => Rgb::from_oklch(0.42 + 0.52 * t, 0.13 - 0.04 * (std::f64::consts::PI * t).sin(), 360.0 - hue),
        }
    }

    /// The diverging scale at `t` in -1..=1: the second category's hue, a neutral middle, the first category's.
    pub fn diverging(self, t: f64) -> Rgb {
        let t = if t.is_finite() { t.clamp(-1.0, 1.0) } else { 0.0 };
        let end = if t < 0.0 { Colour::Cat2 } else { Colour::Cat1 };
        self.rgb(Colour::Surface2).mix(self.rgb(end), t.abs())
    }

    /// From the surface to the first category's colour at `t` in 0..=1: the ground of a table of counts.
    pub fn tint(self, t: f64) -> Rgb {
        let t = if t.is_finite() { t } else { 0.0 };
        self.rgb(Colour::Surface2).mix(self.rgb(Colour::Cat1), t)
    }

    /// A scale as the nine anchors that Plotly interpolates between.
    pub fn anchors(self, scale: Scale) -> Vec<(f64, Rgb)> {
        (0..=8)
            .map(|i| {
                let t = f64::from(i) / 8.0;
                let colour = match scale {
                    Scale::Sequential => self.sequential(t),
                    Scale::Diverging => self.diverging(2.0 * t - 1.0),
                    Scale::Tint => self.tint(t),
                };
                (t, colour)
            })
            .collect()
    }
}

/// A colour scale for numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    Sequential,
    Diverging,
    Tint,
}

/// A category's symbol, which tells it apart without colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Symbol {
    Circle,
    Square,
    TriangleUp,
    Diamond,
    Cross,
    X,
    TriangleDown,
    Star,
    Pentagon,
    Hourglass,
    /// The rest and the missing.
    CircleOpen,
}

impl Symbol {
    /// The symbol of the `slot`-th category, an open circle beyond the last.
    pub fn category(slot: usize) -> Self {
        const SYMBOLS: [Symbol; CATEGORIES] = [
            Symbol::Circle,
            Symbol::Square,
            Symbol::TriangleUp,
            Symbol::Diamond,
            Symbol::Cross,
            Symbol::X,
            Symbol::TriangleDown,
            Symbol::Star,
            Symbol::Pentagon,
            Symbol::Hourglass,
        ];
        SYMBOLS.get(slot).copied().unwrap_or(Self::CircleOpen)
    }
}

/// The tokens as custom properties, for the style sheet.
pub fn css() -> String {
    let mut out = String::from(":root {\n  color-scheme: light dark;\n");
    for (name, value) in SIZES {
        out.push_str(&format!("  --{name}: {value};\n"));
    }
    for Token { name, light, dark } in COLOURS {
        out.push_str(&format!("  --{name}: light-dark({light}, {dark});\n"));
    }
    out.push_str("}\n:root[data-theme=\"light\"] { color-scheme: light; }\n:root[data-theme=\"dark\"] { color-scheme: dark; }\n");
    out
}

/// A colour that follows the reader's theme, for pictures that serve both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    Token(Colour),
    Both { light: Rgb, dark: Rgb },
}

impl Paint {
    /// The sequential scale's colour at `t` in both themes.
    pub fn sequential(t: f64) -> Self {
        Self::Both { light: Theme::Light.sequential(t), dark: Theme::Dark.sequential(t) }
    }

    /// The table ground's colour at `t` in both themes.
    pub fn tint(t: f64) -> Self {
        Self::Both { light: Theme::Light.tint(t), dark: Theme::Dark.tint(t) }
    }

    pub(crate) fn css(self) -> String {
        match self {
            Self::Token(colour) => format!("var(--{})", text::xml(colour.name())),
            Self::Both { light, dark } => format!("light-dark({light},{dark})"),
        }
    }
}

impl From<Colour> for Paint {
    fn from(colour: Colour) -> Self {
        Self::Token(colour)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THEMES: [Theme; 2] = [Theme::Light, Theme::Dark];

    #[test]
    fn text_is_legible_on_ground_and_surface() {
        use Colour::*;
        for theme in THEMES {
            for ink in [Ink, Ink2, Ink3, Accent, Good, Warn, Bad] {
                for ground in [Bg, Surface] {
                    let ratio = theme.rgb(ink).contrast(theme.rgb(ground));
                    assert!(ratio >= 4.5, "{theme:?} {ink:?} on {ground:?}: {ratio:.2}");
                }
            }
            for person in COLOURS.iter().filter(|t| t.name.starts_with("person-")) {
                let colour = if theme == Theme::Light { person.light } else { person.dark };
                let ratio = colour.contrast(theme.rgb(Surface));
                assert!(ratio >= 4.5, "{theme:?} {}: {ratio:.2}", person.name);
            }
        }
    }

    #[test]
    fn marks_stand_out_from_the_surface() {
        for theme in THEMES {
            for slot in 0..=CATEGORIES {
                let ratio = theme.rgb(Colour::category(slot)).contrast(theme.rgb(Colour::Surface));
                assert!(ratio >= 3.0, "{theme:?} category {slot}: {ratio:.2}");
            }
        }
    }

    #[test]
    fn categories_are_distinct_with_a_colour_vision_deficiency() {
        for theme in THEMES {
            for a in 0..CATEGORIES {
                for b in 0..a {
                    let (x, y) = (theme.rgb(Colour::category(a)), theme.rgb(Colour::category(b)));
                    assert!(x.distance(y) >= 0.1, "{theme:?} {a} {b}");
                    for deficiency in [Deficiency::Deuteranopia, Deficiency::Protanopia] {
                        let d = x.seen_with(deficiency).distance(y.seen_with(deficiency));
                        assert!(d >= 0.05, "{theme:?} categories {} and {} with {deficiency:?}: {d:.3}", a + 1, b + 1);
                    }
                    assert_ne!(Symbol::category(a), Symbol::category(b));
                }
            }
        }
    }

    #[test]
    fn scales_are_monotone_in_lightness_for_everybody() {
        for theme in THEMES {
            let lightness: Vec<f64> = (0..=64).map(|i| theme.sequential(f64::from(i) / 64.0).luminance()).collect();
            let ordered = |pair: &[f64]| match theme {
                Theme::Light => pair[0] > pair[1],
                Theme::Dark => pair[0] < pair[1],
            };
            assert!(lightness.windows(2).all(ordered), "{theme:?} {lightness:?}");
            for t in [0.25, 0.5, 0.75, 1.0] {
                for deficiency in [Deficiency::Deuteranopia, Deficiency::Protanopia] {
                    let (a, b) = (theme.diverging(-t).seen_with(deficiency), theme.diverging(t).seen_with(deficiency));
                    assert!(a.distance(b) > 0.02);
                }
            }
        }
        assert_eq!(Theme::Light.tint(0.0), Theme::Light.rgb(Colour::Surface2));
        assert_eq!(Theme::Light.sequential(f64::NAN), Theme::Light.sequential(0.0));
    }

    #[test]
    fn css_names_every_token_once() {
        let css = css();
        for token in COLOURS {
            let line = format!("--{}: light-dark({}, {});", token.name, token.light, token.dark);
            assert_eq!(css.matches(&line).count(), 1, "{line}");
        }
        assert!(css.contains("--radius-m: 10px;"));
    }
}
