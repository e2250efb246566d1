//! A temporary sequence numbers rows until a new column becomes an identity.

use crate::kinds::column;
use crate::model::object::{Object, ObjectId};
use crate::model::sql::{Expression, Ident, Literal, QualifiedName, Sql};
use crate::model::step::{LockMode, Phase, Step};
use crate::recipes::recipe::RecipeContext;
use crate::sql;

/// The temporary sequence of a new identity column.
pub(super) struct IdentitySequence<'a> {
    column: &'a Object,
    name: String,
}

impl<'a> IdentitySequence<'a> {
    pub(super) fn of(context: &RecipeContext, column: &'a Object) -> Self {
        Self { column, name: context.temporary_name(&format!("counter_{}", column.position)) }
    }

    fn qualified_name(&self) -> QualifiedName<'_> {
        QualifiedName { schema: &self.column.id.path()[0], name: &self.name }
    }

    /// Returns the expression for the next number.
    pub(super) fn next_value(&self) -> Sql {
        let name = sql!("{}", self.qualified_name()).to_string();
        sql!("pg_catalog.nextval({}::regclass)", Literal(&name))
    }

    /// Returns the steps that create the sequence and number new rows by it.
    pub(super) fn create(&self, context: &RecipeContext) -> Vec<Step> {
        let id = &self.column.id;
        let create = sql!("CREATE SEQUENCE {}", self.qualified_name());
        let next = self.next_value().to_string();
        vec![
            Step::alter(id, create).reason("temporary sequence; the identity replaces it below"),
            alter_column(context, id, &sql!("SET DEFAULT {}", Expression(&next))),
        ]
    }

    /// Returns the steps that make the column an identity, which continues from the number of the sequence.
    pub(super) fn replace_by_identity(&self, context: &RecipeContext) -> Vec<Step> {
        let id = &self.column.id;
        let temporary = self.qualified_name();
        let set = sql!(
            "SELECT pg_catalog.setval({}, c.last_value, c.is_called) FROM {} AS c",
            column::identity_counter(self.column),
            temporary
        );
        let steps = vec![
            alter_column(context, id, &sql!("DROP DEFAULT")),
            alter_column(context, id, &sql!("ADD {}", column::identity(self.column))),
            Step::alter(id, set).reason("continues from the temporary sequence"),
            Step::alter(id, sql!("DROP SEQUENCE {}", temporary)),
        ];
        steps.into_iter().map(|step| step.phase(Phase::Contract)).collect()
    }
}

fn alter_column(context: &RecipeContext, id: &ObjectId, what: &Sql) -> Step {
    let sql = sql!("ALTER TABLE {} ALTER COLUMN {} {}", id.qualified_relation(), Ident(id.name()), what);
    Step::alter(id, sql).lock(LockMode::AccessExclusive, context.table())
}
