//! What people write, as HTML: paragraphs, links, `code`, and names of people. Nothing of it is taken for markup.

/// Text for an element's content or an attribute in double quotes.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

/// A comment's text: blocks between lines of three backticks are code, and so is what stands between single ones.
pub fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for (i, block) in text.split("```").enumerate() {
        // The part behind an opening fence that is never closed is text like any other.
        let is_code = i % 2 == 1 && i + 1 < text.split("```").count();
        if is_code {
            out.push_str("<pre><code>");
            out.push_str(&escape(block.trim_matches('\n')));
            out.push_str("</code></pre>");
        } else {
            paragraphs(block, &mut out);
        }
    }
    out
}

fn paragraphs(text: &str, out: &mut String) {
    for paragraph in text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()) {
        out.push_str("<p>");
        for (i, line) in paragraph.lines().enumerate() {
            if i > 0 {
                out.push_str("<br>");
            }
            spans(line, out);
        }
        out.push_str("</p>");
    }
}

fn spans(line: &str, out: &mut String) {
    let parts = line.split('`').collect::<Vec<_>>();
    for (i, part) in parts.iter().enumerate() {
        if i % 2 == 1 && i + 1 < parts.len() {
            out.push_str(&format!("<code>{}</code>", escape(part)));
        } else {
            if i % 2 == 1 {
                out.push('`');
            }
            words(part, out);
        }
    }
}

fn words(text: &str, out: &mut String) {
    for word in text.split_inclusive(char::is_whitespace) {
        let (bare, space) = word.split_at(word.trim_end().len());
        // A sentence's own signs do not belong to the address at its end.
        let link = bare.trim_end_matches(['.', ',', ';', ':', '!', '?', ')']);
        if link.starts_with("https://") || link.starts_with("http://") {
            let (url, rest) = (escape(link), escape(&bare[link.len()..]));
            out.push_str(&format!("<a href=\"{url}\" rel=\"noopener noreferrer nofollow ugc\" target=\"_blank\">{url}</a>{rest}"));
        } else if bare.len() > 1 && bare.starts_with('@') {
            out.push_str(&format!("<b class=\"mention\">{}</b>", escape(bare)));
        } else {
            out.push_str(&escape(bare));
        }
        out.push_str(&escape(space));
    }
}

/// Whether a text mentions somebody: `@Ada Lovelace`, or `@Ada` where the first name is enough.
pub fn mentions(text: &str, name: &str) -> bool {
    let (text, name) = (text.to_lowercase(), name.to_lowercase());
    let is_there = |name: &str| {
        text.match_indices(&format!("@{name}")).any(|(at, found)| !text[at + found.len()..].starts_with(|c: char| c.is_alphanumeric()))
    };
    !name.is_empty() && (is_there(&name) || name.split(' ').next().is_some_and(is_there))
}

/// How long ago something was, as people say it.
pub fn ago(at_ms: i64, now_ms: i64) -> String {
    let seconds = (now_ms - at_ms).max(0) / 1000;
    match seconds {
        0..60 => "just now".to_owned(),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..86_400 => format!("{} h ago", seconds / 3_600),
        86_400..604_800 => format!("{} d ago", seconds / 86_400),
        _ => crate::server::views::day(at_ms),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn links_code_and_names() {
        assert_eq!(html("a\nb\n\nc"), "<p>a<br>b</p><p>c</p>");
        assert_eq!(html("`x<1` and `"), "<p><code>x&lt;1</code> and `</p>");
        assert_eq!(html("```\nlet a = 1;\n```"), "<pre><code>let a = 1;</code></pre>");
        assert!(html("see https://example.org/a?b=1&c=2.").contains("href=\"https://example.org/a?b=1&amp;c=2\""));
        assert!(html("ask @Ada").contains("<b class=\"mention\">@Ada</b>"));
        assert_eq!(html("javascript:alert(1)"), "<p>javascript:alert(1)</p>");
    }

    #[test]
    fn who_is_mentioned() {
        assert!(mentions("what about @ada?", "Ada Lovelace") && mentions("@Ada Lovelace: look", "Ada Lovelace"));
        assert!(!mentions("@Adam", "Ada") && !mentions("Ada", "Ada") && !mentions("@", ""));
    }

    #[test]
    fn times_are_round() {
        assert_eq!(ago(0, 59_000), "just now");
        assert_eq!(ago(0, 3_599_000), "59 min ago");
        assert_eq!(ago(0, 86_399_000), "23 h ago");
        assert_eq!(ago(0, 86_400_000), "1 d ago");
        assert_eq!(ago(5, 0), "just now");
    }

    proptest! {
        /// Whatever is written, only the tags of this file come out, closed and in order.
        #[test]
        fn nothing_is_markup(text in "[a-z<>\"'&`@/:. \n]{0,60}|(https?://|```|`|@|<script>|\"|\n| ){0,12}") {
            let html = html(&text);
            let mut open = Vec::new();
            for tag in html.split('<').skip(1) {
                let (tag, _) = tag.split_once('>').expect("a whole tag");
                let name = tag.split(' ').next().unwrap_or_default();
                if let Some(closed) = name.strip_prefix('/') {
                    prop_assert_eq!(open.pop(), Some(closed));
                } else if name != "br" {
                    prop_assert!(["p", "a", "b", "code", "pre"].contains(&name), "{}", html);
                    open.push(name);
                }
            }
            prop_assert!(open.is_empty());
        }
    }
}
