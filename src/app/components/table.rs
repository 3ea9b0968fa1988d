//! A table of cells: sorted by its heads, with links, small histograms and rows that can be chosen.

use std::cmp::Ordering;

use leptos::prelude::*;

use super::control::toggled;
use crate::app::href;
use crate::app::room::Page;
use crate::model::{Cell, ColumnHead, Row, TableView};

/// Compares cells as people expect: numbers by size, text without case; what has no
/// number comes last in either direction.
fn compare(a: &Cell, b: &Cell, descending: bool) -> Ordering {
    let ordering = match (a.number, b.number) {
        (Some(_), None) => return Ordering::Less,
        (None, Some(_)) => return Ordering::Greater,
        (Some(a), Some(b)) => a.total_cmp(&b),
        (None, None) => collate(&a.text, &b.text),
    };
    if descending { ordering.reverse() } else { ordering }
}

/// The order of two texts for people. Browsers know it, in every language; their tables need not travel.
#[cfg(feature = "hydrate")]
fn collate(a: &str, b: &str) -> Ordering {
    let order = js_sys::JsString::from(a).locale_compare(b, &js_sys::Array::new(), &js_sys::Object::new());
    order.cmp(&0)
}

#[cfg(not(feature = "hydrate"))]
fn collate(a: &str, b: &str) -> Ordering {
    a.to_lowercase().cmp(&b.to_lowercase())
}

/// The order that a click on a head asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Order {
    column: usize,
    descending: bool,
}

impl Order {
    /// A column by its name, with `-` before it for descending order.
    fn parse(text: &str, columns: &[ColumnHead]) -> Option<Order> {
        let place = |name: &str| columns.iter().position(|head| head.name == name);
        let ascending = place(text).map(|column| Order { column, descending: false });
        ascending.or_else(|| Some(Order { column: place(text.strip_prefix('-')?)?, descending: true }))
    }
}

fn sorted(table: &TableView, order: Option<Order>) -> Vec<Row> {
    let mut rows = table.rows.clone();
    if let Some(Order { column, descending }) = order {
        rows.sort_by(|a, b| match (a.cells.get(column), b.cells.get(column)) {
            (Some(a), Some(b)) => compare(a, b, descending),
            _ => Ordering::Equal,
        });
    }
    rows
}

/// Rows whose choice is a control of another panel: (panel, control) and the page that holds it.
#[derive(Clone, Debug)]
pub struct Chooser {
    pub page: Page,
    pub panel: String,
    pub control: String,
    /// What is chosen while the page holds no value.
    pub default: Signal<Vec<String>>,
}

/// The property of a page that says how a table is sorted.
#[derive(Clone, Debug)]
pub struct Sorter {
    pub page: Page,
    pub key: String,
}

#[component]
pub fn DataTable(
    #[prop(into)] table: Signal<TableView>,
    /// Names the table to screen readers.
    #[prop(into)]
    caption: String,
    #[prop(optional_no_strip)] chooser: Option<Chooser>,
    /// Lets heads sort the rows that are here; none where the server sorts.
    #[prop(optional_no_strip)]
    sorter: Option<Sorter>,
) -> impl IntoView {
    let sortable = sorter.is_some();
    let sorter = StoredValue::new(sorter);
    let order = Memo::new(move |_| {
        let wanted = sorter.with_value(|sorter| {
            let Sorter { page, key } = sorter.as_ref()?;
            page.values.with(|values| values.get(key)?.first().cloned())
        })?;
        table.with(|table| Order::parse(&wanted, &table.columns))
    });
    let rows = Memo::new(move |_| table.with(|table| sorted(table, order.get())));
    let heads = Memo::new(move |_| table.with(|table| table.columns.clone()));
    let chosen = chooser.clone().map(|chooser| {
        let key = format!("{}.{}", chooser.panel, chooser.control);
        Memo::new(move |_| chooser.page.values.with(|values| values.get(&key).cloned()).unwrap_or_else(|| chooser.default.get()))
    });
    let label = caption.clone();
    let choosing = chooser.is_some();
    let chooser = StoredValue::new(chooser);
    let head = move || {
        heads
            .get()
            .into_iter()
            .enumerate()
            .map(|(column, head)| {
                let sort = move || match order.get() {
                    Some(order) if order.column == column => {
                        if order.descending {
                            "descending"
                        } else {
                            "ascending"
                        }
                    }
                    _ => "none",
                };
                let name = head.name;
                let wanted = name.clone();
                let click = move |_| {
                    let is_ascending = order.get_untracked() == Some(Order { column, descending: false });
                    let wanted = if is_ascending { format!("-{wanted}") } else { wanted.clone() };
                    sorter.with_value(|sorter| {
                        if let Some(Sorter { page, key }) = sorter {
                            page.submit(vec![(key.clone(), Some(wanted.into()))]);
                        }
                    });
                };
                let label = if sortable {
                    view! { <button type="button" on:click=click>{name}</button> }.into_any()
                } else {
                    view! { <span>{name}</span> }.into_any()
                };
                view! { <th scope="col" class:num=head.numeric title=head.help aria-sort=sortable.then_some(sort)>{label}</th> }
            })
            .collect_view()
    };
    let body_row = move |row: Row| {
        let key = row.key.clone();
        let on = {
            let key = key.clone();
            move || chosen.zip(key.clone()).is_some_and(|(chosen, key)| chosen.with(|chosen| chosen.contains(&key)))
        };
        let box_cell = choosing.then(|| {
            let on = on.clone();
            let checked = Signal::derive(on);
            let name = chooser.with_value(|chooser| chooser.as_ref().map(|chooser| format!("{}.{}", chooser.panel, chooser.control)));
            let label = row.cells.first().map(|cell| cell.text.clone());
            let value = key.clone();
            let change = move |_| {
                if let (Some(chosen), Some(key)) = (chosen, key.as_ref()) {
                    let next = toggled(&chosen.get_untracked(), key);
                    chooser.with_value(|chooser| {
                        if let Some(chooser) = chooser {
                            chooser.page.set(&chooser.panel, &chooser.control, &next, true);
                        }
                    });
                }
            };
            view! {
                <td class="choose">
                    <input type="checkbox" name=name value=value aria-label=label checked=checked.get_untracked() prop:checked=checked on:change=change/>
                </td>
            }
        });
        let mark = row.mark.clone();
        let numeric = heads.with_untracked(|heads| heads.iter().map(|head| head.numeric).collect::<Vec<_>>());
        let cells = row
            .cells
            .into_iter()
            .enumerate()
            .map(|(column, cell)| {
                let num = numeric.get(column).copied().unwrap_or(false);
                let tag = (column == 0).then(|| mark.clone()).flatten().map(|mark| view! { <span class="tag">{mark}</span> });
                let text = view! { <TableCell cell/> };
                if column == 0 {
                    view! { <th scope="row" class:num=num>{text}{tag}</th> }.into_any()
                } else {
                    view! { <td class:num=num>{text}</td> }.into_any()
                }
            })
            .collect_view();
        view! { <tr class:on=on>{box_cell}{cells}</tr> }
    };
    view! {
        <div class="scroll" tabindex="0" role="region" aria-label=label>
            <table>
                <caption class="quiet">{caption}</caption>
                <thead><tr>{choosing.then(|| view! { <th scope="col"><span class="quiet">"Show"</span></th> })}{head}</tr></thead>
                <tbody>
                    {move || rows.get().into_iter().map(body_row).collect_view()}
                </tbody>
            </table>
        </div>
    }
}

