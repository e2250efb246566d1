//! Dependencies of a view's query that the server does not record.

use crate::model::kind::KindName;
use crate::model::{Catalog, DependencyKind, ObjectId};

/// Returns the operator classes that contain the operators of a query, because `ORDER BY` needs them.
pub fn ordering_classes(query: &ObjectId, catalog: &Catalog) -> Vec<(ObjectId, DependencyKind)> {
    let operators = catalog.dependencies_of(query).filter(|(id, _)| id.kind == KindName::Operator);
    let users = operators.flat_map(|(operator, _)| catalog.dependents_of(operator));
    let classes = users.filter(|(user, _)| user.kind == KindName::OperatorClass);
    classes.map(|(class, _)| (class.clone(), DependencyKind::Normal)).collect()
}
