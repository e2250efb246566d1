//! NOT NULL, which is a mark of the column and since 18 a constraint with a name.

use super::not_null_name::not_null_name;
use super::statement::alter_column;
use super::identity::is_freed_of_not_null;
use super::inherited::{follows_parent, parents_columns};
use crate::kinds::common::{comment, table_of};
use crate::model::kind::{Alteration, KindName};
use crate::model::sql::{Ident, Sql};
use crate::model::{Hazard, LockMode, Object, ObjectId, Pair, PgVersion, Step};
use crate::sql;

/// The constraint with its name and its marks.
pub(super) static NOT_NULL: Alteration = Alteration {
    name: "not null",
    steps: |column, context| {
        if follows_parent(column, "not_null", context) {
            return Some(Vec::new());
        }
        // What a parent gives and takes reaches the children by itself.
        let (before, after) = (column.before, column.after);
        let given = after.flag("not_null_inherited") || !after.flag("not_null") && before.flag("not_null_inherited");
        let partition = ObjectId::new(KindName::Partition, &after.id.path()[..2]);
        let moves = context.is_new(&partition) || context.dropped.contains(&partition);
        if given && !moves && (!before.flag("not_null") || before.flag("not_null_inherited")) {
            // One that a parent keeps for itself from now on stays with the children as their own.
            let kept = |id: &ObjectId| context.sides.after.get(id).is_some_and(|parent| parent.flag("not_null"));
            let parent = parents_columns(after, context.sides.after).into_iter().find(kept);
            let step = |parent| alter_column(after, &sql!("DROP NOT NULL")).requires(parent);
            let left = parent.filter(|_| !after.flag("not_null")).map(step);
            return Some(left.into_iter().collect());
        }
        if is_freed_of_not_null(column) {
            return Some(Vec::new());
        }
        if column.before.flag("not_null") && column.after.flag("not_null") {
            return Some(changes(column));
        }
        let plain = ["not_null_name", "not_null_no_inherit", "not_null_not_valid"];
        if after.flag("not_null") && plain.iter().any(|name| after.get(name).is_some()) {
            return Some(vec![add(column.after)]);
        }
        if column.after.flag("not_null") {
            let step = alter_column(column.after, &sql!("SET NOT NULL"));
            return Some(vec![step.hazard(Hazard::Scan(format!("scans the table of {}", column.after.id)))]);
        }
        Some(vec![alter_column(column.after, &sql!("DROP NOT NULL"))])
    },
};

/// The comment on it.
pub(super) static NOT_NULL_COMMENT: Alteration = Alteration {
    name: "not null comment",
    steps: |column, _| {
        // It goes with the constraint.
        let stays = column.after.flag("not_null");
        Some(if stays { vec![comment_on(column.after)] } else { Vec::new() })
    },
};

/// Columns about the NOT NULL constraint, and the join that gives it. Before 18 there is but a mark.
pub(super) fn columns(version: PgVersion) -> (&'static str, &'static str) {
    if !version.since(18) {
        let none = "NULL::name AS not_null_name, false AS not_null_no_inherit, \
             false AS not_null_not_valid, false AS not_null_inherited, NULL::text AS not_null_comment";
        return (none, "");
    }
    // A name that had to be shortened is taken for one that was made, unless a comment needs it. So is one that was
    // made before the table or column was renamed, where there are children: they may have it under other names, and
    // then the server cannot rename it (`ALTER TABLE … RENAME CONSTRAINT` goes by name through all of them).
    (
        "CASE WHEN k.conislocal AND k.conname <> c.relname || '_' || a.attname || '_not_null' \
         AND (length(c.relname || a.attname) < 54 AND NOT (k.conname ~ '_not_null$' \
         AND EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = c.oid)) OR kd.description IS NOT NULL) THEN k.conname END AS not_null_name, \
         k.connoinherit AS not_null_no_inherit, NOT k.convalidated AND k.conislocal AS not_null_not_valid, \
         NOT k.conislocal AS not_null_inherited, kd.description AS not_null_comment",
        "LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'n' AND k.conkey[1] = a.attnum \
         LEFT JOIN pg_description kd ON kd.classoid = 'pg_constraint'::regclass AND kd.objoid = k.oid",
    )
}

/// Adds the NOT NULL constraint by itself, which alone can say that it is not valid.
pub(super) fn add(column: &Object) -> Step {
    let (table, name) = (column.id.on(), not_null_name(column));
    let mut sql = sql!("ALTER TABLE {} ADD CONSTRAINT {} NOT NULL {}", table, Ident(&name), Ident(column.id.name()));
    for (flag, words) in [("not_null_no_inherit", "NO INHERIT"), ("not_null_not_valid", "NOT VALID")] {
        if column.flag(flag) {
            sql.push(&Sql::trusted(words));
        }
    }
    Step::alter(&column.id, sql).lock(LockMode::AccessExclusive, table_of(&column.id))
}

/// What changes of a NOT NULL constraint that stays.
fn changes(column: Pair<&Object>) -> Vec<Step> {
    let (was, is) = (not_null_name(column.before), not_null_name(column.after));
    let (before, after) = (column.before, column.after);
    let table = |what: &Sql| {
        let sql = sql!("ALTER TABLE {} {}", after.id.on(), what);
        Step::alter(&after.id, sql).lock(LockMode::AccessExclusive, table_of(&after.id))
    };
    if after.flag("not_null_not_valid") && !before.flag("not_null_not_valid") {
        let mut steps = vec![table(&sql!("DROP CONSTRAINT {}", Ident(&was))), add(after)];
        if before.get("not_null_comment").is_some() && before.get("not_null_comment") == after.get("not_null_comment") {
            steps.push(comment_on(after));
        }
        return steps;
    }
    let mut steps = Vec::new();
    let name = is;
    if name != was {
        steps.push(table(&sql!("RENAME CONSTRAINT {} TO {}", Ident(&was), Ident(&name))));
    }
    if before.flag("not_null_no_inherit") != after.flag("not_null_no_inherit") {
        let word = if after.flag("not_null_no_inherit") { "NO INHERIT" } else { "INHERIT" };
        steps.push(table(&sql!("ALTER CONSTRAINT {} {}", Ident(&name), Sql::trusted(word))));
    }
    if before.flag("not_null_not_valid") && !after.flag("not_null_not_valid") {
        let step = table(&sql!("VALIDATE CONSTRAINT {}", Ident(&name)));
        steps.push(Step { lock: None, ..step }.lock(LockMode::ShareUpdateExclusive, table_of(&after.id)));
    }
    steps
}

fn comment_on(column: &Object) -> Step {
    let constraint = sql!("CONSTRAINT {} ON {}", Ident(&not_null_name(column)), column.id.on());
    Step::attach(&column.id, comment(&constraint, column.text("not_null_comment")))
}
