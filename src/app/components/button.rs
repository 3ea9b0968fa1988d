//! Buttons that do one thing. All are of one type, whatever they do: each type of element has its own code in the browser.

use leptos::prelude::*;

/// A quiet button with a text.
pub fn quiet(label: &'static str, act: impl Fn() + 'static) -> AnyView {
    made("ghost", label, "", Signal::stored(false), Box::new(act))
}

/// A quiet button that cannot always be used; the hint names its key.
pub fn quiet_unless(label: &'static str, hint: &'static str, disabled: Signal<bool>, act: impl Fn() + 'static) -> AnyView {
    made("ghost", label, hint, disabled, Box::new(act))
}

/// A button in a class of the style sheet.
pub fn plain(class: &'static str, label: &'static str, act: impl Fn() + 'static) -> AnyView {
    made(class, label, "", Signal::stored(false), Box::new(act))
}

fn made(class: &'static str, label: &'static str, hint: &'static str, disabled: Signal<bool>, act: Box<dyn Fn()>) -> AnyView {
    let hint = (!hint.is_empty()).then_some(hint);
    view! { <button type="button" class=class title=hint disabled=disabled on:click=move |_| act()>{label}</button> }.into_any()
}
