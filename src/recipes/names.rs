//! Names of objects that exist only while a plan runs.

use crate::model::catalog::Catalog;
use crate::model::object::{ObjectId, Pair};

/// Returns a name for a temporary object: one that no object has in either state.
pub(crate) fn temporary_name(sides: Pair<&Catalog>, purpose: &str) -> String {
    let is_taken = |name: &str| {
        [sides.before, sides.after]
            .iter()
            .any(|side| side.objects.keys().any(|id| id.path().last().is_some_and(|part| &**part == name)))
    };
    let name = format!("schemadiff_{purpose}");
    let numbered = (1..).map(|n| format!("{name}_{n}"));
    std::iter::once(name.clone()).chain(numbered).find(|name| !is_taken(name)).unwrap_or(name)
}

/// Returns a short word for a column, different from those of columns of other tables.
pub(crate) fn column_word(column: &ObjectId, position: i32) -> String {
    let table = &column.path()[1];
    let short = table.chars().filter(char::is_ascii_alphanumeric).take(20);
    let short = short.collect::<String>().to_ascii_lowercase();
    if *short == **table {
        return format!("{short}_{position}");
    }
    let hash =
        table.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!("{short}_{hash:08x}_{position}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::KindName;

    #[test]
    fn column_words_differ_between_tables() {
        let word = |table: &str| column_word(&ObjectId::new(KindName::Column, &["public", table, "id"]), 2);
        assert_eq!(word("orders"), "orders_2");
        assert_ne!(word("user_data"), word("userdata"));
        assert!(word("ünïcödé and a name that is long enough to be cut off").len() < 40);
    }
}
