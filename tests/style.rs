//! The style sheet's tokens are those of the charts.
#![cfg(feature = "ssr")]

use std::path::Path;

/// `style/_tokens.scss` is `theme::css()`; `LABBOARD_UPDATE=1` writes it anew.
#[test]
fn tokens_have_one_source() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("style/_tokens.scss");
    let expected = format!("// Generated from crates/figure/src/theme.rs; see tests/style.rs.\n{}", labboard_figure::theme::css());
    if std::env::var_os("LABBOARD_UPDATE").is_some() {
        std::fs::write(&path, &expected).expect("the tokens can be written");
    }
    let found = std::fs::read_to_string(&path).expect("the tokens exist");
    assert_eq!(found, expected, "run this test with LABBOARD_UPDATE=1");
}

/// `Leptos.toml` travels in the binary; cargo-leptos reads `Cargo.toml`. Where both speak, they agree.
#[test]
fn leptos_defaults_agree() {
    let leptos: toml::Table = include_str!("../Leptos.toml").parse().expect("TOML");
    let cargo: toml::Table = include_str!("../Cargo.toml").parse().expect("TOML");
    let section = |table: &toml::Table| table["package"]["metadata"]["leptos"].as_table().expect("a table").clone();
    let (runtime, build) = (section(&leptos), section(&cargo));
    for (key, value) in &runtime {
        assert_eq!(build.get(key), Some(value), "{key}");
    }
}
