//! Comments on objects (`pg_description`).

use crate::model::Step;
use crate::model::kind::{Alteration, Attribute, AttributeName, ValueType};
use crate::model::sql::{Literal, Sql};
use crate::sql;

attribute_names! {
    COMMENT = "comment",
}

/// The comment on an object. The reader queries `pg_description` once for all kinds.
pub const COMMENT: Attribute = Attribute::attached(
    AttributeName::COMMENT,
    ValueType::Text,
    &Alteration {
        name: "comment",
        steps: |object, _| {
            let reference = (object.after.id.kind.get().reference)(object.after);
            Some(vec![Step::attach(
                &object.after.id,
                comment(&reference, object.after.text(AttributeName::COMMENT)),
            )])
        },
    },
)
.doc("Comment on the object.");

/// `COMMENT ON …`; an empty text removes the comment.
pub fn comment(reference: &Sql, text: &str) -> Sql {
    if text.is_empty() {
        sql!("COMMENT ON {} IS NULL", reference)
    } else {
        sql!("COMMENT ON {} IS {}", reference, Literal(text))
    }
}
