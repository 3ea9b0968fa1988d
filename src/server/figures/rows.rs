//! What a chart says about rows that it does not draw one by one: those under the pointer, and those that somebody selected.
//!
//! `GET /api/figures/{kind}/{id}/{panel}/at?point=X,Y&cells=NX,NY` and `.../select?shape=...`, with the parameters of the figure. Both count over
//! all rows.

use std::str::FromStr;

use axum::extract::{Path, RawQuery, State as Extract};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use labboard_figure::text;
use labboard_frame::density::{Shape, Window};

use super::{Peer, Place, Request, client, error_response, source_of};
use crate::app::panels::{self, Found, Point};
use crate::controls::parameters;
use crate::error::AppError;
use crate::server::state::State;
use crate::server::talk::text::escape;

/// Groups that are named; the others are added up.
const NAMED: usize = 6;
/// Along an axis of a raster: as many as an image may have pixels.
const MOST_CELLS: usize = labboard_figure::raster::LONGEST_SIDE as usize;

#[derive(Clone, Debug)]
enum Question {
    At(Point),
    Select(Vec<Shape>),
}

pub async fn at(state: Extract<State>, place: Place, query: RawQuery, peer: Peer) -> Response {
    respond(state.0, place, query, peer, |query| {
        let value = |wanted: &str| parameters(query).find(|(name, _)| name == wanted).map(|(_, value)| value);
        let point = value("point").unwrap_or_default();
        let at = pair(&point, |number: f64| number.is_finite())
            .ok_or_else(|| AppError::BadRequest(format!("point is X,Y in the units of the axes, not “{point}”")))?;
        let cells = |text: String| {
            pair(&text, |cells| (1..=MOST_CELLS).contains(&cells))
                .ok_or_else(|| AppError::BadRequest(format!("cells is NX,NY, each from 1 to {MOST_CELLS}, not “{text}”")))
        };
        Ok(Question::At(Point { at, cells: value("cells").map(cells).transpose()? }))
    })
    .await
}

pub async fn select(state: Extract<State>, place: Place, query: RawQuery, peer: Peer) -> Response {
    respond(state.0, place, query, peer, |query| {
        let shapes = parameters(query).filter(|(name, _)| name == "shape").map(|(_, value)| {
            shape(&value).ok_or_else(|| AppError::BadRequest(format!("“{value}” is not rect,x,y,X0,X1,Y0,Y1 nor path,x,y,MX,YLX,Y…Z")))
        });
        let shapes = shapes.collect::<Result<Vec<_>, _>>()?;
        if shapes.is_empty() { Err(AppError::BadRequest("A selection needs a shape".to_owned())) } else { Ok(Question::Select(shapes)) }
    })
    .await
}

