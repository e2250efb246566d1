//! Hides passwords in the text of the configuration, which messages quote.

/// Replaces the passwords in addresses with asterisks, one for each byte, so that places in the text stay valid.
pub(super) fn mask_passwords(text: &str) -> String {
    let mut out = text.to_owned();
    let mut mask = |start: usize, end: usize| {
        if start < end && !text[start..end].starts_with("${") {
            out.replace_range(start..end, &"*".repeat(end - start));
        }
    };
    let ends = |c: char| c.is_whitespace() || "\"'{},#".contains(c);
    for (at, scheme) in text.match_indices("://") {
        let start = at + scheme.len();
        let word = text[start..].split(ends).next().unwrap_or_default();
        if let Some((login, _)) = word.rsplit_once('@')
            && let Some((user, _)) = login.split_once(':')
        {
            mask(start + user.len() + 1, start + login.len());
        }
    }
    for (at, key) in text.match_indices("password=") {
        let start = at + key.len();
        mask(start, start + text[start..].split(ends).next().unwrap_or_default().len());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::mask_passwords;

    #[test]
    fn passwords_are_masked() {
        let text = "a: postgres://u:se@cret@h/d?password=x y, \"host=h password=öö\" postgres://u:${P}@h";
        let masked = mask_passwords(text);
        assert_eq!(masked.len(), text.len());
        assert_eq!(
            masked,
            "a: postgres://u:*******@h/d?password=* y, \"host=h password=****\" postgres://u:${P}@h"
        );
    }
}
