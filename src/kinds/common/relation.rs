//! The relation that an object is part of.

use crate::model::ObjectId;
use crate::model::kind::{Context, KindName};

/// The table that the object is part of.
pub fn table_of(id: &ObjectId) -> ObjectId {
    ObjectId::new(KindName::Table, &id.path()[..2])
}

/// The relation that the object is part of, in the state after the plan or else before it.
pub fn relation_of(id: &ObjectId, context: &Context) -> ObjectId {
    let sides = context.sides;
    sides.after.parent(id).or_else(|| sides.before.parent(id)).unwrap_or_else(|| table_of(id))
}
