//! A linter from another project reads every expected script. Each of its findings must be listed here with a reason,
//! and each listed reason must be needed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use schemadiff::declare::sql::{SourceFile, split};
use squawk_linter::{Linter, Rule};

/// A rule that does not apply to a script, and why.
struct Exception {
    rule: Rule,
    /// Texts of `script: statement` to which it does not apply; each is needed. Empty for all scripts.
    only: &'static [&'static str],
    reason: &'static str,
}

const fn any(rule: Rule, reason: &'static str) -> Exception {
    Exception { rule, only: &[], reason }
}

const fn only(rule: Rule, only: &'static [&'static str], reason: &'static str) -> Exception {
    Exception { rule, only, reason }
}

/// Rules against a change as such. A plan makes the changes that the two states require; a risk is a hazard, printed
/// above the statement and refused by `generate` unless it is allowed.
const REQUIRED: &str = "the two states differ in it, so the plan must change it";
/// A type, a view or an enum that cannot be changed in place is replaced by a new one, and the names are swapped.
const REPLACED: &str = "required, or an old type gets a temporary name in the transaction that drops it";
const USERS_CHOICE: &str = "a choice of the user's schema, which a migration does not change";
const REBUILT: &str = "what it depends on changes in the same transaction, which already holds a stronger lock or \
    creates the relation";

const OF_PARTITIONS: &str = "before 18 a partitioned table cannot have a NOT VALID foreign key; it adopts those of the \
    partitions, which are validated";

