//! A column under two names: between phases an old program uses the one and a new program the other.
//!
//! The column stays, with all that hangs on it. Beside it stands another with the new name, and a trigger that gives
//! each what was written to the other. In the last phase the second one goes and the first one takes its name, in one
//! transaction that reads no row.

use crate::kinds::{Context, KindName, column, common};
use crate::model::sql::{DollarQuoted, Ident, QualifiedName, Sql};
use crate::model::{Catalog, Object, ObjectId, Pair, Rename, ShadowColumn};
use crate::recipes;
use crate::sql;

/// The twin of a renamed column, where the column can have one: that of a table by itself, whose values are written
/// and not computed. `renamed` is the start with the new names.
pub(super) fn of(rename: &Rename, renamed: &Catalog) -> Option<ShadowColumn> {
    let Pair { before, after } = &rename.object;
    let of_column = after.kind == KindName::Column && rename.value.is_none();
    let column = renamed.get(after).filter(|column| of_column && column.text("generated").is_empty())?;
    let table = renamed.parent(after)?;
    // A renamed table has a view under its old name, and in it the columns.
    let plain = table.kind == KindName::Table
        && before.path()[..2] == after.path()[..2]
        && renamed.is_plain_table(&table)
        && !column.flag("inherited");
    let word = recipes::column_word(after, column.position);
    let function = recipes::temporary_name(Pair { before: renamed, after: renamed }, &format!("copy_{word}"));
    // By its name it fires after the table's own triggers, and before what computes other columns from this one.
    let trigger = format!("zz_schemadiff_copy_{}", column.position);
    let on = |kind: KindName, name: &str| ObjectId::new(kind, &[&*after.path()[0], &*after.path()[1], name]);
    plain.then(|| ShadowColumn {
        column: after.clone(),
        original: before.clone(),
        trigger: on(KindName::Trigger, &trigger),
        function: ObjectId::new(KindName::Function, &[&*after.path()[0], &function, ""]),
    })
}

/// What makes the twin in a database where the column has its new name already: the column has its old one again.
pub(super) fn statements(shadow: &ShadowColumn, renamed: &Catalog) -> Option<Sql> {
    let column = renamed.get(&shadow.column)?;
    let on = shadow.column.on();
    let (old, new) = (Ident(shadow.original.name()), Ident(shadow.column.name()));
    let function = QualifiedName { schema: &shadow.function.path()[0], name: &shadow.function.path()[1] };
    let trigger = Ident(shadow.trigger.name());
    let mut bare = Object::new(shadow.column.clone());
    for name in ["type", "collation", "grants", "comment", "storage", "compression"] {
        if let Some(value) = column.get(name) {
            bare.set(name, value.clone());
        }
    }
    let body = format!(
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
    );
    let none = std::collections::BTreeSet::new();
    let sides = Pair { before: renamed, after: renamed };
    let attachment_steps = common::attach_all(&bare, &Context { sides, created: &none, dropped: &none });
    let mut statements = vec![
        sql!("ALTER TABLE {} RENAME COLUMN {} TO {}", on, new, old),
        sql!("ALTER TABLE {} ADD COLUMN {}", on, column::definition(&bare)),
    ];
    statements.extend(attachment_steps.iter().map(crate::model::Step::statement));
    statements.extend([
        sql!(
            "CREATE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS {}",
            function,
            DollarQuoted(&body)
        ),
        sql!(
            "CREATE TRIGGER {} BEFORE INSERT OR UPDATE ON {} FOR EACH ROW EXECUTE FUNCTION {}()",
            trigger,
            on,
            function
        ),
        sql!("ALTER TABLE {} ENABLE ALWAYS TRIGGER {}", on, trigger),
    ]);
    Some(Sql::join(&statements, "; "))
}