#[component]
fn TableCell(cell: Cell) -> AnyView {
    let Cell { text, link, spark, warn, .. } = cell;
    if !spark.is_empty() {
        return view! { <Spark counts=spark/> }.into_any();
    }
    match link {
        Some(entity) => view! { <a href=href(&entity.path())>{text}</a> }.into_any(),
        None if warn => view! { <span class="warn">{text}</span> }.into_any(),
        None => text.into_any(),
    }
}

/// A histogram the size of a word.
#[component]
fn Spark(counts: Vec<u32>) -> impl IntoView {
    // In tenths of a pixel: whole numbers are written with less code.
    const WIDTH: u64 = 640;
    const HEIGHT: u64 = 200;
    const GAP: u64 = 6;
    let most = u64::from(counts.iter().copied().max().unwrap_or(1).max(1));
    let bars = counts.len() as u64;
    let mut path = String::new();
    for (i, count) in (0..).zip(counts).filter(|(_, count)| *count > 0) {
        let height = (u64::from(count) * HEIGHT / most).max(10);
        let (x, next) = (i * WIDTH / bars, (i + 1) * WIDTH / bars);
        let width = (next - x).saturating_sub(GAP).max(GAP);
        path.push_str(&format!("M{x} {HEIGHT}h{width}v-{height}h-{width}z"));
    }
    view! { <svg class="spark" viewBox="0 0 640 200" width="64" height="20" aria-hidden="true"><path d=path/></svg> }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(cells: &[Cell]) -> TableView {
        TableView { rows: cells.iter().map(|cell| Row { cells: vec![cell.clone()], ..Row::default() }).collect(), ..TableView::default() }
    }

    #[test]
    fn numbers_sort_by_size_and_missing_ones_come_last() {
        let table = table(&[Cell::number(10.0, "10"), Cell::text("–"), Cell::number(9.0, "9")]);
        let texts = |descending| {
            sorted(&table, Some(Order { column: 0, descending })).iter().map(|row| row.cells[0].text.clone()).collect::<Vec<_>>()
        };
        assert_eq!(texts(false), ["9", "10", "–"]);
        assert_eq!(texts(true), ["10", "9", "–"]);
    }

    #[test]
    fn an_order_names_its_column() {
        let columns = ["a", "-a", "b"].map(|name| ColumnHead { name: name.to_owned(), numeric: false, help: None });
        assert_eq!(Order::parse("b", &columns), Some(Order { column: 2, descending: false }));
        assert_eq!(Order::parse("-b", &columns), Some(Order { column: 2, descending: true }));
        assert_eq!(Order::parse("-a", &columns), Some(Order { column: 1, descending: false }));
        assert_eq!(Order::parse("c", &columns), None);
    }

    #[test]
    fn a_missing_column_changes_nothing() {
        let table = table(&[Cell::text("b"), Cell::text("a")]);
        assert_eq!(sorted(&table, Some(Order { column: 7, descending: false })), table.rows);
    }
}
