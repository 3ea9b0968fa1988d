//! Sends a dropped or chosen file, and goes to the page that shows it.

use std::cell::RefCell;

use leptos::ev;
use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use web_sys::{DataTransfer, File, FormData, ProgressEvent, XmlHttpRequest};

use crate::app::components::transfer::{Stage, Transfer};

thread_local! {
    static CURRENT: RefCell<Option<XmlHttpRequest>> = const { RefCell::new(None) };
}

fn files(data: Option<DataTransfer>) -> Option<DataTransfer> {
    data.filter(|data| data.types().includes(&"Files".into(), 0))
}

/// Takes files that are dropped anywhere.
pub fn listen(transfer: Transfer) {
    let stage = transfer.0;
    let idle = move || matches!(stage.get_untracked(), Stage::Idle | Stage::Over | Stage::Failed(_));
    let _ = window_event_listener(ev::dragover, move |event| {
        if files(event.data_transfer()).is_some() {
            event.prevent_default();
            if idle() {
                stage.set(Stage::Over);
            }
        }
    });
    let _ = window_event_listener(ev::dragleave, move |event| {
        if event.related_target().is_none() && stage.get_untracked() == Stage::Over {
            stage.set(Stage::Idle);
        }
    });
    let _ = window_event_listener(ev::drop, move |event| {
        let Some(data) = files(event.data_transfer()) else { return };
        event.prevent_default();
        if let Some(file) = data.files().and_then(|files| files.get(0))
            && idle()
        {
            send(transfer, &file);
        }
    });
}

/// Stops the transfer, if there is one.
pub fn cancel() {
    if let Some(request) = CURRENT.take() {
        let _ = request.abort();
    }
}

/// Sends the file that was chosen in a form.
pub fn send_chosen(transfer: Transfer, event: &web_sys::Event) {
    let input = event.target().and_then(|target| target.dyn_into::<web_sys::HtmlInputElement>().ok());
    if let Some(file) = input.and_then(|input| input.files()?.get(0)) {
        send(transfer, &file);
    }
}

fn send(transfer: Transfer, file: &File) {
    let stage = transfer.0;
    let name = file.name();
    if try_send(stage, file).is_err() {
        stage.set(Stage::Failed(format!("{name} cannot be read by the browser")));
    }
}

fn try_send(stage: RwSignal<Stage>, file: &File) -> Result<(), JsValue> {
    let name = file.name();
    let request = XmlHttpRequest::new()?;
    request.open("POST", &format!("{}/new/file", super::root_attribute("data-base")))?;
    request.set_request_header("accept", "application/json")?;
    let form = FormData::new()?;
    form.append_with_blob_and_filename("file", file, &name)?;
    stage.set(Stage::Sending { file: name.clone(), percent: 0 });
    let progress = Closure::<dyn FnMut(ProgressEvent)>::new(move |event: ProgressEvent| {
        if event.total() > 0.0 {
            stage.set(Stage::Sending { file: name.clone(), percent: (event.loaded() / event.total() * 100.0) as u8 });
        }
    });
    request.upload()?.set_onprogress(Some(progress.into_js_value().unchecked_ref()));
    let answered = request.clone();
    let end = Closure::once_into_js(move || {
        // A transfer that was cancelled is not the current one any more.
        if CURRENT.take().is_some() {
            match page(&answered) {
                Ok(page) => drop(window().location().assign(&page)),
                Err(reason) => stage.set(Stage::Failed(reason)),
            }
        }
    });
    request.set_onloadend(Some(end.unchecked_ref()));
    request.send_with_opt_form_data(Some(&form))?;
    CURRENT.replace(Some(request));
    Ok(())
}

/// The page that the server has made for the file, or why it has not.
fn page(answered: &XmlHttpRequest) -> Result<String, String> {
    let text = answered.response_text().ok().flatten().unwrap_or_default();
    let answer = js_sys::JSON::parse(&text).unwrap_or(JsValue::UNDEFINED);
    let field = |name: &str| super::plotly::dig(&answer, &[name]).and_then(|value| value.as_string());
    field("page").ok_or_else(|| field("error").unwrap_or_else(|| "The server cannot be reached; nothing was added".to_owned()))
}
