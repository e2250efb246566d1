//! A new column that would write the table anew, or that must have a value in rows that are there.

use super::backfill::{self, Fill};
use super::probe::{default_of, is_plain};
use super::{Placement, Policy, Recipe, RecipeContext, not_null};
use crate::error::{Diagnostic, Result, codes};
use crate::kinds::{KindName, column, column_default, common};
use crate::model::sql::{DollarQuoted, Expression, Ident, Literal, QualifiedName, Sql};
use crate::model::{Action, Hazard, LockMode, Object, Phase, Step};
use crate::sql;

/// The column with NULL, its default for new rows, the values of old rows in batches, and then what they must be.
pub(super) static RECIPE: Recipe = Recipe {
    name: "column filled in batches",
    refused: "ADD COLUMN with such a default writes the whole table anew while nobody can use it",
    always: true,
    turn: Placement::ReadyAtFirst,
    steps: |site| {
        let wanted = site.step.object.kind == KindName::Column && site.step.action == Action::Create;
        let Some(column) = site.after().filter(|_| wanted) else { return Ok(None) };
        steps(site, column)
    },
};

fn steps(site: &RecipeContext, column: &Object) -> Result<Option<Vec<Step>>> {
    let id = &column.id;
    let wish = site.known.directives.backfills.get(id).filter(|_| !site.known.back);
    let default = default_of(id, site.sides.after);
    if column.flag("inherited") || !column.text("generated").is_empty() {
        return Ok(None);
    }
    if wish.is_none() && site.known.policy == Policy::Direct {
        return Ok(None);
    }
    let identity = !column.text("identity").is_empty();
    if wish.is_none() && (is_plain(id, site.sides.after) || !site.known.probed.rewrites(id)) {
        return if column.flag("not_null") && default.is_none() { required(site, column) } else { Ok(None) };
    }
    let mut bare = column.clone();
    for name in
        ["not_null", "not_null_name", "not_null_no_inherit", "not_null_not_valid", "identity", "sequence"]
    {
        bare.unset(name);
    }
    let table = site.table();
    let on = |sql: Sql| Step::create(id, sql).lock(LockMode::AccessExclusive, &table);
    let mut steps = vec![
        on(sql!("ALTER TABLE {} ADD COLUMN {}", id.on(), column::definition(&bare)))
            .reason("with NULL in the rows that are there, which takes no time"),
    ];
    let counter = identity.then(|| site.helper(&format!("counter_{}", column.position)));
    let counter = counter.as_ref().map(|name| QualifiedName { schema: &id.path()[0], name });
    let value = match (wish, &counter, default) {
        (Some(wish), _, _) => wish.expression.clone(),
        (None, Some(counter), _) => {
            sql!("pg_catalog.nextval({}::regclass)", Literal(&sql!("{}", counter).to_string())).to_string()
        }
        (None, None, Some(default)) => default.text("expression").to_owned(),
        // A domain that refuses NULL and has no default of its own.
        (None, None, None) => return Ok(None),
    };
    if let Some(counter) = &counter {
        steps.push(
            Step::alter(id, sql!("CREATE SEQUENCE {}", counter)).reason("counts until the identity does"),
        );
        let set = sql!(
            "ALTER TABLE {} ALTER COLUMN {} SET DEFAULT {}",
            id.on(),
            Ident(id.name()),
            Expression(&value)
        );
        steps.push(Step::alter(id, set).lock(LockMode::AccessExclusive, &table));
    }
    if let Some(default) = default {
        steps.push(
            column_default::set(default).lock(LockMode::AccessExclusive, &table).reason("for new rows"),
        );
    }
    let filler =
        (wish.is_some() && default.is_none() && column.flag("not_null")).then(|| Filler::of(site, column));
    if let Some(filler) = &filler {
        steps.extend(filler.come(site, &value));
    }
    let needs = backfill::needs(column, wish.and_then(|wish| wish.condition.as_deref()));
    let fill = Fill { column, about: id, value, needs, batch: wish.and_then(|wish| wish.batch) };
    steps.extend(backfill::steps(site, &fill));
    if column.flag("not_null") || identity {
        steps.extend(not_null::alone(site, column));
    }
    if let Some(filler) = &filler {
        steps.extend(filler.go(site));
        let breaks = format!("programs that add rows without {id} fail from here on");
        if let Some(last) = steps.last_mut() {
            last.hazards.push(Hazard::BreaksClients(breaks));
        }
    }
    if let Some(counter) = &counter {
        steps.extend(
            become_identity(site, column, counter).into_iter().map(|step| step.phase(Phase::Contract)),
        );
    }
    Ok(Some(steps))
}