/// The findings of the linter that are accepted.
const EXCEPTIONS: &[Exception] = &[
    any(Rule::BanDropColumn, REQUIRED),
    any(Rule::BanDropTable, REQUIRED),
    any(Rule::BanDropNotNull, REQUIRED),
    any(Rule::BanDropView, REQUIRED),
    any(Rule::BanDropFunction, REQUIRED),
    any(Rule::BanDropDefault, REQUIRED),
    any(Rule::BanDropTrigger, REQUIRED),
    any(Rule::BanDropSchema, REQUIRED),
    any(Rule::BanDropSequence, REQUIRED),
    any(Rule::BanDropDomain, REQUIRED),
    any(Rule::BanDropConstraint, REQUIRED),
    any(Rule::BanDropGeneratedExpression, REQUIRED),
    any(Rule::BanDropExtension, REQUIRED),
    any(Rule::BanDropIndex, REQUIRED),
    any(Rule::BanDropPolicy, REQUIRED),
    any(Rule::BanRevoke, REQUIRED),
    any(Rule::BanSetDefault, REQUIRED),
    any(Rule::BanSetSchema, REQUIRED),
    any(Rule::BanAlterIdentity, REQUIRED),
    any(Rule::BanAlterGeneratedExpression, REQUIRED),
    any(Rule::BanDisableTrigger, REQUIRED),
    any(Rule::BanReplicaIdentity, REQUIRED),
    any(Rule::BanReplaceViewFunction, REQUIRED),
    any(Rule::BanAlterPolicyCondition, REQUIRED),
    any(Rule::BanAlterPolicyRoles, REQUIRED),
    any(Rule::BanCreatePolicy, REQUIRED),
    any(Rule::BanAlterRowLevelSecurity, REQUIRED),
    any(Rule::BanNewWriteRestriction, REQUIRED),
    any(Rule::BanAddEnumValue, REQUIRED),
    any(Rule::BanAddCompositeAttribute, REQUIRED),
    any(Rule::BanAddColumn, REQUIRED),
    any(Rule::BanDetachInheritance, REQUIRED),
    any(Rule::BanAlterSequenceValues, REQUIRED),
    any(Rule::RenamingColumn, REQUIRED),
    any(Rule::RenamingTable, REQUIRED),
    any(Rule::BanDropType, REPLACED),
    any(Rule::RenamingObject, REPLACED),
    any(
        Rule::ChangingColumnType,
        "required; the hazard `Rewrite` reports it if the server rewrites the table",
    ),
    any(Rule::PreferBigintOverInt, USERS_CHOICE),
    any(Rule::PreferBigintOverSmallint, USERS_CHOICE),
    any(Rule::PreferTextField, USERS_CHOICE),
    any(Rule::PreferTimestampTz, USERS_CHOICE),
    any(Rule::BanCreateDomainWithConstraint, USERS_CHOICE),
    any(Rule::BanAlterDomainWithAddConstraint, USERS_CHOICE),
    any(
        Rule::RequireStatementTimeout,
        "the operator decides how long a rewrite may take; `lock_timeout` limits how long other sessions wait in \
         the queue",
    ),
    only(
        Rule::RequireLockTimeout,
        &["INDEX CONCURRENTLY"],
        "only schema changes wait for SHARE UPDATE EXCLUSIVE, and a timeout would leave an invalid index",
    ),
    only(
        Rule::PreferRobustStmts,
        &["CREATE INDEX CONCURRENTLY", "CREATE UNIQUE INDEX CONCURRENTLY", "DROP INDEX CONCURRENTLY"],
        "`IF NOT EXISTS` would accept an invalid index; `migrate` records each statement, resumes after the last, \
         and drops an invalid index",
    ),
    only(
        Rule::PreferRobustStmts,
        &["DETACH PARTITION"],
        "it has no `IF EXISTS`; `migrate` completes an interrupted one",
    ),
    only(Rule::PreferRobustStmts, &["VALIDATE CONSTRAINT"], "a validated constraint may be validated again"),
    only(
        Rule::RequireEnumValueOrdering,
        &["ADD VALUE"],
        "without BEFORE or AFTER a value is added at the end, where the target has it",
    ),
    only(
        Rule::RequireConcurrentIndexCreation,
        &[
            "column-dropped-under-views/",
            "column-type-under-views/",
            "domain-under-a-composite-type/",
            "enum-shrinks-under-data/",
            "function-rebuilt-with-dependents/",
            "materialized-view-query/",
            "range-type-in-use/",
            "shop.product_rating",
        ],
        REBUILT,
    ),
    only(
        Rule::RequireConcurrentIndexCreation,
        &["whole_a ON public.whole", "event_kind ON public.event"],
        "an index of a partitioned table cannot be built CONCURRENTLY; it adopts those of the partitions, which are",
    ),
    only(
        Rule::RequireConcurrentIndexDeletion,
        &[
            "column-dropped-under-views/",
            "domain-under-a-composite-type/",
            "enum-shrinks-under-data/",
            "function-rebuilt-with-dependents/",
            "partition-outlives-its-parent/",
            "range-type-in-use/",
        ],
        REBUILT,
    ),
    only(
        Rule::RequireConcurrentIndexDeletion,
        &["DROP INDEX public.whole_a", "DROP INDEX public.event_kind"],
        "an index of a partitioned table cannot be dropped CONCURRENTLY",
    ),
    only(
        Rule::ConstraintMissingNotValid,
        &["EXCLUDE USING"],
        "an exclusion constraint can neither be NOT VALID nor adopt an index",
    ),
    only(
        Rule::ConstraintMissingNotValid,
        &["ALTER TABLE public.event ADD CONSTRAINT event_pkey PRIMARY KEY"],
        "the key of a partitioned table adopts those of the partitions, which are built CONCURRENTLY",
    ),
    only(Rule::ConstraintMissingNotValid, &["part_pkey PRIMARY KEY"], REBUILT),
    only(
        Rule::ConstraintMissingNotValid,
        &["ALTER TABLE public.parted ADD CONSTRAINT to_big"],
        OF_PARTITIONS,
    ),
    only(
        Rule::AddingForeignKeyConstraint,
        &["ALTER TABLE public.parted ADD CONSTRAINT to_big"],
        OF_PARTITIONS,
    ),
    only(Rule::RequireConcurrentIndexCreation, &["orders_open_idx"], REBUILT),
    only(Rule::RequireConcurrentIndexDeletion, &["orders_open_idx"], REBUILT),
    only(
        Rule::AddingSerialPrimaryKeyField,
        &["ALTER TABLE public.event ADD CONSTRAINT event_pkey PRIMARY KEY"],
        "the key of a partitioned table adopts those of the partitions, which are built CONCURRENTLY",
    ),
    only(Rule::AddingSerialPrimaryKeyField, &["part_pkey PRIMARY KEY"], REBUILT),
    only(
        Rule::AddingSerialPrimaryKeyField,
        &["ALTER TABLE shop.event ADD"],
        "the script creates the table, in another transaction",
    ),
    only(
        Rule::AddingFieldWithDefault,
        &["GENERATED ALWAYS AS ("],
        "a stored generated column always rewrites the table; the hazard `Rewrite` reports it",
    ),
    only(
        Rule::AddingFieldWithDefault,
        &["DEFAULT public.zz()"],
        "the server evaluates the function once, and the rehearsal observed no rewrite",
    ),
    only(
        Rule::RequireConcurrentPartitionDetach,
        &["partition-bound-and-column/", "partition-bound-moves/", "partition-key-type/"],
        "it is attached again in the same transaction; with CONCURRENTLY its rows would be missing in between",
    ),
    only(
        Rule::RequireConcurrentPartitionDetach,
        &["partitioned-table/", "partition-outlives-its-parent/"],
        "it becomes a table of its own, changed in the same transaction",
    ),
    only(
        Rule::RequireConcurrentPartitionDetach,
        &["partition-attached-over-a-check/"],
        "the server cannot detach CONCURRENTLY if there is a default partition",
    ),
];

