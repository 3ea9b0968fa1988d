//! `docs/adding-a-panel.md`, followed to the letter: its code is the panel of the repository.
#![cfg(feature = "ssr")]

use labboard::app::panels;
use labboard::model::Kind;

const GUIDE: &str = include_str!("../docs/adding-a-panel.md");
const PANEL: &str = include_str!("../src/app/panels/classes.rs");
const REGISTRY: &str = include_str!("../src/app/panels.rs");

#[test]
fn the_guide_makes_a_panel() {
    let (_, rest) = GUIDE.split_once("```rust,ignore\n").expect("the guide has code");
    let (code, _) = rest.split_once("```").expect("the code ends");
    assert_eq!(code, PANEL);
    for line in ["mod classes;", "&classes::PANEL,"] {
        assert!(GUIDE.contains(&format!("`{line}`")) && REGISTRY.lines().any(|found| found.trim() == line), "{line}");
    }
    let panel = panels::find(Kind::Data, "classes").expect("it is registered");
    assert_eq!(panel.control_names(), ["feature"]);
}
