//! A file on its way to the server: dropped onto any page or chosen on one, with progress, and a way to stop it.

use leptos::prelude::*;

/// How far a file has come.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Stage {
    #[default]
    Idle,
    /// A file is held over the page.
    Over,
    /// How much has been sent, in percent; at 100 the server reads it.
    Sending {
        file: String,
        percent: u8,
    },
    Failed(String),
}

/// The one transfer of the tab.
#[derive(Clone, Copy, Debug)]
pub struct Transfer(pub RwSignal<Stage>);

pub fn provide_transfer() {
    let transfer = Transfer(RwSignal::default());
    provide_context(transfer);
    Effect::new(move |_| {
        #[cfg(feature = "hydrate")]
        crate::client::transfer::listen(transfer);
    });
}

#[component]
pub fn TransferCard() -> AnyView {
    let Transfer(stage) = expect_context();
    let close = move |_| {
        #[cfg(feature = "hydrate")]
        crate::client::transfer::cancel();
        stage.set(Stage::Idle);
    };
    let title = move || match stage.get() {
        Stage::Idle => String::new(),
        Stage::Over => "Drop it to add it as a dataset".to_owned(),
        Stage::Sending { file, percent } if percent < 100 => format!("Sending {file}: {percent} %"),
        Stage::Sending { file, .. } => format!("Reading {file}"),
        Stage::Failed(reason) => reason,
    };
    let sent = move || match stage.get() {
        Stage::Sending { percent, .. } if percent < 100 => Some(percent.to_string()),
        _ => None,
    };
    view! {
        <div class="transfer" hidden=move || stage.get() == Stage::Idle>
            <section class="card" role="status">
                <p>{title}</p>
                <progress max="100" value=sent hidden=move || !matches!(stage.get(), Stage::Sending { .. })></progress>
                <button type="button" class="button" hidden=move || stage.get() == Stage::Over on:click=close>
                    {move || if matches!(stage.get(), Stage::Failed(_)) { "Close" } else { "Cancel" }}
                </button>
            </section>
        </div>
    }
    .into_any()
}
