//! Owners of objects.

use super::phase::contract_if_existing;
use crate::model::kind::{Alteration, Attribute, AttributeName, Context, ValueType};
use crate::model::sql::Ident;
use crate::model::{Object, Pair, Step};
use crate::sql;

/// The owner of an object.
pub const OWNER: Attribute = owner_by(&Alteration { name: "owner", steps: owner_steps });

/// The owner, changed by an alteration of the kind.
pub const fn owner_by(alteration: &'static Alteration) -> Attribute {
    Attribute::attached(AttributeName::OWNER, ValueType::Role, alteration)
        .unmanaged_if_unset()
        .doc("Role that owns the object; by default, the role that runs the migration.")
}

/// `ALTER … OWNER TO`, if an owner is declared.
#[allow(clippy::unnecessary_wraps)]
pub fn owner_steps(object: Pair<&Object>, context: &Context) -> Option<Vec<Step>> {
    let owner = object.after.text(AttributeName::OWNER);
    if owner.is_empty() {
        return Some(Vec::new());
    }
    let reference = (object.after.id.kind.get().reference)(object.after);
    let step = Step::attach(&object.after.id, sql!("ALTER {} OWNER TO {}", reference, Ident(owner)));
    Some(vec![contract_if_existing(step, context)])
}

/// The column of a query for the owner, whose OID is given as SQL.
pub fn owner_column(owner: &str) -> String {
    format!("pg_get_userbyid({owner})")
}
