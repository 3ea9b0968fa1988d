//! The page of the ways to bring data in (`/new`): what a new user needs first, and the form about a file that waits. It is written
//! here as HTML and only shown in the browser, which has no need for its code.

use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use labboard_openml::table::Kind as FeatureKind;
use leptos::prelude::*;

use super::headers::is_loopback;
use super::ingest::Target;
use super::state::State;
use super::uploads::{PreviewFeature, Upload};
use super::users;
use crate::app::components::error_card::set_status;
use crate::app::panel::thousands;
use crate::controls::parameters;

/// Features whose types can be corrected; the others stay as they are.
const MOST_SHOWN: usize = 500;
const LICENCES: [&str; 5] = ["Public", "CC0", "CC BY 4.0", "CC BY-SA 4.0", "ODbL"];

/// The page that is asked for, as HTML: the form about a file if the query names one.
pub fn page() -> String {
    let (Some(state), Some(request)) = (use_context::<State>(), use_context::<Parts>()) else { return String::new() };
    let query = request.uri.query().unwrap_or_default();
    let Some((_, id)) = parameters(query).find(|(name, _)| name == "upload") else { return ways(&state, &request.headers).to_html() };
    match state.uploads().get(&id) {
        Some(upload) => form(&state, &id, &upload).to_html(),
        None => {
            set_status(404);
            gone(&state).to_html()
        }
    }
}

fn gone(state: &State) -> impl IntoView + use<> {
    let again = format!("{}/new", state.config().base_path);
    view! {
        <section class="card error-card">
            <h1>"Not found"</h1>
            <p>"This file is not there any more. "<a href=again rel="external">"Choose it again"</a>"."</p>
        </section>
    }
}

/// How this visitor reaches the server.
fn origin(state: &State, headers: &HeaderMap) -> String {
    let config = state.config();
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1:3000");
    let origin = config.public_url.clone().unwrap_or_else(|| format!("http://{host}"));
    format!("{origin}{}", config.base_path)
}

/// The owner's key is shown on the owner's own machine only: not where others can come in, and not to a page of another name that
/// leads here.
fn own_key(state: &State, headers: &HeaderMap) -> Option<String> {
    let config = state.config();
    let is_local = headers.get(header::HOST).and_then(|host| host.to_str().ok()).is_some_and(is_loopback);
    (is_local && config.invite.is_none() && config.public_url.is_none()).then(|| users::owner_key(state.store().dir())).flatten()
}

/// A text to copy.
fn snippet(text: String) -> impl IntoView {
    view! {
        <div class="snippet">
            <pre><code>{text}</code></pre>
            <button type="button" class="button" data-copy="">"Copy"</button>
        </div>
    }
}

fn ways(state: &State, headers: &HeaderMap) -> impl IntoView + use<> {
    let base = state.config().base_path.clone();
    let origin = origin(state, headers);
    let key = own_key(state, headers);
    let key_note = match &key {
        Some(_) => "The key is the owner's. “labboard user add NAME” on the server makes one for each colleague.",
        None => "“labboard user add NAME” on the server makes a key.",
    };
    let key = key.unwrap_or_else(|| "YOUR_KEY".to_owned());
    let python = format!(
        "import openml\nopenml.config.server = \"{origin}/api/v1/xml\"\nopenml.config.apikey = \"{key}\"\n\n\
         task = openml.tasks.get_task(1)\nopenml.runs.run_model_on_task(model, task).publish()"
    );
    let publish = "labboard publish predictions.csv --data 1 --target class --flow my-model --param k=3".to_owned();
    let curl = format!(
        "curl -F api_key={key} -F data=1 -F target=class -F flow=my-model -F param=k=3 \\\n  \
         -F predictions=@predictions.csv {origin}/api/v1/json/predictions"
    );
    let invite = match &state.config().invite {
        Some(token) => view! {
            <p>"Whoever opens this link may come in:"</p>
            {snippet(format!("{origin}/?invite={token}"))}
        }
        .into_any(),
        None => view! {
            <p>"Only this machine can reach labboard now. Start it like this, and it prints a link to send:"</p>
            {snippet("labboard serve --addr 0.0.0.0:3000 --public-url http://HOST:3000".to_owned())}
        }
        .into_any(),
    };
    view! {
        <div class="head"><h1>"Bring in your data"</h1></div>
        <div class="ways">
            <section class="card">
                <h2>"A file"</h2>
                <p>"Drop a CSV, Parquet or ARFF file onto any page, or choose one. You see what labboard makes of it before anything is added."</p>
                <form method="post" action=format!("{base}/new/file") enctype="multipart/form-data">
                    <label class="field">
                        <span>"Table"</span>
                        <input type="file" name="file" required accept=".csv,.tsv,.arff,.parquet,.pq"/>
                    </label>
                    <noscript><button class="button primary">"Upload"</button></noscript>
                </form>
            </section>
            <section class="card">
                <h2>"Models in Python"</h2>
                <p>"The ordinary openml package publishes here; every open chart moves."</p>
                {snippet(python)}
                <p class="note">{key_note}</p>
            </section>
            <section class="card">
                <h2>"Predictions of any program"</h2>
                <p>"A CSV with y_pred is enough (y_true, row_id, fold and proba_CLASS if you have them). Task and flow are made as needed."</p>
                {snippet(publish)}
                {snippet(curl)}
            </section>
            <section class="card">
                <h2>"Files on the server"</h2>
                <p>"Tables, or whole folders of OpenML documents, also while labboard runs:"</p>
                {snippet("labboard import data.csv --target class".to_owned())}
            </section>
            <section class="card">
                <h2>"Your colleagues"</h2>
                {invite}
            </section>
            <section class="card">
                <h2>"Just looking"</h2>
                <p>
                    "Turn a dropdown on the "<a href=format!("{base}/explore")>"shared scatter"</a>", or open a "<a href=format!("{base}/task")>"task"</a>
                    " and press Replay: its charts move as runs are published."
                </p>
            </section>
        </div>
    }
}

