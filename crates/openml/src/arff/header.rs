//! `@RELATION` and `@ATTRIBUTE`: what the columns are.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::date::Format;
use crate::error::{ParseError, counted, shown};
use crate::interner::Interner;
use crate::limits::Limits;

use super::cursor::Cursor;

#[derive(Debug)]
pub(super) struct Header<'a> {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) attributes: Vec<Attribute<'a>>,
}

#[derive(Debug)]
pub(super) struct Attribute<'a> {
    pub(super) name: String,
    pub(super) domain: Domain<'a>,
}

#[derive(Debug)]
pub(super) enum Domain<'a> {
    Numeric,
    Text,
    Date(Format),
    Nominal(Interner<'a>),
}

/// Reads up to and including the line of `@DATA`.
pub(super) fn read<'a>(cursor: &mut Cursor<'a>, limits: &Limits) -> Result<Header<'a>, ParseError> {
    let mut name = None;
    let mut comments: Vec<&str> = Vec::new();
    let mut attributes: Vec<Attribute<'a>> = Vec::new();
    let mut names = HashSet::new();
    loop {
        cursor.skip_blanks();
        let start = cursor.at;
        match cursor.peek() {
            None => return Err(cursor.error(start, "the file ends before @DATA")),
            Some(b'\n' | b'\r') => cursor.end_line(),
            Some(b'%') => {
                cursor.at += 1;
                let comment = cursor.rest_of_line();
                if name.is_none() && attributes.is_empty() {
                    comments.push(comment.strip_prefix(' ').unwrap_or(comment));
                }
            }
            Some(b'@') => {
                let keyword = cursor.until(b" \t{\"'").to_ascii_lowercase();
                match keyword.as_str() {
                    "@relation" if name.is_some() => {
                        return Err(cursor.error(start, "@RELATION is declared twice"));
                    }
                    "@relation" => name = Some(relation(cursor)?),
                    "@attribute" => {
                        if attributes.len() >= limits.columns {
                            let reason = format!("there are more than {} attributes, the limit", limits.columns);
                            return Err(cursor.error(start, reason));
                        }
                        cursor.skip_blanks();
                        let at = cursor.at;
                        let attribute = attribute(cursor)?;
                        if !names.insert(attribute.name.clone()) {
                            let reason = format!("attribute {} is declared twice", shown(&attribute.name));
                            return Err(cursor.error(at, reason));
                        }
                        attributes.push(attribute);
                    }
                    "@data" if attributes.is_empty() => {
                        return Err(cursor.error(start, "there is no @ATTRIBUTE before @DATA"));
                    }
                    "@data" => {
                        end_declaration(cursor)?;
                        return Ok(Header { name: name.unwrap_or_default(), description: comments.join("\n"), attributes });
                    }
                    _ => {
                        let reason = format!("unknown declaration {}", shown(&keyword));
                        return Err(cursor.error(start, reason));
                    }
                }
            }
            Some(_) => return Err(cursor.error(start, "expected @RELATION, @ATTRIBUTE or @DATA")),
        }
    }
}

fn relation(cursor: &mut Cursor<'_>) -> Result<String, ParseError> {
    cursor.skip_blanks();
    if matches!(cursor.peek(), Some(b'\'' | b'"')) {
        let name = cursor.quoted()?.into_owned();
        end_declaration(cursor)?;
        Ok(name)
    } else {
        Ok(cursor.rest_of_line().trim_end_matches([' ', '\t']).to_owned())
    }
}

fn attribute<'a>(cursor: &mut Cursor<'a>) -> Result<Attribute<'a>, ParseError> {
    let at = cursor.at;
    let name = match cursor.peek() {
        Some(b'\'' | b'"') => cursor.quoted()?.into_owned(),
        _ => cursor.until(b" \t{").to_owned(),
    };
    if name.is_empty() {
        return Err(cursor.error(at, "the attribute has no name"));
    }
    cursor.skip_blanks();
    let domain = domain(cursor, &name)?;
    end_declaration(cursor)?;
    Ok(Attribute { name, domain })
}

fn domain<'a>(cursor: &mut Cursor<'a>, name: &str) -> Result<Domain<'a>, ParseError> {
    let at = cursor.at;
    if cursor.peek() == Some(b'{') {
        return levels(cursor).map(Domain::Nominal);
    }
    let keyword = cursor.until(b" \t%[");
    match keyword.to_ascii_lowercase().as_str() {
        "numeric" | "real" | "integer" => {
            cursor.skip_blanks();
            // Some tools declare the range of a number here.
            if cursor.peek() == Some(b'[') {
                cursor.until(b"]");
                if cursor.peek() != Some(b']') {
                    return Err(cursor.error(at, "the range of the attribute is not closed"));
                }
                cursor.at += 1;
            }
            Ok(Domain::Numeric)
        }
        "string" => Ok(Domain::Text),
        "date" => {
            cursor.skip_blanks();
            let at = cursor.at;
            let pattern = match cursor.peek() {
                Some(b'\'' | b'"') => cursor.quoted()?,
                _ => Cow::Borrowed(cursor.until(b"%")),
            };
            if pattern.is_empty() {
                return Ok(Domain::Date(Format::default()));
            }
            Format::new(&pattern).map(Domain::Date).map_err(|error| cursor.error(at, error.to_string()))
        }
        "relational" => Err(cursor.error(at, "relational attributes are not supported")),
        "" => Err(cursor.error(at, format!("attribute {} has no type", shown(name)))),
        _ => {
            let reason = format!("unknown type {} of attribute {}", shown(keyword), shown(name));
            Err(cursor.error(at, reason))
        }
    }
}

/// `{a, 'b c', d}`, with the head on the brace.
fn levels<'a>(cursor: &mut Cursor<'a>) -> Result<Interner<'a>, ParseError> {
    let opened = cursor.at;
    let mut levels = Interner::default();
    cursor.at += 1;
    cursor.skip_blanks();
    if cursor.peek() == Some(b'}') {
        cursor.at += 1;
        return Ok(levels);
    }
    loop {
        cursor.skip_blanks();
        let at = cursor.at;
        let level = match cursor.peek() {
            Some(b'\'' | b'"') => cursor.quoted()?,
            _ => {
                let level = cursor.until(b",}");
                if level.is_empty() && !cursor.is_line_end() {
                    return Err(cursor.error(at, "a declared value is empty"));
                }
                Cow::Borrowed(level)
            }
        };
        cursor.skip_blanks();
        let next = cursor.peek();
        if cursor.is_line_end() {
            return Err(cursor.error(opened, "the list of values opened here is not closed on this line"));
        }
        let (_, new) = levels.intern(level.clone());
        if !new {
            return Err(cursor.error(at, format!("value {} is declared twice", shown(&level))));
        }
        match next {
            Some(b',') => cursor.at += 1,
            Some(b'}') => {
                cursor.at += 1;
                return Ok(levels);
            }
            _ => {
                let reason = format!("expected a comma or a brace after {}", counted(levels.len(), "value"));
                return Err(cursor.error(cursor.at, reason));
            }
        }
    }
}

/// Nothing but a comment may follow.
fn end_declaration(cursor: &mut Cursor<'_>) -> Result<(), ParseError> {
    cursor.skip_blanks();
    if !cursor.is_line_end() && cursor.peek() != Some(b'%') {
        let at = cursor.at;
        let rest = cursor.rest_of_line();
        return Err(cursor.error(at, format!("{} is not expected here", shown(rest))));
    }
    cursor.rest_of_line();
    Ok(())
}
