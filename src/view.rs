//! How people look at a panel, besides its controls: zoom, selection, what is hidden, the table beside a chart, sorting.
//!
//! Each is a property of the room like a control, `panel.zoom`. Zoom and selection carry a tag of the features and scales
//! that they were made on, and mean nothing on others: two people who change an axis and zoom at the same moment never see
//! one on the other.

#[cfg(feature = "ssr")]
use std::{collections::BTreeMap, fmt};

/// Ranges of axes: `TAG;x:0.5,2;y:-1,1`.
pub const ZOOM: &str = "zoom";
/// The tag, then shapes: `rect,x,y,X0,X1,Y0,Y1` or `path,x,y,M0,1L2,3Z`.
pub const SELECTION: &str = "selection";
/// Names of traces that the legend hides.
pub const HIDDEN: &str = "hidden";
/// `on` while the table beside a chart is open.
pub const TWIN: &str = "twin";
/// A column's name, with `-` before it for descending order.
pub const SORT: &str = "sort";

/// What people share of a chart.
pub const OF_CHART: [&str; 5] = [ZOOM, SELECTION, HIDDEN, TWIN, SORT];
/// What people share of a table.
pub const OF_TABLE: [&str; 1] = [SORT];

/// Whether a property is about looking, and not a control that the figure depends on.
pub fn is_look(name: &str) -> bool {
    OF_CHART.contains(&name)
}

/// Checks a value that the data has no say in.
///
/// The browser has no use for this, nor for the code that reads numbers.
///
/// # Errors
/// A sentence for the person who made the change.
#[cfg(feature = "ssr")]
pub fn check(name: &str, values: &[String]) -> Result<(), String> {
    /// Longer than any name that a legend or a column shows.
    const NAME: usize = 512;
    const NAMES: usize = 100;
    /// Of a lasso around many marks.
    const SHAPE: usize = 16 << 10;
    const SHAPES: usize = 8;
    let one = |longest: usize| match values {
        [one] if one.len() <= longest => Ok(one.as_str()),
        _ => Err(format!("{name} takes one text of at most {longest} bytes")),
    };
    match name {
        ZOOM => Zoom::parse(one(NAME)?).map(drop).ok_or_else(|| "a zoom is TAG;x:LOW,HIGH;y:LOW,HIGH".to_owned()),
        SELECTION => match values {
            [tag, shapes @ ..] if is_tag(tag) && (1..=SHAPES).contains(&shapes.len()) => {
                let fits = |shape: &String| shape.len() <= SHAPE && shape.chars().all(is_of_shape);
                shapes.iter().all(fits).then_some(()).ok_or_else(|| "a selection is made of rect and path".to_owned())
            }
            _ => Err(format!("a selection is a tag and 1 to {SHAPES} shapes")),
        },
        HIDDEN if values.len() <= NAMES && values.iter().all(|value| value.len() <= NAME) => Ok(()),
        HIDDEN => Err(format!("at most {NAMES} names can be hidden")),
        TWIN if one(NAME)? == "on" => Ok(()),
        TWIN => Err("the table is on, or has no value".to_owned()),
        _ => one(NAME).map(drop),
    }
}

#[cfg(feature = "ssr")]
fn is_tag(text: &str) -> bool {
    text.len() <= 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Numbers, dates, commas, and the letters of a path.
#[cfg(feature = "ssr")]
fn is_of_shape(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, ',' | '.' | '-' | '+' | ':' | '_' | ' ')
}

/// Ranges of axes that somebody zoomed to, in axis units: logarithms on logarithmic axes, milliseconds on dates, places of
/// categories.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Zoom {
    /// What the axes showed; empty means whatever they show.
    pub axes: String,
    /// By axis: `x`, `y`, `x2`, ...; low before high as the axis has it.
    pub ranges: BTreeMap<String, [f64; 2]>,
}

#[cfg(feature = "ssr")]
impl Zoom {
    /// A part of the first pair of axes, whatever they show.
    pub fn window(x: [f64; 2], y: [f64; 2]) -> Self {
        Self { axes: String::new(), ranges: [("x".to_owned(), x), ("y".to_owned(), y)].into() }
    }

    pub fn parse(text: &str) -> Option<Zoom> {
        let mut parts = text.split(';');
        let axes = parts.next().filter(|tag| is_tag(tag))?.to_owned();
        let range = |part: &str| {
            let (axis, range) = part.split_once(':')?;
            let (low, high) = range.split_once(',')?;
            let (low, high) = (low.parse::<f64>().ok()?, high.parse::<f64>().ok()?);
            let is_axis = axis.strip_prefix(['x', 'y']).is_some_and(|n| n.len() <= 3 && n.bytes().all(|b| b.is_ascii_digit()));
            (is_axis && low.is_finite() && high.is_finite() && low != high).then(|| (axis.to_owned(), [low, high]))
        };
        let ranges = parts.map(range).collect::<Option<BTreeMap<_, _>>>()?;
        (!ranges.is_empty()).then_some(Zoom { axes, ranges })
    }
}

#[cfg(feature = "ssr")]
impl fmt::Display for Zoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.axes)?;
        self.ranges.iter().try_for_each(|(axis, [low, high])| write!(f, ";{axis}:{low},{high}"))
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check_one(name: &str, value: &str) -> Result<(), String> {
        check(name, &[value.to_owned()])
    }

    #[test]
    fn what_is_no_zoom_is_refused() {
        assert!(check_one(ZOOM, "0a1b;x:0,1;y2:-1e-9,5").is_ok());
        for text in ["", "0a1b", "0a1b;x:0,0", "0a1b;x:0,NaN", "0a1b;x:0,inf", "zz;x:0,1", "0a1b;z:0,1", "0a1b;x:0", "0a1b;x:0,1;"] {
            assert!(check_one(ZOOM, text).is_err(), "{text}");
        }
    }

    #[test]
    fn shapes_hold_no_markup() {
        let shapes = |shapes: &[&str]| check(SELECTION, &shapes.iter().map(|&shape| shape.to_owned()).collect::<Vec<_>>());
        assert!(shapes(&["0a", "rect,x,y,0,1,2,3"]).is_ok());
        assert!(shapes(&["0a", "path,x2,y2,M1,2L2013-01-01 10:00,-3.5e+2Z"]).is_ok());
        assert!(shapes(&["0a"]).is_err() && shapes(&[]).is_err() && shapes(&["x!", "rect"]).is_err());
        assert!(shapes(&["0a", "<svg>"]).is_err() && shapes(&["0a", "url(#x)"]).is_err());
        assert!(shapes(&["0a"; 20]).is_err());
        assert!(check_one(TWIN, "on").is_ok() && check_one(TWIN, "off").is_err());
        assert!(check(SORT, &[]).is_err() && check(HIDDEN, &[]).is_ok());
    }

    proptest! {
        #[test]
        fn a_zoom_comes_back(ranges in prop::collection::btree_map("[xy][2-9]?", (prop::num::f64::NORMAL, prop::num::f64::NORMAL), 1..4)) {
            let ranges: BTreeMap<_, _> = ranges.into_iter().filter(|(_, (low, high))| low != high).map(|(axis, (low, high))| (axis, [low, high])).collect();
            prop_assume!(!ranges.is_empty());
            let zoom = Zoom { axes: "0a1b".to_owned(), ranges };
            prop_assert_eq!(Zoom::parse(&zoom.to_string()), Some(zoom));
        }
    }
}
