//! Names from data are text, never markup: escaping for Plotly and for SVG, shortening, and numbers in words.

/// Makes a string from data safe inside Plotly, which reads titles, names, tick labels and hover templates
/// as pseudo-HTML (`<b>`, `<a href>`), as MathJax (`$...$`) and as templates (`%{...}`). Each of these
/// is written as an entity, which Plotly decodes after it has looked for markup.
///
/// Line breaks become spaces; control characters and characters that reorder text are dropped.
pub fn text(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len() + 8);
    for c in clean(raw) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '$' => out.push_str("&#36;"),
            '%' => out.push_str("&#37;"),
            c => out.push(c),
        }
    }
    out
}

/// Makes a string from data safe inside SVG text and attributes.
pub fn xml(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len() + 8);
    for c in clean(raw) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// At most `limit` characters, with an ellipsis where something was cut.
pub fn shorten(raw: &str, limit: usize) -> String {
    if raw.chars().count() <= limit {
        return raw.to_owned();
    }
    let kept: String = raw.chars().take(limit.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// A flow's short name: without package paths, and for a pipeline the part that learns, which is the last one.
/// `sklearn.pipeline.Pipeline(scale=a.Scaler,clf=sklearn.svm.SVC)(3)` is `SVC`, `weka.J48` is `J48`.
pub fn short_flow(name: &str) -> String {
    let class = |path: &str| path.rsplit('.').find(|part| !part.is_empty()).unwrap_or(path).trim().to_owned();
    let head = name.split('(').next().unwrap_or(name).trim();
    let own = class(head);
    if own == "Pipeline"
        && let Some(last) = last_component(&name[head.len()..])
    {
        return class(last);
    }
    if own.is_empty() { name.to_owned() } else { own }
}

/// The class path of the last component in `(step=path(...),step=path)`.
fn last_component(list: &str) -> Option<&str> {
    let inner = list.trim_start().strip_prefix('(')?;
    let (mut depth, mut start, mut end) = (0_u32, 0, inner.len());
    for (at, c) in inner.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => {
                end = at;
                break;
            }
            ')' => depth -= 1,
            ',' if depth == 0 => start = at + 1,
            _ => {}
        }
    }
    let last = inner.get(start..end)?;
    let path = last.split_once('=').map_or(last, |(_, path)| path);
    let path = path.split('(').next()?.trim();
    (!path.is_empty()).then_some(path)
}

/// A count with thousands separated: `12,345`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// A number for reading: `digits` significant digits, without trailing zeros, with an exponent where it is very
/// large or very small.
pub fn number(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    let digits = digits.max(1);
    let scientific = format!("{:.*e}", digits - 1, value);
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-5..=14).contains(&exponent) {
        return format!("{}e{exponent}", trim_zeros(mantissa));
    }
    let decimals = usize::try_from(digits as i32 - 1 - exponent).unwrap_or(0);
    let rounded: f64 = scientific.parse().unwrap_or(value);
    let plain = trim_zeros(&format!("{rounded:.decimals$}")).to_owned();
    let (sign, body) = plain.strip_prefix('-').map_or(("", plain.as_str()), |b| ("−", b));
    match body.split_once('.') {
        Some((whole, part)) => format!("{sign}{}.{part}", grouped(whole)),
        None => format!("{sign}{}", grouped(body)),
    }
}

/// A score with three decimals, as measures are usually quoted; large values fall back to [`number`].
pub fn score(value: f64) -> String {
    if value.is_finite() && value.abs() < 1000.0 && (value == 0.0 || value.abs() >= 0.0005) {
        format!("{value:.3}").replace('-', "−")
    } else {
        number(value, 4)
    }
}

/// A text as plotly.js takes it for the name of a trace, which it looks for as a part of a CSS class: what may not stand in one is written as its
/// number.
pub fn identifier(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || c == '-' || !c.is_ascii() {
            out.push(c);
        } else {
            out.push_str(&format!("_{:x}", u32::from(c)));
        }
    }
    out
}

