//! Array literals in the server's text format (manual, section 8.15.6).

/// Returns the elements of a one-dimensional array of strings. NULL becomes an empty string.
pub(super) fn elements(literal: &str) -> Vec<String> {
    let Some(inside) = literal.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
        return Vec::new();
    };
    if inside.is_empty() {
        return Vec::new();
    }
    let (mut list, mut element, mut quoted, mut was_quoted) = (Vec::new(), String::new(), false, false);
    let mut characters = inside.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => element.extend(characters.next()),
            '"' => {
                quoted = !quoted;
                was_quoted = true;
            }
            ',' if !quoted => push(&mut list, &mut element, &mut was_quoted),
            c => element.push(c),
        }
    }
    push(&mut list, &mut element, &mut was_quoted);
    list
}

fn push(list: &mut Vec<String>, element: &mut String, was_quoted: &mut bool) {
    let text = std::mem::take(element);
    list.push(if !*was_quoted && text == "NULL" { String::new() } else { text });
    *was_quoted = false;
}

#[cfg(test)]
mod tests {
    use super::elements;

    #[test]
    fn elements_are_unquoted() {
        assert_eq!(
            elements(r#"{a,"b c","d\"e\\f","",NULL,"NULL"}"#),
            ["a", "b c", "d\"e\\f", "", "", "NULL"]
        );
        assert!(elements("{}").is_empty());
    }
}
