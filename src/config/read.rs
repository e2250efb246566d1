//! Reads the configuration file.

use std::path::Path;
use std::sync::Arc;

use indexmap::IndexMap;

use super::environments::{DeclaredEnvironment, Environments, relative_to};
use super::layout::Layout;
use super::passwords::mask_passwords;
use super::reader::Reader;
use super::settings::Config;
use super::variables::Variables;
use crate::allow::{self, Allowance};
use crate::error::text::suggest;
use crate::error::{Error, Result};
use crate::kinds::KindName;
use crate::manage::{ManagePolicy, Rule};
use crate::model::rename::AmbiguousRenames;
use crate::park::Drops;
use crate::recipes::Policy;
use crate::scratch::Protection;
use crate::yaml::{self, Node, Value};
use crate::{duration, files};

const KEYS: &[&str] = &[
    "target",
    "migrations",
    "layout",
    "renames",
    "scratch",
    "environments",
    "default_environment",
    "manage",
    "grantees",
    "policy",
    "lock_timeout",
    "drop",
    "allow",
    "stats",
];
const RULE_KEYS: &[&str] = &["manage", "report", "ignore", "kind"];
const ALLOW_KEYS: &[&str] = &["hazard", "name", "reason"];
const ENVIRONMENT_KEYS: &[&str] = &["url", "protected"];

impl Config {
    /// Reads the file. Relative paths in it are relative to its folder.
    ///
    /// # Errors
    /// Returns all errors in the file, with their places.
    pub fn read(file: &Path, variables: &Variables) -> Result<Self> {
        let text: Arc<str> = files::read(file)?.into();
        let masked: Arc<str> = mask_passwords(&text).into();
        let name = file.display().to_string();
        let root = yaml::parse(&name, &text).map_err(|mut error| {
            if let Some(place) = &mut error.place {
                place.text = Arc::clone(&masked);
            }
            *error
        })?;
        let mut reader = Reader { file: name, text: masked, variables, errors: Vec::new() };
        let mut config = Self { file: Some(file.to_owned()), ..Self::defaults() };
        config.environments.file = Some(file.to_owned());
        for path in config.target.iter_mut().chain([&mut config.migrations]) {
            *path = relative_to(file, &path.display().to_string());
        }
        if let Some(root) = &root {
            read_root(&mut reader, root, &mut config, file);
        }
        if reader.errors.is_empty() { Ok(config) } else { Err(Error::Diagnostics(reader.errors)) }
    }
}

fn read_root(reader: &mut Reader<'_>, root: &Node, config: &mut Config, file: &Path) {
    let mut default = None;
    for (key, node) in reader.map(root, "a map of settings") {
        match &*key.text {
            "target" => {
                let paths = reader.texts(node);
                if !paths.is_empty() {
                    config.target = paths.iter().map(|path| relative_to(file, path)).collect();
                }
            }
            "migrations" => {
                if let Some(path) = reader.text(node) {
                    config.migrations = relative_to(file, &path);
                }
            }
            "layout" => set(&mut config.layout, reader.one_of(node, "layout", &Layout::NAMES, Layout::named)),
            "renames" => {
                let names = &AmbiguousRenames::NAMES;
                config.renames = reader.one_of(node, "value of `renames`", names, AmbiguousRenames::named);
            }
            "policy" => set(&mut config.policy, reader.one_of(node, "policy", Policy::NAMES, Policy::named)),
            "drop" => {
                set(&mut config.drops, reader.one_of(node, "value of `drop`", &Drops::NAMES, Drops::named));
            }
            "lock_timeout" => {
                if let Some(text) = reader.text(node) {
                    match duration::positive(&text) {
                        Ok(time) => config.lock_timeout = time,
                        Err(reason) => drop(reader.error(&node.span, reason)),
                    }
                }
            }
            "scratch" => config.scratch = reader.text(node),
            "environments" => config.environments.by_name = read_environments(reader, node),
            "default_environment" => {
                default = reader.text(node).map(|name| (name, node.span.clone()));
            }
            "manage" => config.manage.rules = read_rules(reader, node),
            "grantees" => config.manage.grantees = Some(reader.texts(node)),
            "allow" => config.allow = read_allowances(reader, node),
            "stats" => config.stats = reader.text(node).map(|path| relative_to(file, &path)),
            _ => reader.unknown_key(key, KEYS, "the configuration"),
        }
    }
    if let Some((name, span)) = default {
        check_default(reader, &config.environments, &name, &span);
        config.environments.default = Some(name);
    }
}

