//! Access control lists in the text format of `aclitem` (manual, section 5.8).

use super::array;
use crate::kinds::common::{OWNER_BY_NAME, OWNER_GRANTEE, grantor_suffix};
use crate::model::Value;

/// A privilege of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    /// The role, or empty for PUBLIC.
    grantee: String,
    grantor: String,
    privilege: String,
    /// Whether it has the grant option.
    grant_option: bool,
}

/// Returns the privileges that differ from the default ones, by role, given a value of
/// [`crate::kinds::common::grants_column`]. A default privilege that is missing is prefixed with `-`.
pub(super) fn grants(text: &str) -> Vec<(String, Value)> {
    let parts = array::elements(text);
    let part = |i: usize| parts.get(i).map_or("", String::as_str);
    let (owner, actual, default) = (part(0), entries(part(1)), entries(part(2)));
    let by_name = part(3) == OWNER_BY_NAME;
    let mut roles: Vec<(String, Vec<String>)> = Vec::new();
    let mut add = |sign: &str, entry: &Entry, grant_option: bool| {
        let role = match entry.grantee.as_str() {
            "" => "public",
            role if role == owner && (!by_name || sign == "-") => OWNER_GRANTEE,
            role => role,
        };
        let by = if entry.grantor == owner { String::new() } else { grantor_suffix(&entry.grantor) };
        let privilege = format!("{sign}{}{}{by}", entry.privilege, if grant_option { "*" } else { "" });
        match roles.iter_mut().find(|(name, _)| name == role) {
            Some((_, list)) => list.push(privilege),
            None => roles.push((role.to_owned(), vec![privilege])),
        }
    };
    for entry in actual.iter().filter(|entry| !default.contains(entry)) {
        add("", entry, entry.grant_option);
    }
    let same = |one: &Entry, other: &Entry| {
        (&one.grantee, &one.grantor, &one.privilege) == (&other.grantee, &other.grantor, &other.privilege)
    };
    for entry in default.iter().filter(|entry| !actual.iter().any(|other| same(entry, other))) {
        add("-", entry, false);
    }
    for (_, list) in &mut roles {
        list.sort();
        list.dedup();
        // A privilege with the grant option subsumes the same one without it, which another grantor may have granted.
        let with_option: Vec<String> =
            list.iter().filter_map(|p| p.strip_suffix('*').map(str::to_owned)).collect();
        list.retain(|p| {
            !with_option.contains(p)
                && !p.strip_prefix('-').is_some_and(|p| with_option.iter().any(|s| s == p))
        });
    }
    roles.sort();
    roles.into_iter().map(|(role, list)| (role, Value::List(list))).collect()
}

/// Reads an array of `aclitem`.
fn entries(list: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    for item in array::elements(list) {
        let (grantee, rest) = role(&item, '=');
        let (letters, grantor) = rest.split_once('/').unwrap_or((rest, ""));
        let (grantor, _) = role(grantor, '\0');
        let mut letters = letters.chars().peekable();
        while let Some(letter) = letters.next() {
            entries.push(Entry {
                grantee: grantee.clone(),
                grantor: grantor.clone(),
                privilege: privilege(letter),
                grant_option: letters.next_if_eq(&'*').is_some(),
            });
        }
    }
    entries
}

/// Reads the name of a role, which may be quoted, at the start of a text, and returns it with the text after the
/// character that ends it.
fn role(text: &str, end: char) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (name, rest) = text.split_once(end).unwrap_or((text, ""));
        return (name.to_owned(), rest);
    };
    let mut name = String::new();
    let mut characters = quoted.char_indices().peekable();
    while let Some((i, c)) = characters.next() {
        if c != '"' {
            name.push(c);
        } else if characters.next_if(|(_, next)| *next == '"').is_some() {
            name.push('"');
        } else {
            let rest = &quoted[i + 1..];
            return (name, rest.strip_prefix(end).unwrap_or(rest));
        }
    }
    (name, "")
}

/// Returns the keyword of a privilege's letter (manual, table 5.1).
fn privilege(letter: char) -> String {
    let word = match letter {
        'a' => "INSERT",
        'r' => "SELECT",
        'w' => "UPDATE",
        'd' => "DELETE",
        'D' => "TRUNCATE",
        'x' => "REFERENCES",
        't' => "TRIGGER",
        'X' => "EXECUTE",
        'U' => "USAGE",
        'C' => "CREATE",
        'T' => "TEMPORARY",
        'c' => "CONNECT",
        's' => "SET",
        'A' => "ALTER SYSTEM",
        'm' => "MAINTAIN",
        // A privilege of a newer server: not valid in a statement, so it cannot go unnoticed.
        other => return format!("privilege {other}"),
    };
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::grants;
    use crate::model::Value;

    fn list(words: &[&str]) -> Value {
        Value::List(words.iter().map(|word| (*word).to_owned()).collect())
    }

    #[test]
    fn differences_from_the_default_are_listed_by_role() {
        let text = r#"{own,"{own=arwd/own,\"\\\"a \\\"\\\" b\\\"=r*w/own\",=r/other}","{own=arwdD/own}"}"#;
        assert_eq!(
            grants(text),
            [
                ("$owner".to_owned(), list(&["-TRUNCATE"])),
                ("a \" b".to_owned(), list(&["SELECT*", "UPDATE"])),
                ("public".to_owned(), list(&["SELECT by other"])),
            ]
        );
    }

    #[test]
    fn grant_option_of_the_owner_is_not_a_revoked_privilege() {
        assert_eq!(grants("{o,\"{o=r*/o}\",\"{o=r/o}\"}"), [("$owner".to_owned(), list(&["SELECT*"]))]);
        assert_eq!(grants("{o,\"{}\",\"{o=U/o}\"}"), [("$owner".to_owned(), list(&["-USAGE"]))]);
        assert_eq!(grants("{o,\"{a=U/o}\",NULL}"), [("a".to_owned(), list(&["USAGE"]))]);
    }
}