fn form(state: &State, id: &str, upload: &Upload) -> impl IntoView + use<> {
    let base = state.config().base_path.clone();
    let Upload { file, preview, wishes, problem, .. } = upload;
    let wanted = |feature: &PreviewFeature| {
        wishes.kinds.iter().find_map(|(name, kind)| (*name == feature.name).then_some(*kind)).unwrap_or(feature.kind)
    };
    let target = match &wishes.target {
        Target::Feature(name) => name.clone(),
        Target::Guessed | Target::Nothing => String::new(),
    };
    let targets = preview
        .features
        .iter()
        .map(|feature| view! { <option value=feature.name.clone() selected=feature.name == target>{feature.name.clone()}</option> })
        .collect_view();
    let rows = preview
        .features
        .iter()
        .take(MOST_SHOWN)
        .enumerate()
        .map(|(at, feature)| {
            let now = wanted(feature);
            let kinds =
                FeatureKind::ALL.map(|kind| view! { <option value=kind.name() selected=kind == now>{kind.name()}</option> }).collect_view();
            view! {
                <tr>
                    <th scope="row">{feature.name.clone()}</th>
                    <td><select name=format!("kind{at}") aria-label=format!("Type of {}", feature.name)>{kinds}</select></td>
                    <td class="num">{thousands(feature.missing as u64)}</td>
                    <td class="num">{thousands(feature.distinct as u64)}</td>
                    <td>{feature.samples.clone()}</td>
                </tr>
            }
        })
        .collect_view();
    let more = preview.features.len().saturating_sub(MOST_SHOWN);
    let licences = LICENCES.map(|licence| view! { <option value=licence></option> }).collect_view();
    let what = format!("{} rows, {} features", thousands(preview.rows as u64), thousands(preview.features.len() as u64));
    view! {
        <div class="head"><h1>{format!("Add {file}")}</h1><p class="description">{what}</p></div>
        {problem.clone().map(|problem| view! { <p class="card problem" role="alert">{problem}</p> })}
        <form class="preview" method="post" action=format!("{base}/new/dataset")>
            <input type="hidden" name="upload" value=id.to_owned()/>
            <section class="card fields">
                <label class="field">
                    <span>"Name"</span>
                    <input name="name" required maxlength="128" pattern="[A-Za-z0-9_\\-.\\(\\),]+" title="letters, digits and _ - . ( ) ," value=wishes.name.clone()/>
                </label>
                <label class="field">
                    <span>"Target, to be predicted"</span>
                    <select name="target"><option value="">"none"</option>{targets}</select>
                </label>
                <label class="field">
                    <span>"Licence"</span>
                    <input name="licence" list="licences" maxlength="128" value=wishes.licence.clone()/>
                    <datalist id="licences">{licences}</datalist>
                </label>
                <label class="field wide">
                    <span>"Description"</span>
                    <textarea name="description" rows="3">{wishes.description.clone().unwrap_or_default()}</textarea>
                </label>
                <p class="actions">
                    <button class="button primary">"Add the dataset"</button>
                    <button class="button" name="cancel" value="yes" formnovalidate>"Throw it away"</button>
                </p>
            </section>
            <section class="panel full">
                <div class="panel-head"><h2>"Features"</h2><span class="note">"Correct the types where labboard has guessed wrong."</span></div>
                <div class="scroll" tabindex="0" role="region" aria-label="Features">
                    <table>
                        <caption class="quiet">"Features of the file"</caption>
                        <thead>
                            <tr>
                                <th scope="col">"Feature"</th><th scope="col">"Type"</th><th scope="col" class="num">"Missing"</th>
                                <th scope="col" class="num">"Distinct"</th><th scope="col">"First values"</th>
                            </tr>
                        </thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
                {(more > 0).then(|| view! { <p class="note">{format!("{} more features keep the types that were found.", thousands(more as u64))}</p> })}
            </section>
        </form>
    }
}