fn set<T>(setting: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *setting = value;
    }
}

fn check_default(
    reader: &mut Reader<'_>,
    environments: &Environments,
    name: &str,
    span: &std::ops::Range<usize>,
) {
    if environments.by_name.contains_key(name) {
        return;
    }
    let help = match suggest(name, environments.names()) {
        Some(similar) => format!("did you mean `{similar}`?"),
        None => "it must be the name of one of the `environments`".to_owned(),
    };
    reader.error(span, format!("unknown environment `{name}`")).help.push(help);
}

fn read_rules(reader: &mut Reader<'_>, node: &Node) -> Vec<Rule> {
    let Value::List(list) = &node.value else {
        reader.expected(node, "a list of rules such as {ignore: 'audit.*'}");
        return Vec::new();
    };
    list.iter().filter_map(|rule| read_rule(reader, rule)).collect()
}

fn read_rule(reader: &mut Reader<'_>, node: &Node) -> Option<Rule> {
    let (mut found, mut kind) = (None, None);
    for (key, value) in reader.map(node, "a rule such as {ignore: 'audit.*'}") {
        match (&*key.text, ManagePolicy::named(&key.text)) {
            (_, Some(policy)) if found.is_none() => found = Some((policy, reader.text(value)?)),
            ("kind", _) => {
                let name = reader.text(value)?;
                kind = KindName::named(&name);
                if kind.is_none() {
                    let message =
                        format!("unknown kind `{name}`: expected a kind such as table, view or function");
                    reader.error(&value.span, message);
                }
            }
            _ => reader.unknown_key(key, RULE_KEYS, "a rule"),
        }
    }
    let Some((policy, name)) = found else {
        reader.error(&node.span, "the rule has none of the keys manage, report and ignore");
        return None;
    };
    Some(Rule { policy, kind, name })
}

fn read_allowances(reader: &mut Reader<'_>, node: &Node) -> Vec<Allowance> {
    const EXAMPLE: &str = "a list such as [{hazard: Rewrite, name: 'public.log', reason: it is small}]";
    let Value::List(list) = &node.value else {
        reader.expected(node, EXAMPLE);
        return Vec::new();
    };
    let mut all = Vec::new();
    for entry in list.iter() {
        let (mut code, mut name, mut reason) = (None, None, None);
        for (key, value) in reader.map(entry, "a map such as {hazard: Rewrite, reason: it is small}") {
            match &*key.text {
                "hazard" => {
                    let text = reader.text(value).unwrap_or_default();
                    code = allow::code_of(&text).map(str::to_owned);
                    if code.is_none() {
                        let message = format!("unknown hazard `{text}`: expected one of {}", allow::names());
                        reader.error(&value.span, message);
                    }
                }
                "name" => name = reader.text(value),
                "reason" => reason = reader.text(value),
                _ => reader.unknown_key(key, ALLOW_KEYS, "an entry of `allow`"),
            }
        }
        match (code, reason) {
            (Some(code), Some(reason)) => all.push(Allowance { code, name, reason }),
            (Some(_), None) => drop(reader.error(&entry.span, "the entry of `allow` has no `reason`")),
            (None, _) => {}
        }
    }
    all
}

fn read_environments(reader: &mut Reader<'_>, node: &Node) -> IndexMap<String, DeclaredEnvironment> {
    let mut all = IndexMap::new();
    for (key, node) in reader.map(node, "a map of environments by name") {
        match read_environment(reader, node) {
            Some(environment) => drop(all.insert(key.text.to_string(), environment)),
            None => drop(reader.error(&key.span, format!("the environment `{}` has no `url`", key.text))),
        }
    }
    all
}