async fn respond(
    state: State,
    Path((kind, id, panel)): Place,
    RawQuery(query): RawQuery,
    peer: Peer,
    question: impl FnOnce(&str) -> Result<Question, AppError>,
) -> Response {
    let query = query.unwrap_or_default();
    let found = async {
        let question = question(&query)?;
        let of_figure = parameters(&query).filter(|(name, _)| !["point", "cells", "shape"].contains(&name.as_str()));
        let request = Request { client: client(peer), ..Request::of(&kind, &id, &panel, of_figure)? };
        let for_page = request.for_page;
        Ok((found(&state, request, question).await?, for_page))
    };
    match found.await {
        Ok((found, true)) => {
            ([(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")], html(&found)).into_response()
        }
        Ok((found, false)) => ([(header::CACHE_CONTROL, "no-cache")], axum::Json(json(&found))).into_response(),
        Err(error) => error_response(&error),
    }
}

async fn found(state: &State, request: Request, question: Question) -> Result<Found, AppError> {
    let source = source_of(state, &request).await?;
    let client = request.client;
    let rows = source.rows();
    let work = move || {
        let values = panels::values_of(&request.panel.controls(&source, &request.wanted));
        match question {
            Question::At(point) => request.panel.at(&source, &values, &request.canvas, point),
            Question::Select(shapes) => request.panel.select(&source, &values, &shapes),
        }
    };
    state.compute().run(client, rows, work).await?.map_err(|empty| AppError::BadRequest(empty.reason))
}

/// Two numbers with a comma between them.
fn pair<T: FromStr + Copy>(text: &str, is_valid: impl Fn(T) -> bool) -> Option<(T, T)> {
    let number = |text: &str| text.trim().parse().ok().filter(|number| is_valid(*number));
    text.split_once(',').and_then(|(x, y)| Some((number(x)?, number(y)?)))
}

/// A shape as rooms write it, in the data's own units: numbers, or dates.
fn shape(text: &str) -> Option<Shape> {
    let number = |text: &str| {
        let text = text.trim();
        text.parse::<f64>()
            .ok()
            .filter(|number| number.is_finite())
            .or_else(|| labboard_openml::date::parse_iso(&text.replace([' ', '_'], "T")))
    };
    let mut parts = text.splitn(4, ',');
    let (kind, _, _, rest) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    match kind {
        "rect" => {
            let ends = rest.split(',').map(number).collect::<Option<Vec<f64>>>()?;
            let &[x0, x1, y0, y1] = ends.as_slice() else { return None };
            Some(Shape::Window(Window { x: (x0.min(x1), x0.max(x1)), y: (y0.min(y1), y0.max(y1)) }))
        }
        "path" => {
            let corners = rest.strip_prefix('M')?.strip_suffix('Z')?.split('L').map(|corner| {
                let (x, y) = corner.split_once(',')?;
                Some((number(x)?, number(y)?))
            });
            Some(Shape::Polygon(corners.collect::<Option<Vec<_>>>()?))
        }
        _ => None,
    }
}

fn json(found: &Found) -> serde_json::Value {
    let groups: Vec<_> = found.groups.iter().map(|(label, rows)| serde_json::json!({ "label": label, "rows": rows })).collect();
    let window = found.window.map(|window| serde_json::json!({ "x": window.x, "y": window.y }));
    serde_json::json!({
        "rows": found.rows, "rows_total": found.rows_total, "color": found.colour, "groups": groups, "window": window, "first": found.first,
    })
}

/// The same in a line for people.
fn html(found: &Found) -> String {
    let mut out = match &found.window {
        Some(_) if found.rows == 0 => return String::new(),
        Some(_) => format!("<b>{}</b>", text::plural(found.rows, "row", "rows")),
        None => format!(
            "<b>{}</b> of {} selected ({})",
            text::count(found.rows),
            text::plural(found.rows_total, "row", "rows"),
            text::percent(found.rows as f64 / (found.rows_total as f64).max(1.0))
        ),
    };
    for line in &found.readings {
        out.push_str(&format!("<span>{}</span>", escape(line)));
    }
    let mut groups: Vec<_> = found.groups.iter().filter(|(_, rows)| *rows > 0).collect();
    groups.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
    let others: u64 = groups.iter().skip(NAMED).map(|(_, rows)| rows).sum();
    let share = |rows: u64| text::percent(rows as f64 / found.rows.max(1) as f64);
    for (label, rows) in groups.iter().take(NAMED) {
        out.push_str(&format!("<span>{} <b>{}</b></span>", escape(&text::shorten(label, 40)), share(*rows)));
    }
    if others > 0 {
        out.push_str(&format!("<span>others <b>{}</b></span>", share(others)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_read_as_rooms_write_them() {
        let window = |x, y| Some(Shape::Window(Window { x, y }));
        assert_eq!(shape("rect,x,y,3,1,-2,5e1"), window((1.0, 3.0), (-2.0, 50.0)));
        assert_eq!(shape("rect,x,y,1970-01-01 00:00,1970-01-02,0,1"), window((0.0, 86_400_000.0), (0.0, 1.0)));
        assert_eq!(shape("path,x,y,M0,0L1,0L1,2Z"), Some(Shape::Polygon(vec![(0.0, 0.0), (1.0, 0.0), (1.0, 2.0)])));
        // In paths plotly.js joins a date and its time with a line.
        let corner = (96_671_468_000.0 + 67.9, 1.5);
        let found = shape("path,x,y,M1973-01-23_21:31:08.0679,1.5L1,1L2,2Z");
        assert!(
            matches!(&found, Some(Shape::Polygon(corners)) if (corners[0].0 - corner.0).abs() < 86_400_000.0 && corners[0].1 == corner.1),
            "{found:?}"
        );
        for bad in ["", "rect", "rect,x,y,1,2,3", "rect,x,y,1,2,3,NaN", "path,x,y,0,0L1,1Z", "path,x,y,M0,0L1Z", "circle,x,y,0,0,1,1"] {
            assert_eq!(shape(bad), None, "{bad}");
        }
    }

    #[test]
    fn names_from_data_are_text() {
        let found = Found { rows: 4, rows_total: 8, groups: vec![("<b>&".to_owned(), 3), ("b".to_owned(), 1)], ..Found::default() };
        let html = html(&found);
        assert!(html.starts_with("<b>4</b> of 8 rows selected (50"), "{html}");
        assert!(html.contains("&lt;b&gt;&amp; <b>75"), "{html}");
    }
}
