//! A linter for migrations that is not ours reads every script that we expect: each violation has a reason, and each
//! reason a violation.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use schemadiff::declare::sql::{SourceFile, split};
use squawk_linter::{Linter, Rule};

/// Why what a rule says does not hold here.
struct Exception {
    rule: Rule,
    /// Parts of `script: statement` for which it does not; each is needed. Any script where there is none.
    only: &'static [&'static str],
    reason: &'static str,
}

const fn any(rule: Rule, reason: &'static str) -> Exception {
    Exception { rule, only: &[], reason }
}

const fn only(rule: Rule, only: &'static [&'static str], reason: &'static str) -> Exception {
    Exception { rule, only, reason }
}

/// Rules about what changes, not about how. A plan leads from one state to the other, whatever lies between them; what
/// hurts is a hazard, printed above the statement and refused by `migrate` unless it is allowed.
const ASKED_FOR: &str = "the states differ in it, so that the plan has to do it";
/// A change of a type, a view or an enum that is not possible in place is one beside it and two names.
const IN_PASSING: &str = "asked for, or an old type steps aside in the transaction in which it goes";
const THE_USERS: &str = "a judgement of the user's schema, which is not the migration's to change";
const REBUILT: &str = "what it rests on changes in the same transaction, which holds a stronger lock already or makes \
    the relation itself";

const OF_PARTITIONS: &str = "before 18 a partitioned table takes no foreign key that is NOT VALID; it takes those of the \
    partitions, which were validated";

/// What the linter says of our scripts, and why it stays.
const EXCEPTIONS: &[Exception] = &[
    any(Rule::BanDropColumn, ASKED_FOR),
    any(Rule::BanDropTable, ASKED_FOR),
    any(Rule::BanDropNotNull, ASKED_FOR),
    any(Rule::BanDropView, ASKED_FOR),
    any(Rule::BanDropFunction, ASKED_FOR),
    any(Rule::BanDropDefault, ASKED_FOR),
    any(Rule::BanDropTrigger, ASKED_FOR),
    any(Rule::BanDropSchema, ASKED_FOR),
    any(Rule::BanDropSequence, ASKED_FOR),
    any(Rule::BanDropDomain, ASKED_FOR),
    any(Rule::BanDropConstraint, ASKED_FOR),
    any(Rule::BanDropGeneratedExpression, ASKED_FOR),
    any(Rule::BanDropExtension, ASKED_FOR),
    any(Rule::BanDropIndex, ASKED_FOR),
    any(Rule::BanDropPolicy, ASKED_FOR),
    any(Rule::BanRevoke, ASKED_FOR),
    any(Rule::BanSetDefault, ASKED_FOR),
    any(Rule::BanSetSchema, ASKED_FOR),
    any(Rule::BanAlterIdentity, ASKED_FOR),
    any(Rule::BanAlterGeneratedExpression, ASKED_FOR),
    any(Rule::BanDisableTrigger, ASKED_FOR),
    any(Rule::BanReplicaIdentity, ASKED_FOR),
    any(Rule::BanReplaceViewFunction, ASKED_FOR),
    any(Rule::BanAlterPolicyCondition, ASKED_FOR),
    any(Rule::BanAlterPolicyRoles, ASKED_FOR),
    any(Rule::BanCreatePolicy, ASKED_FOR),
    any(Rule::BanAlterRowLevelSecurity, ASKED_FOR),
    any(Rule::BanNewWriteRestriction, ASKED_FOR),
    any(Rule::BanAddEnumValue, ASKED_FOR),
    any(Rule::BanAddCompositeAttribute, ASKED_FOR),
    any(Rule::BanAddColumn, ASKED_FOR),
    any(Rule::BanDetachInheritance, ASKED_FOR),
    any(Rule::BanAlterSequenceValues, ASKED_FOR),
    any(Rule::RenamingColumn, ASKED_FOR),
    any(Rule::RenamingTable, ASKED_FOR),
    any(Rule::BanDropType, IN_PASSING),
    any(Rule::RenamingObject, IN_PASSING),
    any(
        Rule::ChangingColumnType,
        "asked for; `Rewrite` says so where the server does write the table anew, as tried on a table of its own",
    ),
    any(Rule::PreferBigintOverInt, THE_USERS),
    any(Rule::PreferBigintOverSmallint, THE_USERS),
    any(Rule::PreferTextField, THE_USERS),
    any(Rule::PreferTimestampTz, THE_USERS),
    any(Rule::BanCreateDomainWithConstraint, THE_USERS),
    any(Rule::BanAlterDomainWithAddConstraint, THE_USERS),
    any(
        Rule::RequireStatementTimeout,
        "how long a rewrite may take is for the operator to say, and what is set for the role holds; `lock_timeout` \
         bounds how long others wait in line",
    ),
    only(
        Rule::RequireLockTimeout,
        &["INDEX CONCURRENTLY"],
        "nobody waits behind SHARE UPDATE EXCLUSIVE but other changes, and a time limit would leave a broken index",
    ),
    only(
        Rule::PreferRobustStmts,
        &["CREATE INDEX CONCURRENTLY", "CREATE UNIQUE INDEX CONCURRENTLY", "DROP INDEX CONCURRENTLY"],
        "`IF NOT EXISTS` would take a broken index for a whole one; `migrate` records each statement, goes on after \
         the last, and removes what a failed one left",
    ),
    only(
        Rule::PreferRobustStmts,
        &["DETACH PARTITION"],
        "there is no `IF EXISTS` for it; `migrate` finishes one that was interrupted",
    ),
    only(Rule::PreferRobustStmts, &["VALIDATE CONSTRAINT"], "a validated constraint may be validated again"),
    only(
        Rule::RequireEnumValueOrdering,
        &["ADD VALUE"],
        "without BEFORE or AFTER a value comes last, and that is where it stands in the target",
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
        "no index of a partitioned table is built CONCURRENTLY: it takes those of the partitions, which were",
    ),
    only(
        Rule::RequireConcurrentIndexDeletion,
        &[
            "column-dropped-under-views/",
            "domain-under-a-composite-type/",
            "enum-shrinks-under-data/",
            "function-rebuilt-with-dependents/",
            "partition-outlives-the-whole/",
            "range-type-in-use/",
        ],
        REBUILT,
    ),
    only(
        Rule::RequireConcurrentIndexDeletion,
        &["DROP INDEX public.whole_a", "DROP INDEX public.event_kind"],
        "no index of a partitioned table is dropped CONCURRENTLY",
    ),
    only(
        Rule::ConstraintMissingNotValid,
        &["EXCLUDE USING"],
        "an exclusion constraint can neither be NOT VALID nor take an index",
    ),
    only(
        Rule::ConstraintMissingNotValid,
        &["ALTER TABLE public.event ADD CONSTRAINT event_pkey PRIMARY KEY"],
        "the key of a partitioned table takes those of the partitions, which were built CONCURRENTLY",
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
        "the key of a partitioned table takes those of the partitions, which were built CONCURRENTLY",
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
        "a stored column has no other way, and `Rewrite` says so",
    ),
    only(
        Rule::AddingFieldWithDefault,
        &["DEFAULT public.zz()"],
        "the server folds the function into a constant, and the proof saw no table written anew",
    ),
    only(
        Rule::RequireConcurrentPartitionDetach,
        &["partition-bound-and-column/", "partition-bound-moves/", "partition-key-type/"],
        "it is attached again in the same transaction; CONCURRENTLY, its rows would be missing in between",
    ),
    only(
        Rule::RequireConcurrentPartitionDetach,
        &["partitioned-table/", "partition-outlives-the-whole/"],
        "goes on as a table of its own, changed in the same transaction",
    ),
    only(
        Rule::RequireConcurrentPartitionDetach,
        &["partition-attached-over-a-check/"],
        "there is a default partition, beside which the server detaches none CONCURRENTLY",
    ),
];