/// Reads an environment, which may be only an address.
fn read_environment(reader: &mut Reader<'_>, node: &Node) -> Option<DeclaredEnvironment> {
    let mut protection = Protection::Open;
    let mut address = node.text().is_some().then_some(node);
    if address.is_none() {
        for (key, node) in reader.map(node, "a map with `url`") {
            match &*key.text {
                "url" if node.text().is_some() => address = Some(node),
                "url" => reader.expected(node, "an address"),
                "protected" => match node.text() {
                    Some("true" | "yes") => protection = Protection::Protected,
                    Some("false" | "no") => protection = Protection::Open,
                    _ => reader.expected(node, "true or false"),
                },
                _ => reader.unknown_key(key, ENVIRONMENT_KEYS, "an environment"),
            }
        }
    }
    let address = address?;
    let place = reader.place(address.span.clone());
    Some(DeclaredEnvironment { url: address.text()?.to_owned(), place, protection })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Environment;

    fn read_text(text: &str) -> Result<Config> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("schemadiff.yaml");
        std::fs::write(&file, text).unwrap();
        Config::read(&file, &Variables::new([("DB", "postgres://u:secret@h/db")]))
    }

    /// Line, message and help of each error.
    fn errors(text: &str) -> Vec<String> {
        let Err(Error::Diagnostics(errors)) = read_text(text) else { panic!("no error") };
        let line = |error: &crate::Diagnostic| error.place.as_ref().unwrap().line_column().0;
        errors
            .iter()
            .map(|error| format!("{}: {}; {}", line(error), error.message, error.help.join("; ")))
            .collect()
    }

    #[test]
    fn settings_and_defaults() {
        let config = read_text(
            "target: [a.sql, b]\nlayout: numbered\nenvironments:\n  dev: \"embedded:.schemadiff/dev\"\n  \
             prod: {url: \"${DB}\", protected: true}\n  other: {url: \"${NOWHERE}\"}\n",
        )
        .unwrap();
        assert_eq!(config.layout, Layout::Numbered);
        assert_eq!(config.target.len(), 2);
        assert!(config.migrations.ends_with("generated"));
        let variables = Variables::new([("DB", "postgres://u:secret@h/db")]);
        let of = |name: Option<&str>| config.environment(name, &variables, &Environment::default());
        let prod = of(Some("prod")).unwrap();
        assert_eq!(
            (prod.target.redacted().as_str(), prod.protection),
            ("postgresql://u@h:5432/db", Protection::Protected)
        );
        let dev = of(Some("dev")).unwrap();
        assert!(dev.target.folder().unwrap().is_absolute());
        assert!(of(Some("other")).unwrap_err().to_string().contains("`NOWHERE` is not set"));
        assert_eq!(of(None).unwrap_err().to_string(), "no database is given");
        assert!(!format!("{config:?}{variables:?}").contains("secret"));
    }

    #[test]
    fn messages_quote_no_passwords() {
        let Err(Error::Diagnostics(errors)) =
            read_text("environments: {dev: {ulr: postgres://u:secret@h/d}}")
        else {
            panic!("no error")
        };
        assert!(!format!("{errors:?}").contains("secret"));
    }

    #[test]
    fn errors_have_places() {
        assert_eq!(
            errors(
                "layuot: numbered\nlayout: monthly\nallow: 5\nlock_timeout: 5 parsecs\nenvironments:\n  dev: {ulr: x}\n"
            ),
            [
                "1: unknown key `layuot` in the configuration; did you mean `layout`?",
                "2: unknown layout `monthly`: expected timestamp, numbered or dated; ",
                "3: expected a list such as [{hazard: Rewrite, name: 'public.log', reason: it is small}], found a string; ",
                "4: expected a duration such as 500ms, 3s or 2min; ",
                "6: unknown key `ulr` in an environment; did you mean `url`?",
                "6: the environment `dev` has no `url`; ",
            ]
        );
    }
}
