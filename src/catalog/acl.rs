//! Access control lists as the server writes them (`aclitem`; manual, section 5.8).

use super::array;
use crate::kinds::common::{OWNER_BY_NAME, OWNER_GRANTEE, grantor_suffix};
use crate::model::Value;

/// A privilege of one role.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    /// Empty for all roles.
    grantee: String,
    grantor: String,
    privilege: String,
    /// Whether it can be passed on.
    option: bool,
}

/// The privileges of [`crate::kinds::common::grants_column`] that differ from the usual ones, by role.
pub(super) fn grants(text: &str) -> Vec<(String, Value)> {
    let parts = array::elements(text);
    let part = |i: usize| parts.get(i).map_or("", String::as_str);
    let (owner, has, usual) = (part(0), entries(part(1)), entries(part(2)));
    let by_name = part(3) == OWNER_BY_NAME;
    let mut roles: Vec<(String, Vec<String>)> = Vec::new();
    let mut note = |sign: &str, entry: &Entry, option: bool| {
        let role = match entry.grantee.as_str() {
            "" => "public",
            role if role == owner && (!by_name || sign == "-") => OWNER_GRANTEE,
            role => role,
        };
        let by = if entry.grantor == owner { String::new() } else { grantor_suffix(&entry.grantor) };
        let privilege = format!("{sign}{}{}{by}", entry.privilege, if option { "*" } else { "" });
        match roles.iter_mut().find(|(name, _)| name == role) {
            Some((_, list)) => list.push(privilege),
            None => roles.push((role.to_owned(), vec![privilege])),
        }
    };
    for entry in has.iter().filter(|entry| !usual.contains(entry)) {
        note("", entry, entry.option);
    }
    let same = |one: &Entry, other: &Entry| {
        (&one.grantee, &one.grantor, &one.privilege) == (&other.grantee, &other.grantor, &other.privilege)
    };
    for entry in usual.iter().filter(|entry| !has.iter().any(|other| same(entry, other))) {
        note("-", entry, false);
    }
    for (_, list) in &mut roles {
        list.sort();
        list.dedup();
        // One that can be passed on and the same by another grantor, plain.
        let strong: Vec<String> =
            list.iter().filter_map(|p| p.strip_suffix('*').map(str::to_owned)).collect();
        list.retain(|p| {
            !strong.contains(p) && !p.strip_prefix('-').is_some_and(|p| strong.iter().any(|s| s == p))
        });
    }
    roles.sort();
    roles.into_iter().map(|(role, list)| (role, Value::List(list))).collect()
}

/// The privileges of an array of `aclitem`.
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
                option: letters.next_if_eq(&'*').is_some(),
            });
        }
    }
    entries
}

/// A role's name at the head of a text, and what follows the character that ends it. One of other characters than
/// letters, digits and `_` is in quotes.
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

/// The word for a letter (manual, table 5.1).
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
        // A server newer than this list: a word that no statement takes, so that it cannot pass unseen.
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
    fn what_differs_from_the_usual_is_told_by_role() {
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
    fn an_owner_who_may_pass_on_is_not_one_who_lost() {
        assert_eq!(grants("{o,\"{o=r*/o}\",\"{o=r/o}\"}"), [("$owner".to_owned(), list(&["SELECT*"]))]);
        assert_eq!(grants("{o,\"{}\",\"{o=U/o}\"}"), [("$owner".to_owned(), list(&["-USAGE"]))]);
        assert_eq!(grants("{o,\"{a=U/o}\",NULL}"), [("a".to_owned(), list(&["USAGE"]))]);
    }
}
