//! Default names of constraints and indexes, and names in SQL.

use crate::kinds::KindName;

/// The maximum length of a name: `NAMEDATALEN` - 1.
pub(crate) const NAME_BYTES: usize = 63;

/// Returns the default name of a constraint or index, such as `orders_pkey`.
///
/// As in `makeObjectName`, the longer of table and column is truncated first. Unlike the server, this never appends a
/// number, so the name does not depend on other objects.
pub(crate) fn default_name(kind: KindName, table: &str, column: Option<&str>) -> Option<String> {
    let suffix = kind.get().default_name_suffix?;
    let column = column.unwrap_or_default();
    let overhead = suffix.len() + 1 + usize::from(!column.is_empty());
    let (mut first, mut second) = (table.len(), column.len());
    while first + second > NAME_BYTES - overhead {
        if first > second { first -= 1 } else { second -= 1 }
    }
    // Never cut inside a character.
    let (table, column) =
        (&table[..table.floor_char_boundary(first)], &column[..column.floor_char_boundary(second)]);
    let middle = if column.is_empty() { String::new() } else { format!("_{column}") };
    Some(format!("{table}{middle}_{suffix}"))
}

/// Splits the key of a routine into its name and the argument types in parentheses at its end. It is scanned from the
/// end because the name can be any text.
pub(crate) fn split_routine(key: &str) -> Option<(&str, &str)> {
    let inside = key.strip_suffix(')')?;
    let (mut level, mut quoted) = (1_u32, false);
    for (i, c) in inside.char_indices().rev() {
        match c {
            '"' => quoted = !quoted,
            ')' if !quoted => level += 1,
            '(' if !quoted => level -= 1,
            _ => {}
        }
        if level == 0 {
            return Some((&key[..i], inside[i + 1..].trim()));
        }
    }
    None
}

/// Reads an SQL identifier at the start of a text and returns it with the rest.
pub(crate) fn leading_name(text: &str) -> Option<(String, &str)> {
    if let Some(rest) = text.strip_prefix('"') {
        let mut name = String::new();
        let mut characters = rest.char_indices().peekable();
        while let Some((i, c)) = characters.next() {
            if c != '"' {
                name.push(c);
            } else if characters.next_if(|(_, next)| *next == '"').is_some() {
                name.push('"');
            } else {
                return (!name.is_empty()).then(|| (name, &rest[i + 1..]));
            }
        }
        return None;
    }
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(text.len());
    let word = &text[..end];
    let valid_start = word.starts_with(|c: char| c.is_alphabetic() || c == '_');
    valid_start.then(|| (word.to_ascii_lowercase(), &text[end..]))
}

/// Reads a comma-separated list of SQL identifiers.
pub(crate) fn name_list(text: &str) -> Option<Vec<String>> {
    let (mut names, mut rest) = (Vec::new(), text.trim());
    loop {
        let (name, tail) = leading_name(rest)?;
        names.push(name);
        let tail = tail.trim_start();
        if tail.is_empty() {
            return Some(names);
        }
        rest = tail.strip_prefix(',')?.trim_start();
    }
}

/// Splits a reference such as `shop.customer(id, "Key")` into the table, in SQL, and the columns, which are optional.
pub(crate) fn split_reference(text: &str) -> Option<(String, Vec<String>)> {
    let text = text.trim();
    let (_, mut rest) = leading_name(text)?;
    if let Some(tail) = rest.strip_prefix('.') {
        rest = leading_name(tail)?.1;
    }
    let table = text[..text.len() - rest.len()].to_owned();
    let rest = rest.trim();
    if rest.is_empty() {
        return Some((table, Vec::new()));
    }
    let columns = rest.strip_prefix('(')?.strip_suffix(')')?;
    Some((table, name_list(columns)?))
}

/// Returns the schema and name of a relation, given a qualified name in SQL.
pub(super) fn path_of(text: &str) -> Option<[String; 2]> {
    let (schema, rest) = leading_name(text)?;
    let (name, rest) = leading_name(rest.strip_prefix('.')?)?;
    rest.is_empty().then_some([schema, name])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_names_are_truncated_as_in_the_server() {
        let name = |table: &str, column| default_name(KindName::Unique, table, column).unwrap();
        assert_eq!(name("t", Some("a")), "t_a_key");
        let (long, longer) = ("a".repeat(40), "b".repeat(50));
        let truncated = name(&long, Some(&longer));
        assert_eq!(truncated.len(), 63);
        assert_eq!(truncated, format!("{}_{}_key", "a".repeat(29), "b".repeat(29)));
        // 21 letters of three bytes each; the cut falls inside one.
        assert_eq!(
            default_name(KindName::PrimaryKey, &"あ".repeat(21), None).unwrap(),
            "あ".repeat(19) + "_pkey"
        );
        assert_eq!(default_name(KindName::Policy, "t", None), None);
    }

    #[test]
    fn routines_are_split_at_the_last_parentheses() {
        assert_eq!(split_routine("slug(text)"), Some(("slug", "text")));
        assert_eq!(split_routine("f()"), Some(("f", "")));
        let odd = "a (b)\"c(numeric(10,2), \"x)(y\".\"q\"\"(\"[])";
        assert_eq!(split_routine(odd), Some(("a (b)\"c", "numeric(10,2), \"x)(y\".\"q\"\"(\"[]")));
        assert_eq!(split_routine("slug"), None);
        assert_eq!(split_routine("slug)"), None);
    }

    #[test]
    fn references_are_split() {
        let both = |table: &str, columns: &[&str]| {
            Some((table.to_owned(), columns.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>()))
        };
        assert_eq!(split_reference("shop.customer(ID, \"I d\")"), both("shop.customer", &["id", "I d"]));
        assert_eq!(split_reference("\"a.b\".\"c(\""), both("\"a.b\".\"c(\"", &[]));
        assert_eq!(split_reference("a.b.c"), None);
        assert_eq!(split_reference("a()"), None);
    }
}
