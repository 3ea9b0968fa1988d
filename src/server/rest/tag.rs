//! Tags of datasets, tasks, flows, runs and setups.

use axum::http::StatusCode;
use labboard_openml::document::reply;
use labboard_store::Kind as StoreKind;

use super::answer::Answer;
use super::call::Call;
use super::fields::id;
use super::{Outcome, Refusal};

/// Longer ones are no tags.
const LONGEST: usize = 64;

struct Tagged {
    kind: StoreKind,
    number: i64,
    tag: String,
}

async fn read(call: &Call, kind: &str) -> Result<Tagged, Refusal> {
    let store_kind = match kind {
        "data" => StoreKind::Dataset,
        "task" => StoreKind::Task,
        "flow" => StoreKind::Flow,
        "run" => StoreKind::Run,
        "setup" => StoreKind::Setup,
        _ => return Err(Refusal::unknown_path(call)),
    };
    let tag = call.text("tag")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if tag.is_empty() || tag.len() > LONGEST || !tag.chars().all(plain) {
        return Err(Refusal::new(471, "This is no tag").because(format!("use up to {LONGEST} letters, digits and _ - .")));
    }
    let unknown = || Refusal::new(472, "In order to add a tag, the entity must exist");
    let number = id(call.text(&format!("{kind}_id"))?.trim(), unknown())?;
    let store = call.store();
    let known = match store_kind {
        StoreKind::Dataset => store.dataset(number).await.map(drop),
        StoreKind::Task => store.task(number).await.map(drop),
        StoreKind::Flow => store.flow(number).await.map(drop),
        StoreKind::Run => store.run(number).await.map(drop),
        _ => store.setup(number).await.map(drop),
    };
    known.map_err(|error| Refusal::or_missing(error, unknown()))?;
    Ok(Tagged { kind: store_kind, number, tag })
}

/// The tags that are left.
async fn answer(call: &Call, root: &str, kind: StoreKind, number: i64) -> Outcome {
    let tags = call.store().tags(kind, number).await.map_err(Refusal::store)?;
    let number = number.to_string();
    let mut fields = vec![("id", number.as_str())];
    fields.extend(tags.iter().map(|tag| ("tag", tag.as_str())));
    Ok(Answer::plain(reply(root, &fields)))
}

pub async fn add(call: &Call, word: &str) -> Outcome {
    let person = call.person()?.id;
    let Tagged { kind, number, tag } = read(call, word).await?;
    if call.store().tags(kind, number).await.map_err(Refusal::store)?.contains(&tag) {
        let known = Refusal::new(473, "Entity already tagged by this tag").because(format!("{word} {number}, tag {tag}"));
        return Err(known.with_status(StatusCode::from_u16(450).unwrap_or(StatusCode::PRECONDITION_FAILED)));
    }
    call.store().add_tag(kind, number, &tag, person).await.map_err(Refusal::store)?;
    answer(call, &format!("{word}_tag"), kind, number).await
}

pub async fn remove(call: &Call, word: &str) -> Outcome {
    let Tagged { kind, number, tag } = read(call, word).await?;
    let found = call.store().tagged_by(kind, number, &tag).await.map_err(Refusal::store)?;
    let by = found.ok_or_else(|| Refusal::new(475, "Tag not found").because(format!("{word} {number}, tag {tag}")))?;
    call.must_own(by, Refusal::new(476, "Tag is not owned by you"))?;
    call.store().remove_tag(kind, number, &tag).await.map_err(Refusal::store)?;
    answer(call, &format!("{word}_untag"), kind, number).await
}
