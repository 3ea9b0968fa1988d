//! Who is here: a row of avatars, the visitor's own with an editable name.

use leptos::html;
use leptos::prelude::*;

use super::button::plain;
use crate::app::room::{Doing, Person, use_session};

/// How many avatars are drawn before the rest become a number.
const SHOWN: usize = 6;

/// Small or large as in the name: the style sheet makes them large.
fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter_map(|word| word.chars().next());
    let first = words.next();
    let last = words.next_back();
    first.into_iter().chain(last).collect()
}

#[component]
pub fn People() -> impl IntoView {
    let session = use_session();
    let dialog = NodeRef::<html::Dialog>::new();
    let input = NodeRef::<html::Input>::new();
    let open = move |_| {
        if let Some(dialog) = dialog.get() {
            let _ = dialog.show_modal();
        }
    };
    let close = move || {
        if let Some(dialog) = dialog.get() {
            dialog.close();
        }
    };
    let own_name = move || session.person(|person| person.me).map(|me| me.name);
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if let Some(input) = input.get() {
            session.rename(input.value());
        }
        close();
    };
    let avatar = move |person: Person| {
        let class = format!("avatar person-{}", person.color);
        let short = initials(&person.name);
        let name = person.name.clone();
        if person.me {
            view! {
                <button type="button" class=format!("{class} me") data-person=person.id title=format!("{name} (you)")
                    on:click=open>
                    <span aria-hidden="true">{short}</span><span class="quiet">{format!("{name}, you. Change your name")}</span>
                </button>
            }
            .into_any()
        } else {
            let id = person.id;
            let doing = move || session.doing(id).unwrap_or_default();
            let where_to = {
                let name = name.clone();
                move || match doing() {
                    Doing { panel, .. } if !panel.is_empty() => format!("{name}, on {panel}. Follow"),
                    _ => format!("{name}. Follow"),
                }
            };
            let follow = move |_| session.follow(&person);
            view! {
                <button type="button" class=class class:idle=move || doing().is_idle data-person=id title=name aria-label=where_to on:click=follow>{short}</button>
            }
            .into_any()
        }
    };
    let hidden = move || session.people.with(|people| people.len().saturating_sub(SHOWN));
    view! {
        <div class="people" aria-label="People on this page" role="group">
            <For
                each=move || session.people.get().into_iter().take(SHOWN)
                key=|person| (person.id, person.name.clone(), person.color)
                children=avatar
            />
            <Show when=move || { hidden() > 0 }>
                <span class="avatar more">{move || format!("+{}", hidden())}</span>
            </Show>
            <dialog node_ref=dialog class="dialog" aria-labelledby="name-title">
                <form on:submit=save>
                    <h2 id="name-title">"Your name"</h2>
                    <p>"The others on a page see it beside your changes."</p>
                    <label class="field">
                        <span>"Name"</span>
                        <input node_ref=input name="name" required maxlength="40" autocomplete="name" prop:value=own_name/>
                    </label>
                    <div class="actions">
                        {plain("button", "Cancel", close)}
                        <button type="submit" class="button primary">"Save"</button>
                    </div>
                </form>
            </dialog>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::initials;

    #[test]
    fn initials_take_first_and_last_word() {
        assert_eq!(initials("Guest 3"), "G3");
        assert_eq!(initials("ada b. lovelace"), "al");
        assert_eq!(initials("Ada"), "A");
        assert_eq!(initials(" "), "");
    }
}