/// Scripts that the linter's grammar does not know in whole, with what it does not.
const UNKNOWN: &[(&str, &str)] =
    &[("fixtures/diff/foreign-data/rollback.sql", "ALTER SERVER … VERSION NULL")];

/// A violation, and where it is.
struct Found {
    rule: Rule,
    message: String,
    /// `script: statement`, in a line.
    place: String,
}

impl Exception {
    /// Which of its parts a violation is for; none where it is for another exception.
    fn takes(&self, found: &Found) -> Option<usize> {
        match self.only {
            _ if self.rule != found.rule => None,
            [] => Some(0),
            parts => parts.iter().position(|part| found.place.contains(part)),
        }
    }
}

#[test]
fn every_script_passes_or_has_a_reason() {
    let mut wrong: Vec<String> = Vec::new();
    let mut needed = BTreeSet::new();
    let scripts = scripts();
    assert!(scripts.len() > 150, "{}", scripts.len());
    for found in scripts.iter().flat_map(|path| lint(path)) {
        let taken: Vec<_> =
            EXCEPTIONS.iter().enumerate().filter_map(|(i, one)| Some((i, one.takes(&found)?))).collect();
        if taken.is_empty() {
            wrong.push(format!("{}: {}\n  {}", found.rule, found.place, found.message));
        }
        needed.extend(taken);
    }
    for (i, exception) in EXCEPTIONS.iter().enumerate() {
        for part in (0..exception.only.len().max(1)).filter(|part| !needed.contains(&(i, *part))) {
            let part = exception.only.get(part).unwrap_or(&"any script");
            wrong.push(format!(
                "{}: nothing needs the exception for {part}: {}",
                exception.rule, exception.reason
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_linter_knows_the_grammar_of_every_script() {
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

/// Lints a script by all rules, on PostgreSQL 15 and with no transaction but its own, which are the linter's defaults.
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

/// Rules that are off unless somebody asks for them.
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

/// The expected scripts of the fixtures, and those of the example.
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