/// The identity goes on where the sequence of the meantime stands.
fn become_identity(site: &RecipeContext, column: &Object, counter: &QualifiedName) -> Vec<Step> {
    let id = &column.id;
    let table = site.table();
    let alter = |what: &Sql| {
        let sql = sql!("ALTER TABLE {} ALTER COLUMN {} {}", id.on(), Ident(id.name()), what);
        Step::alter(id, sql).lock(LockMode::AccessExclusive, &table)
    };
    let own = column::identity_counter(column);
    let go_on = sql!("SELECT pg_catalog.setval({}, c.last_value, c.is_called) FROM {} AS c", own, counter);
    vec![
        alter(&sql!("DROP DEFAULT")),
        alter(&sql!("ADD {}", column::identity(column))),
        Step::alter(id, go_on).reason("goes on where the other sequence stands"),
        Step::alter(id, sql!("DROP SEQUENCE {}", counter)),
    ]
}

/// A column that must have a value and that nothing gives one.
fn required(site: &RecipeContext, column: &Object) -> Result<Option<Vec<Step>>> {
    let id = &column.id;
    let Some(size) = site.known.sizes.whole(&site.table(), site.sides.before).filter(|size| !size.empty)
    else {
        return Ok(None);
    };
    // On the way back the user has no place to say more.
    if site.known.back {
        return Ok(None);
    }
    let about = if size.rows > 0.0 { format!("about {:.0} rows", size.rows) } else { "rows".to_owned() };
    let name = id.name();
    Err(Diagnostic::new(
        codes::REQUIRED,
        format!("{id} is NOT NULL, and nothing says what {about} hold in it"),
    )
    .help(format!(
        "say it beside the column: in YAML `{name}: {{…, backfill: \"expression\"}}`, in SQL a comment \
             `-- schemadiff: backfill: expression` on its line"
    ))
    .help("or give it a default, or let it take NULL")
    .into())
}

/// A trigger that gives new rows of a program that does not know the column yet their value, until the column is
/// required.
struct Filler {
    function: String,
    trigger: String,
}

impl Filler {
    fn of(site: &RecipeContext, column: &Object) -> Self {
        let word = format!("fill_{}", column.position);
        let table = &column.id.path()[1];
        let short: String = table.chars().take(20).filter(|c| c.is_alphanumeric()).collect();
        // By its name it is the last to fire, and sees what the others did.
        Self { function: site.helper(&format!("{word}_{short}")), trigger: format!("zz_schemadiff_{word}") }
    }

    fn come(&self, site: &RecipeContext, value: &str) -> Vec<Step> {
        let id = &site.step.object;
        let function = QualifiedName { schema: &id.path()[0], name: &self.function };
        // The row goes by the table's name, so that the expression reads as in an UPDATE.
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
            id.on(),
            function,
        );
        let reason = "gives rows of programs that do not know the column yet a value, until it is required";
        vec![
            Step::alter(id, create).reason(reason),
            Step::alter(id, trigger).lock(LockMode::ShareRowExclusive, site.table()),
        ]
    }

    fn go(&self, site: &RecipeContext) -> Vec<Step> {
        let id = &site.step.object;
        let function = QualifiedName { schema: &id.path()[0], name: &self.function };
        let trigger = sql!("DROP TRIGGER {} ON {}", Ident(&self.trigger), id.on());
        vec![
            Step::alter(id, trigger)
                .lock(LockMode::AccessExclusive, common::table_of(id))
                .phase(Phase::Contract),
            Step::alter(id, sql!("DROP FUNCTION {}()", function)).phase(Phase::Contract),
        ]
    }
}