/// `3 classes`, `1 class`.
pub fn plural(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// A name as one reads it in a sentence: cleaned and not too long. Plain text, not escaped.
pub(crate) fn quoted(raw: &str) -> String {
    shorten(&clean(raw).collect::<String>(), 60)
}

/// A percentage with one decimal: `93.2 %`.
pub fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn grouped(whole: &str) -> String {
    whole.parse::<u64>().map_or_else(
        |_| whole.to_owned(),
        |n| {
            if n < 10_000 { whole.to_owned() } else { count(n) }
        },
    )
}

/// A decimal number without the zeros at its end.
pub(crate) fn trim_zeros(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

fn clean(raw: &str) -> impl Iterator<Item = char> {
    raw.chars().filter_map(|c| match c {
        '\n' | '\r' | '\t' => Some(' '),
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}' => None,
        c if c.is_control() => None,
        c => Some(c),
    })
}

/// Strings that have broken chart libraries; the tests of every chart kind draw with them.
/// About how wide a text is, rather too wide than too narrow: what does not fit must not be taken to fit.
pub(crate) fn width(text: &str, font_size: f64) -> f64 {
    let share = |character: char| match character {
        'i' | 'j' | 'l' | 't' | 'f' | 'r' | 'I' | ' ' | '.' | ',' | ':' | ';' | '|' | '!' | '\'' | '(' | ')' | '[' | ']' => 0.38,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 0.95,
        '0'..='9' | 'A'..='Z' | '<' | '>' | '=' | '+' | '~' | '#' | '&' | '_' => 0.7,
        _ => 0.6,
    };
    text.chars().map(share).sum::<f64>() * font_size
}

#[cfg(test)]
pub(crate) const HOSTILE: &[&str] = &[
    "<script>alert(1)</script>",
    "<a href=\"javascript:alert(1)\">x</a>",
    "<img src=x onerror=alert(1)>",
    "$\\href{javascript:alert(1)}{x}$",
    "%{customdata[0]}<extra></extra>",
    "\"><svg onload=alert(1)>",
    "a & b &lt;i&gt;",
    "one\ntwo\u{0}\u{202e}three",
    "</text></svg><script>",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_parts_of_css_classes_and_tell_texts_apart() {
        assert_eq!(identifier("Iris-setosa"), "Iris-setosa");
        assert_eq!(identifier("<=50K"), "_3c_3d50K");
        assert_eq!(identifier("a,b é"), "a_2cb_20é");
        assert_ne!(identifier("a_2c"), identifier("a,"));
    }

    #[test]
    fn wide_letters_are_wide() {
        assert!(width("<=50K 37,155", 12.0) > width("little mills", 12.0));
        assert!(width("MW", 10.0) > 2.0 * width("il", 10.0));
    }
    use proptest::prelude::*;

    #[test]
    fn hostile_names_lose_their_teeth() {
        for raw in HOSTILE {
            let safe = text(raw);
            assert!(!safe.contains(['<', '>', '$', '%', '\n', '\u{0}', '\u{202e}']), "{safe}");
            let safe = xml(raw);
            assert!(!safe.contains(['<', '>', '"', '\'', '\u{0}']), "{safe}");
        }
        assert_eq!(text("a & b"), "a &amp; b");
        assert_eq!(text("&lt;i&gt;"), "&amp;lt;i&amp;gt;");
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(number(0.123_456, 3), "0.123");
        assert_eq!(number(4201.75, 5), "4201.8");
        assert_eq!(number(1_234_567.0, 7), "1,234,567");
        assert_eq!(number(-0.235_04, 2), "−0.24");
        assert_eq!(number(1e-9, 3), "1e-9");
        assert_eq!(number(f64::NAN, 3), "–");
        assert_eq!(number(1000.0, 2), "1000");
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(12), "12");
        assert_eq!(score(0.9456), "0.946");
    }

    #[test]
    fn names_are_cut_and_flows_are_short() {
        assert_eq!(shorten("abcdef", 4), "abc…");
        assert_eq!(shorten("abc", 4), "abc");
        assert_eq!(short_flow("sklearn.pipeline.Pipeline(a=b.C)(3)"), "C");
        assert_eq!(short_flow("p.Pipeline(t=c.Columns(n=o.Hot,m=s.Scale),clf=e.Forest(x=y.Z))"), "Forest");
        assert_eq!(short_flow("p.Pipeline(broken"), "broken");
        assert_eq!(short_flow("p.Pipeline()"), "Pipeline");
        assert_eq!(short_flow("weka.J48"), "J48");
        assert_eq!(short_flow("mlr"), "mlr");
        assert_eq!(short_flow("(x)"), "(x)");
    }

    proptest! {
        #[test]
        fn no_markup_survives(raw in ".*") {
            prop_assert!(!text(&raw).contains(['<', '>', '$', '%']));
            prop_assert!(!xml(&raw).contains(['<', '>', '"']));
        }
    }
}
