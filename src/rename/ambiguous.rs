//! Decides what happens to possible renames that no annotation covers.

use std::collections::BTreeSet;

use super::subject::Subject;
use crate::error::{Diagnostic, codes};
use crate::kinds::KindName;
use crate::model::rename::{AmbiguousRenames, DeclarationFormat};
use crate::model::sql::{Ident, Literal};
use crate::model::{Pair, Rename, Renames};
use crate::sql;

/// Decides about possible renames. Returns those that are renames, and messages for the user.
///
/// # Errors
/// Returns an error for each added object if the user has to decide.
pub fn resolve(possible: &[Rename], target: &Renames) -> Result<(Vec<Rename>, Vec<String>), Vec<Diagnostic>> {
    if possible.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    match (target.ambiguous, target.format) {
        (Some(AmbiguousRenames::Drop), _) => Ok((Vec::new(), Vec::new())),
        (Some(AmbiguousRenames::Detect), _) => {
            let unique = unique(possible);
            if unique.is_empty() { Err(questions(possible, target)) } else { Ok((unique, Vec::new())) }
        }
        (Some(AmbiguousRenames::Error), _) | (None, Some(_)) => Err(questions(possible, target)),
        // A database or a snapshot cannot be annotated. The migration has the hazard DataLoss.
        (None, None) => Ok((Vec::new(), possible.iter().map(warning).collect())),
    }
}

fn warning(rename: &Rename) -> String {
    let Pair { before, after } = Subject::pair(rename);
    format!(
        "warning: {before} is dropped and {after}, {}, is added; treated as a drop and an add (`--renames detect` \
         treats it as a rename)",
        similarity(rename)
    )
}

/// Returns the renames whose old and new subject each occur in no other.
fn unique(possible: &[Rename]) -> Vec<Rename> {
    let is_unique = |rename: &&Rename| {
        let own = Subject::pair(rename);
        let mut others = possible.iter().filter(|other| other != rename).map(Subject::pair);
        others.all(|other| other.before != own.before && other.after != own.after)
    };
    possible.iter().filter(is_unique).cloned().collect()
}

/// Returns an error for each added subject that shows how to answer.
fn questions(possible: &[Rename], target: &Renames) -> Vec<Diagnostic> {
    let mut questions = Vec::new();
    let mut seen = BTreeSet::new();
    for rename in possible {
        let added = Subject::pair(rename).after;
        if seen.insert(added.clone()) {
            let of_added = possible.iter().filter(|other| Subject::pair(other).after == added);
            questions.push(question(&added, &of_added.collect::<Vec<_>>(), target));
        }
    }
    questions
}

fn question(added: &Subject, renames: &[&Rename], target: &Renames) -> Diagnostic {
    let dropped: Vec<String> =
        renames.iter().map(|rename| Subject::pair(rename).before.to_string()).collect();
    let message = match (dropped.as_slice(), renames) {
        ([dropped], [rename]) => {
            format!("{dropped} is dropped and {added}, {}, is added: was it renamed?", similarity(rename))
        }
        _ => format!(
            "{} are dropped and {added}, {}, is added: was one of them renamed?",
            dropped.join(" and "),
            similarity(renames[0])
        ),
    };
    let mut question = Diagnostic::new(codes::UNANSWERED, message);
    if let Some((_, place)) = target.places.iter().find(|(id, _)| *id == added.object) {
        question = question.at(place.clone());
    }
    let Some(form) = target.format else {
        return question
            .help("if yes, use `--renames detect`, which renames objects that resemble exactly one other")
            .help("if no, use `--renames drop`: the old object is dropped with its data");
    };
    for rename in renames {
        question = question.help(format!("if yes, write {}", annotation(rename, form)));
    }
    let confirm = match form {
        _ if added.value.is_some() => "",
        DeclarationFormat::Yaml => "write `drop: confirmed` beside the new object, or ",
        DeclarationFormat::Sql => "write `-- schemadiff: drop: confirmed` beside the new object, or ",
    };
    question.help(format!("if no, {confirm}use `--renames drop`: the old object is dropped with its data"))
}

/// Says what the two objects of a possible rename have in common.
fn similarity(rename: &Rename) -> &'static str {
    match rename.object.after.kind {
        KindName::Column => "with the same type",
        KindName::Table | KindName::ForeignTable => "with similar columns",
        KindName::Schema => "with similar tables",
        KindName::Sequence => "with the same options",
        _ => "a value of the same enum",
    }
}

/// Returns the annotation for a rename, and where it is written.
fn annotation(rename: &Rename, form: DeclarationFormat) -> String {
    let Pair { before, after } = &rename.object;
    let changes_schema = before.path().len() == 2 && before.path()[0] != after.path()[0];
    match (form, &rename.value) {
        (DeclarationFormat::Yaml, Some(value)) => {
            format!(
                "`renamed_values: {{{}: {}}}` beside the values",
                yaml_name(&value.after),
                yaml_name(&value.before)
            )
        }
        (DeclarationFormat::Sql, Some(value)) => {
            let old = sql!("{}", Literal(&value.before));
            format!("`-- schemadiff: renamed_from: {old}` at the end of the line of the new value")
        }
        (DeclarationFormat::Yaml, None) if changes_schema => {
            format!(
                "`renamed_from: [{}, {}]` beside it",
                yaml_name(&before.path()[0]),
                yaml_name(before.name())
            )
        }
        (DeclarationFormat::Yaml, None) => format!("`renamed_from: {}` beside it", yaml_name(before.name())),
        (DeclarationFormat::Sql, None) => {
            let name = if changes_schema {
                sql!("{}", before.qualified())
            } else {
                sql!("{}", Ident(before.name()))
            };
            let place = if before.kind == KindName::Column {
                "at the end of its line"
            } else {
                "above its statement"
            };
            format!("`-- schemadiff: renamed_from: {name}` {place}")
        }
    }
}

/// Returns a name as it is written in YAML: quoted if it could be read as something else.
fn yaml_name(name: &str) -> String {
    let is_plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let is_keyword =
        ["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&&*name.to_ascii_lowercase());
    if is_plain && !is_keyword { name.to_owned() } else { format!("{name:?}") }
}