/// Scripts with syntax that the linter does not know.
const UNKNOWN: &[(&str, &str)] =
    &[("fixtures/diff/foreign-data/rollback.sql", "ALTER SERVER … VERSION NULL")];

/// A finding and its place.
struct Found {
    rule: Rule,
    message: String,
    /// `script: statement`, on one line.
    place: String,
}

impl Exception {
    /// The index of the text that a finding matches, if it is an exception for it.
    fn matches(&self, found: &Found) -> Option<usize> {
        match self.only {
            _ if self.rule != found.rule => None,
            [] => Some(0),
            parts => parts.iter().position(|part| found.place.contains(part)),
        }
    }
}

#[test]
fn every_finding_has_a_reason() {
    let mut wrong: Vec<String> = Vec::new();
    let mut needed = BTreeSet::new();
    let scripts = scripts();
    assert!(scripts.len() > 150, "{}", scripts.len());
    for found in scripts.iter().flat_map(|path| lint(path)) {
        let taken: Vec<_> =
            EXCEPTIONS.iter().enumerate().filter_map(|(i, one)| Some((i, one.matches(&found)?))).collect();
        if taken.is_empty() {
            wrong.push(format!("{}: {}\n  {}", found.rule, found.place, found.message));
        }
        needed.extend(taken);
    }
    for (i, exception) in EXCEPTIONS.iter().enumerate() {
        for part in (0..exception.only.len().max(1)).filter(|part| !needed.contains(&(i, *part))) {
            let part = exception.only.get(part).unwrap_or(&"any script");
            wrong.push(format!(
                "{}: the exception for {part} is not needed: {}",
                exception.rule, exception.reason
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn linter_parses_every_script() {
    let name = |path: &Path| path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().display().to_string();
    let unknown: Vec<String> = scripts()
        .iter()
        .filter(|path| {
            !squawk_syntax::SourceFile::parse(&fs::read_to_string(path).unwrap()).errors().is_empty()
        })
        .map(|path| name(path))
        .collect();
    assert_eq!(unknown, UNKNOWN.iter().map(|(script, _)| *script).collect::<Vec<_>>());
}

/// Lints a script with all rules, for PostgreSQL 15 and without an assumed transaction, which are the linter's defaults.
fn lint(path: &Path) -> Vec<Found> {
    let text = fs::read_to_string(path).unwrap();
    let parse = squawk_syntax::SourceFile::parse(&text);
    let script = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().display().to_string();
    let statements = split(&SourceFile::new(script.as_str(), text.as_str())).statements;
    let found = Linter::with_rules(OPT_IN, &[]).lint(&parse, &text);
    let found = found.into_iter().map(|violation| {
        let at = usize::from(violation.text_range.start());
        let statement = statements.iter().find(|statement| statement.place.span.end > at);
        let sql = statement.map(|statement| statement.text.as_str()).unwrap_or_default();
        let sql = sql.split_whitespace().collect::<Vec<_>>().join(" ");
        Found { rule: violation.code, message: violation.message, place: format!("{script}: {sql}") }
    });
    found.collect()
}

/// Rules that are off by default.
const OPT_IN: &[Rule] = &[
    Rule::RequireTableSchema,
    Rule::BanDropTrigger,
    Rule::BanAlterGeneratedExpression,
    Rule::BanDropIndex,
    Rule::BanSetDefault,
    Rule::BanDisableTrigger,
    Rule::BanReplicaIdentity,
    Rule::BanDropPolicy,
    Rule::BanRevoke,
    Rule::BanReplaceViewFunction,
    Rule::BanAlterPolicyCondition,
    Rule::BanAlterPolicyRoles,
    Rule::BanCreatePolicy,
    Rule::BanAlterFunctionOptions,
    Rule::BanAlterViewOptions,
    Rule::BanAlterRoleOptions,
    Rule::BanAlterDatabaseOptions,
    Rule::BanAlterRowLevelSecurity,
    Rule::BanNewWriteRestriction,
    Rule::BanAddEnumValue,
    Rule::BanAddCompositeAttribute,
    Rule::BanAddColumn,
    Rule::BanDetachInheritance,
    Rule::BanAlterSequenceValues,
    Rule::BanAlterSystemOptions,
    Rule::BanAlterExtension,
];

/// The expected scripts of the fixtures and of the example.
fn scripts() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders: Vec<PathBuf> =
        fs::read_dir(root.join("fixtures/diff")).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let files = |folder: &PathBuf| {
        let mut files: Vec<PathBuf> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "sql"));
        files.sort();
        files
    };
    let expected = |file: &PathBuf| {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        name.starts_with("up") || name.starts_with("rollback")
    };
    let mut scripts: Vec<PathBuf> = folders.iter().flat_map(files).filter(expected).collect();
    scripts.extend(files(&root.join("generated")));
    scripts
}
