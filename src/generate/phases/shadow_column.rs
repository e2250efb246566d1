//! Shadow columns: a renamed column has both names between the phases, for the old and the new version of a program.
//!
//! The column itself keeps its old name, with all that depends on it. A second column has the new name, and a trigger
//! copies what is written to one of them to the other. In the last phase, the second column is dropped and the first
//! is renamed, in one transaction that reads no row.

use std::collections::BTreeSet;

use crate::kinds::{Context, KindName, column, common};
use crate::model::sql::{DollarQuoted, Ident, QualifiedName, Sql};
use crate::model::{AttributeName, Catalog, Object, ObjectId, Pair, Rename, ShadowColumn, Step};
use crate::recipes;
use crate::sql;

/// Returns the shadow column of a renamed column, if it can have one: its table is neither renamed nor partitioned and has
/// no parents or children, and the column is not generated. `catalog` is the start under the new names.
pub(super) fn of(rename: &Rename, catalog: &Catalog) -> Option<ShadowColumn> {
    let Pair { before, after } = &rename.object;
    let is_column = after.kind == KindName::Column && rename.value.is_none();
    let column =
        catalog.get(after).filter(|column| is_column && column.text(AttributeName::GENERATED).is_empty())?;
    let table = catalog.parent(after)?;
    // The view under the old name of a renamed table has the old names of the columns.
    let is_possible = table.kind == KindName::Table
        && before.path()[..2] == after.path()[..2]
        && catalog.is_plain_table(&table)
        && !column.flag(AttributeName::INHERITED);
    let word = recipes::column_word(after, column.position);
    let sides = Pair { before: catalog, after: catalog };
    let function = recipes::temporary_name(sides, &format!("copy_{word}"));
    // Triggers fire in the order of their names: this one after the table's own.
    let trigger = format!("zz_schemadiff_copy_{}", column.position);
    let on_table =
        |kind: KindName, name: &str| ObjectId::new(kind, &[&*after.path()[0], &*after.path()[1], name]);
    is_possible.then(|| ShadowColumn {
        column: after.clone(),
        original: before.clone(),
        trigger: on_table(KindName::Trigger, &trigger),
        function: ObjectId::new(KindName::Function, &[&*after.path()[0], &function, ""]),
    })
}

/// Returns the statements that add the shadow column. The column has its new name before, and its old name after them.
pub(super) fn statements(shadow: &ShadowColumn, catalog: &Catalog) -> Option<Sql> {
    let column = catalog.get(&shadow.column)?;
    let table = shadow.column.qualified_relation();
    let (old, new) = (Ident(shadow.original.name()), Ident(shadow.column.name()));
    let function = QualifiedName { schema: &shadow.function.path()[0], name: &shadow.function.path()[1] };
    let trigger = Ident(shadow.trigger.name());
    let body = trigger_body(old, new);
    let bare = without_constraints(column);
    let none = BTreeSet::new();
    let sides = Pair { before: catalog, after: catalog };
    let attachment_steps = common::attach_all(&bare, &Context { sides, created: &none, dropped: &none });
    let mut statements = vec![
        sql!("ALTER TABLE {} RENAME COLUMN {} TO {}", table, new, old),
        sql!("ALTER TABLE {} ADD COLUMN {}", table, column::definition(&bare)),
    ];
    statements.extend(attachment_steps.iter().map(Step::statement));
    statements.extend([
        sql!(
            "CREATE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS {}",
            function,
            DollarQuoted(&body)
        ),
        sql!(
            "CREATE TRIGGER {} BEFORE INSERT OR UPDATE ON {} FOR EACH ROW EXECUTE FUNCTION {}()",
            trigger,
            table,
            function
        ),
        sql!("ALTER TABLE {} ENABLE ALWAYS TRIGGER {}", table, trigger),
    ]);
    Some(Sql::join(&statements, "; "))
}

/// Returns a column without NOT NULL, default and identity.
fn without_constraints(column: &Object) -> Object {
    let mut bare = Object::new(column.id.clone());
    for name in [
        AttributeName::TYPE,
        AttributeName::COLLATION,
        AttributeName::GRANTS,
        AttributeName::COMMENT,
        AttributeName::STORAGE,
        AttributeName::COMPRESSION,
    ] {
        if let Some(value) = column.get(name) {
            bare.set(name, value.clone());
        }
    }
    bare
}

/// Returns the body of the trigger function that copies a new value to the other column.
fn trigger_body(old: Ident, new: Ident) -> String {
    format!(
        "
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.{new} IS NOT DISTINCT FROM NULL THEN
            NEW.{new} := NEW.{old};
        ELSE
            NEW.{old} := NEW.{new};
        END IF;
    ELSIF ROW(NEW.{new})::record OPERATOR(pg_catalog.*<>) ROW(OLD.{new})::record THEN
        NEW.{old} := NEW.{new};
    ELSE
        NEW.{new} := NEW.{old};
    END IF;
    RETURN NEW;
END
",
        old = sql!("{}", old),
        new = sql!("{}", new),
    )
}
