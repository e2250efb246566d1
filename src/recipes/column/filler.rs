//! A temporary trigger fills a new column in rows of programs that do not set it yet.

use crate::kinds::common;
use crate::model::object::Object;
use crate::model::sql::{DollarQuoted, Ident, QualifiedName};
use crate::model::step::{LockMode, Phase, Step};
use crate::recipes::recipe::RecipeContext;
use crate::sql;

/// The trigger and its function. They exist until the column becomes NOT NULL.
pub(super) struct Filler {
    function: String,
    trigger: String,
}

impl Filler {
    pub(super) fn of(context: &RecipeContext, column: &Object) -> Self {
        let word = format!("fill_{}", column.position);
        let table = &column.id.path()[1];
        let short: String = table.chars().take(20).filter(|c| c.is_alphanumeric()).collect();
        // Triggers fire in the order of their names. This one is the last, and sees what the others did.
        Self {
            function: context.temporary_name(&format!("{word}_{short}")),
            trigger: format!("zz_schemadiff_{word}"),
        }
    }

    /// Returns the steps that create the trigger, which sets the column to `value` if it is NULL.
    pub(super) fn create(&self, context: &RecipeContext, value: &str) -> Vec<Step> {
        let id = &context.step.object;
        let function = self.function_name(context);
        // The row has the table's name, so that the expression reads as in an UPDATE.
        let body = format!(
            "\n#variable_conflict use_column\nBEGIN\n    IF NEW.{column} IS NULL THEN\n        \
             NEW.{column} := (SELECT ({value}) FROM (SELECT NEW.*) AS {table});\n    END IF;\n    RETURN NEW;\nEND\n",
            column = sql!("{}", Ident(id.name())),
            table = sql!("{}", Ident(&id.path()[1])),
        );
        let create = sql!(
            "CREATE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS {}",
            function,
            DollarQuoted(&body),
        );
        let trigger = sql!(
            "CREATE TRIGGER {} BEFORE INSERT OR UPDATE ON {} FOR EACH ROW EXECUTE FUNCTION {}()",
            Ident(&self.trigger),
            id.qualified_relation(),
            function,
        );
        let reason = "fills the column for programs that do not set it yet, until it becomes NOT NULL";
        vec![
            Step::alter(id, create).reason(reason),
            Step::alter(id, trigger).lock(LockMode::ShareRowExclusive, context.table()),
        ]
    }

    /// Returns the steps that drop the trigger and its function.
    pub(super) fn drop(&self, context: &RecipeContext) -> Vec<Step> {
        let id = &context.step.object;
        let trigger = sql!("DROP TRIGGER {} ON {}", Ident(&self.trigger), id.qualified_relation());
        vec![
            Step::alter(id, trigger)
                .lock(LockMode::AccessExclusive, common::table_of(id))
                .phase(Phase::Contract),
            Step::alter(id, sql!("DROP FUNCTION {}()", self.function_name(context))).phase(Phase::Contract),
        ]
    }

    fn function_name<'a>(&'a self, context: &RecipeContext<'a>) -> QualifiedName<'a> {
        QualifiedName { schema: &context.step.object.path()[0], name: &self.function }
    }
}
