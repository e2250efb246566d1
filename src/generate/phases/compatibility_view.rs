//! A view under the old name of a table, for the old version of a program.

use crate::kinds::KindName;
use crate::kinds::common::OWNER_GRANTEE;
use crate::model::sql::{Ident, RoleName, Sql};
use crate::model::{AttributeName, Catalog, Object, PgVersion, Rename, Value};
use crate::sql;

/// Returns the statements that create a view under the old name of a table, with the old names of its columns. The
/// catalog has the new names.
///
/// Before PostgreSQL 15 there is no `security_invoker`: a view shows rows that the policies of the table hide. A table
/// with row-level security then has no view.
pub(super) fn statements(rename: &Rename, renames: &[Rename], catalog: &Catalog) -> Option<Sql> {
    let (old, new) = (&rename.object.before, &rename.object.after);
    let table =
        catalog.get(new).filter(|table| table.id.kind == KindName::Table && rename.value.is_none())?;
    let security_invoker = catalog.version >= PgVersion::V15;
    if table.flag(AttributeName::ROW_SECURITY) && !security_invoker {
        return None;
    }
    let old_name = |column: &Object| {
        let rename = renames.iter().find(|rename| rename.object.after == column.id);
        rename.map_or(column.id.name(), |rename| rename.object.before.name()).to_owned()
    };
    let columns: Vec<Sql> = catalog
        .children(new)
        .filter(|part| part.id.kind == KindName::Column && !part.flag(AttributeName::SYSTEM))
        .map(|column| sql!("{} AS {}", Ident(column.id.name()), Ident(&old_name(column))))
        .collect();
    let options = Sql::trusted(if security_invoker { " WITH (security_invoker)" } else { "" });
    let list = Sql::join(&columns, ", ");
    let view = old.qualified();
    let mut statements =
        vec![sql!("CREATE VIEW {}{} AS SELECT {} FROM {}", view, options, list, new.qualified())];
    for (role, privileges) in
        table.map(AttributeName::GRANTS).iter().filter(|(role, _)| role != OWNER_GRANTEE)
    {
        let Value::List(granted) = privileges else { continue };
        let is_granted =
            |name: &&str| granted.iter().any(|privilege| privilege.trim_end_matches('*') == *name);
        let privileges = ["SELECT", "INSERT", "UPDATE", "DELETE"].into_iter().filter(is_granted);
        statements.extend(
            privileges.map(|name| sql!("GRANT {} ON {} TO {}", Sql::trusted(name), view, RoleName(role))),
        );
    }
    Some(Sql::join(&statements, "; "))
}
