//! Form elements for controls: dropdown, segments, toggle, checklist.
//!
//! Each is (or holds) a native form element named `panel.control`, so that keyboards,
//! screen readers and scripts find it.

use leptos::prelude::*;

use crate::app::room::{Page, use_page};
use crate::model::{ControlForm, ControlView, PanelView};

/// The controls of a panel. An element stays in place as long as its choices stay, so that focus is kept.
#[component]
pub fn ControlBar(panel: String, shown: RwSignal<PanelView>) -> impl IntoView {
    let page = use_page();
    let panel = StoredValue::new(panel);
    let each =
        move || shown.with(|view| view.controls.iter().filter(|control| control.form != ControlForm::Rows).cloned().collect::<Vec<_>>());
    let any = move || shown.with(|view| view.controls.iter().any(|control| control.form != ControlForm::Rows));
    view! {
        <div class="controls" hidden=move || !any()>
            <For each key=|control| (control.name.clone(), control.options.clone()) let:control>
                <Control panel=panel.get_value() control shown page/>
            </For>
        </div>
    }
}

/// What a control shows: the page's value where the choices have it, else what the server drew.
fn value_of(page: Page, shown: RwSignal<PanelView>, panel: &str, control: &ControlView) -> Memo<Vec<String>> {
    let key = format!("{panel}.{}", control.name);
    let control = control.clone();
    Memo::new(move |_| {
        let drawn = || shown.with(|view| view.control(&control.name).map_or_else(|| control.value.clone(), |found| found.value.clone()));
        page.values
            .with(|values| {
                values.get(&key).filter(|wanted| wanted.iter().all(|one| control.options.iter().any(|(value, _)| value == one))).cloned()
            })
            .unwrap_or_else(drawn)
    })
}

#[component]
fn Control(panel: String, control: ControlView, shown: RwSignal<PanelView>, page: Page) -> AnyView {
    let value = value_of(page, shown, &panel, &control);
    let name = format!("{panel}.{}", control.name);
    let many = control.form == ControlForm::Many;
    let set = {
        let control = control.name.clone();
        move |values: Vec<String>| page.set(&panel, &control, &values, many)
    };
    match control.form {
        ControlForm::Select => {
            let first = move || value.with(|values| values.first().cloned().unwrap_or_default());
            let options = control
                .options
                .iter()
                .map(|(option, label)| {
                    let option = option.clone();
                    let selected = {
                        let option = option.clone();
                        move || value.with(|values| values.first() == Some(&option))
                    };
                    view! { <option value=option selected=selected>{label.clone()}</option> }
                })
                .collect_view();
            view! {
                <label class="control">
                    <span>{control.label}</span>
                    <select name=name prop:value=first on:change=move |event| set(vec![event_target_value(&event)])>{options}</select>
                </label>
            }
            .into_any()
        }
        ControlForm::Segments => {
            let set = StoredValue::new(set);
            let options = control
                .options
                .iter()
                .map(|(option, label)| {
                    let option = option.clone();
                    let checked = {
                        let option = option.clone();
                        Signal::derive(move || value.with(|values| values.first() == Some(&option)))
                    };
                    view! {
                        <label class:on=checked>
                            <input type="radio" name=name.clone() value=option.clone() checked=checked.get_untracked() prop:checked=checked
                                on:change=move |_| set.with_value(|set| set(vec![option.clone()]))/>
                            <span>{label.clone()}</span>
                        </label>
                    }
                })
                .collect_view();
            view! {
                <fieldset class="segments">
                    <legend>{control.label}</legend>
                    <div>{options}</div>
                </fieldset>
            }
            .into_any()
        }
        ControlForm::Toggle => {
            let on = Signal::derive(move || value.with(|values| !values.is_empty()));
            view! {
                <label class="control switch">
                    <input type="checkbox" name=name value="on" checked=on.get_untracked() prop:checked=on
                        on:change=move |event| set(if event_target_checked(&event) { vec!["on".to_owned()] } else { Vec::new() })/>
                    <span>{control.label}</span>
                </label>
            }
            .into_any()
        }
        ControlForm::Many => {
            let set = StoredValue::new(set);
            let options = control
                .options
                .iter()
                .map(|(option, label)| {
                    let option = option.clone();
                    let checked = {
                        let option = option.clone();
                        Signal::derive(move || value.with(|values| values.contains(&option)))
                    };
                    view! {
                        <label>
                            <input type="checkbox" name=name.clone() value=option.clone() checked=checked.get_untracked() prop:checked=checked
                                on:change=move |_| set.with_value(|set| set(toggled(&value.get_untracked(), &option)))/>
                            <span>{label.clone()}</span>
                        </label>
                    }
                })
                .collect_view();
            let count = move || {
                value.with(|values| match values.as_slice() {
                    [] => "none".to_owned(),
                    [one] => one.clone(),
                    several => format!("{} chosen", several.len()),
                })
            };
            view! {
                <details class="control checklist">
                    <summary><span>{control.label}</span><b>{count}</b></summary>
                    <div role="group">{options}</div>
                </details>
            }
            .into_any()
        }
        ControlForm::Rows => ().into_any(),
    }
}

/// The list with one value more, or one less.
pub fn toggled(values: &[String], one: &str) -> Vec<String> {
    if values.iter().any(|value| value == one) {
        values.iter().filter(|value| *value != one).cloned().collect()
    } else {
        values.iter().cloned().chain([one.to_owned()]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::toggled;

    #[test]
    fn toggling_twice_changes_nothing() {
        let values = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(toggled(&values, "b"), ["a"]);
        assert_eq!(toggled(&toggled(&values, "c"), "c"), values);
    }
}
