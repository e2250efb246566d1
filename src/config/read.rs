//! Reads the file with places: unknown keys, wrong types, variables that are not set.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use indexmap::IndexMap;

use super::{Config, Declared, Layout, Variables, Written, beside};
use crate::allow::Allowance;
use crate::duration;
use crate::error::text::suggest;
use crate::error::{Diagnostic, Error, Place, Result, codes};
use crate::files;
use crate::kinds::KindName;
use crate::manage::{ManagePolicy, Rule};
use crate::model::rename::AmbiguousRenames;
use crate::park::Drops;
use crate::recipes::Policy;
use crate::scratch::Protection;
use crate::yaml::{self, Key, Node, Value};

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

pub(super) fn read(file: &Path, variables: &Variables) -> Result<Config> {
    let text: Arc<str> = files::read(file)?.into();
    // What is shown has the same length, so that places hold.
    let shown: Arc<str> = without_passwords(&text).into();
    let name = file.display().to_string();
    let root = yaml::parse(&name, &text).map_err(|mut wrong| {
        if let Some(place) = &mut wrong.place {
            place.text = Arc::clone(&shown);
        }
        *wrong
    })?;
    let mut reader = Reader { file: name, text: shown, variables, wrong: Vec::new() };
    let mut config = Config { file: Some(file.to_owned()), ..Config::defaults() };
    for path in config.target.iter_mut().chain([&mut config.migrations]) {
        *path = beside(file, &path.display().to_string());
    }
    if let Some(root) = &root {
        reader.root(root, &mut config, file);
    }
    if reader.wrong.is_empty() { Ok(config) } else { Err(Error::Diagnostics(reader.wrong)) }
}

/// The text with stars for the passwords in addresses.
fn without_passwords(text: &str) -> String {
    let mut out = text.to_owned();
    let mut hide = |start: usize, end: usize| {
        if start < end && !text[start..end].starts_with("${") {
            out.replace_range(start..end, &"*".repeat(end - start));
        }
    };
    let ends = |c: char| c.is_whitespace() || "\"'{},#".contains(c);
    for (at, scheme) in text.match_indices("://") {
        let start = at + scheme.len();
        let word = text[start..].split(ends).next().unwrap_or_default();
        if let Some((login, _)) = word.rsplit_once('@')
            && let Some((user, _)) = login.split_once(':')
        {
            hide(start + user.len() + 1, start + login.len());
        }
    }
    for (at, key) in text.match_indices("password=") {
        let start = at + key.len();
        hide(start, start + text[start..].split(ends).next().unwrap_or_default().len());
    }
    out
}

struct Reader<'a> {
    file: String,
    text: Arc<str>,
    variables: &'a Variables,
    wrong: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn place(&self, span: Range<usize>) -> Place {
        Place { file: self.file.clone(), text: Arc::clone(&self.text), span }
    }

    fn wants(&mut self, node: &Node, wanted: &str) {
        let message = format!("here stands {}, and it should be {wanted}", node.type_name());
        let place = self.place(node.span.clone());
        self.wrong.push(Diagnostic::new(codes::VALUE, message).at(place));
    }

    fn unknown(&mut self, key: &Key, known: &[&str], of: &str) {
        let diagnostic = Diagnostic::new(codes::KEY, format!("{of} has no key `{}`", key.text))
            .at(self.place(key.span.clone()));
        self.wrong.push(match suggest(&key.text, known.iter().copied()) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic.help(format!("its keys are {}", known.join(", "))),
        });
    }

    fn map<'n>(&mut self, node: &'n Node, what: &str) -> &'n [(Key, Node)] {
        match &node.value {
            Value::Map(map) => map,
            Value::Scalar(..) if node.is_null() => &[],
            Value::Scalar(..) | Value::List(_) => {
                self.wants(node, what);
                &[]
            }
        }
    }

    fn root(&mut self, root: &Node, config: &mut Config, file: &Path) {
        let mut default = None;
        for (key, node) in self.map(root, "a map of settings") {
            match &*key.text {
                "target" => {
                    let paths = self.texts(node);
                    if !paths.is_empty() {
                        config.target = paths.iter().map(|path| beside(file, path)).collect();
                    }
                }
                "migrations" => {
                    if let Some(path) = self.text(node) {
                        config.migrations = beside(file, &path);
                    }
                }
                "layout" => {
                    if let Some(text) = self.text(node) {
                        match Layout::named(&text) {
                            Some(layout) => config.layout = layout,
                            None => self.wants(node, &format!("one of {}", Layout::NAMES.join(", "))),
                        }
                    }
                }
                "renames" => {
                    if let Some(text) = self.text(node) {
                        config.renames = AmbiguousRenames::named(&text);
                        if config.renames.is_none() {
                            self.wants(node, &format!("one of {}", AmbiguousRenames::NAMES.join(", ")));
                        }
                    }
                }
                "scratch" => config.scratch = self.text(node),
                "environments" => config.environments = self.environments(node),
                "manage" => config.manage.rules = self.rules(node),
                "policy" => {
                    if let Some(text) = self.text(node) {
                        match Policy::named(&text) {
                            Some(policy) => config.policy = policy,
                            None => self.wants(node, &format!("one of {}", Policy::NAMES.join(", "))),
                        }
                    }
                }
                "lock_timeout" => {
                    if let Some(text) = self.text(node) {
                        match duration::positive(&text) {
                            Ok(time) => config.lock_timeout = time,
                            Err(_) => self.wants(node, duration::EXAMPLES),
                        }
                    }
                }
                "drop" => {
                    if let Some(text) = self.text(node) {
                        match Drops::named(&text) {
                            Some(drops) => config.drops = drops,
                            None => self.wants(node, &format!("one of {}", Drops::NAMES.join(", "))),
                        }
                    }
                }
                "allow" => config.allow = self.allowances(node),
                "stats" => config.stats = self.text(node).map(|path| beside(file, &path)),
                "grantees" => config.manage.grantees = Some(self.texts(node)),
                "default_environment" => default = self.text(node).map(|name| (name, node.span.clone())),
                _ => self.unknown(key, KEYS, "the configuration"),
            }
        }
        if let Some((name, span)) = default {
            if !config.environments.contains_key(&name) {
                let place = self.place(span);
                let unknown =
                    Diagnostic::new(codes::VALUE, format!("there is no environment `{name}`")).at(place);
                self.wrong.push(match suggest(&name, config.environments.keys().map(String::as_str)) {
                    Some(near) => unknown.help(format!("did you mean `{near}`?")),
                    None => unknown.help("it names one of `environments`"),
                });
            }
            config.default_environment = Some(name);
        }
    }

    fn rules(&mut self, node: &Node) -> Vec<Rule> {
        let Value::List(list) = &node.value else {
            self.wants(node, "a list of rules such as {ignore: 'audit.*'}");
            return Vec::new();
        };
        list.iter().filter_map(|rule| self.rule(rule)).collect()
    }

    fn rule(&mut self, node: &Node) -> Option<Rule> {
        let (mut said, mut kind) = (None, None);
        for (key, value) in self.map(node, "a rule such as {ignore: 'audit.*'}") {
            match (&*key.text, ManagePolicy::named(&key.text)) {
                (_, Some(care)) if said.is_none() => said = Some((care, self.text(value)?)),
                ("kind", _) => {
                    let name = self.text(value)?;
                    kind = KindName::named(&name);
                    if kind.is_none() {
                        self.wants(value, "a kind of object such as table, view or function");
                    }
                }
                _ => self.unknown(key, RULE_KEYS, "a rule"),
            }
        }
        let Some((care, name)) = said else {
            self.wants(node, "a rule with one of manage, report, ignore");
            return None;
        };
        Some(Rule { policy: care, kind, name })
    }

    fn allowances(&mut self, node: &Node) -> Vec<Allowance> {
        const WANTED: &str = "a list such as [{hazard: Rewrite, name: 'public.log', reason: it is small}]";
        let Value::List(list) = &node.value else {
            self.wants(node, WANTED);
            return Vec::new();
        };
        let mut all = Vec::new();
        for entry in list.iter() {
            let (mut code, mut name, mut reason) = (None, None, None);
            for (key, value) in self.map(entry, WANTED) {
                match &*key.text {
                    "hazard" => {
                        let text = self.text(value).unwrap_or_default();
                        code = crate::allow::code_of(&text).map(str::to_owned);
                        if code.is_none() {
                            self.wants(value, &format!("one of {}", crate::allow::names()));
                        }
                    }
                    "name" => name = self.text(value),
                    "reason" => reason = self.text(value),
                    _ => self.unknown(key, ALLOW_KEYS, "what is allowed"),
                }
            }
            match (code, reason) {
                (Some(code), Some(reason)) => all.push(Allowance { code, name, reason }),
                (Some(_), None) => self.wants(entry, "a map with `hazard` and a `reason`"),
                (None, _) => {}
            }
        }
        all
    }

    fn environments(&mut self, node: &Node) -> IndexMap<String, Declared> {
        let mut all = IndexMap::new();
        for (key, node) in self.map(node, "a map of environments by name") {
            let mut url = None;
            let mut protection = Protection::Open;
            // An address alone is an environment too.
            if node.text().is_some() {
                url = self.address(node);
            } else {
                for (key, node) in self.map(node, "a map with `url`") {
                    match &*key.text {
                        "url" => {
                            url = self.address(node);
                            if url.is_none() {
                                self.wants(node, "an address");
                            }
                        }
                        "protected" => match node.text() {
                            Some("true" | "yes") => protection = Protection::Protected,
                            Some("false" | "no") => protection = Protection::Open,
                            _ => self.wants(node, "true or false"),
                        },
                        _ => self.unknown(key, ENVIRONMENT_KEYS, "an environment"),
                    }
                }
            }
            if let Some(url) = url {
                all.insert(key.text.to_string(), Declared { url, protection });
            } else {
                let message = format!("the environment `{}` has no `url`", key.text);
                let place = self.place(key.span.clone());
                self.wrong.push(Diagnostic::new(codes::VALUE, message).at(place));
            }
        }
        all
    }

    fn address(&self, node: &Node) -> Option<Written> {
        Some(Written { text: node.text()?.to_owned(), place: self.place(node.span.clone()) })
    }

    fn texts(&mut self, node: &Node) -> Vec<String> {
        match &node.value {
            Value::List(list) => list.iter().filter_map(|item| self.text(item)).collect(),
            Value::Scalar(..) | Value::Map(_) => self.text(node).into_iter().collect(),
        }
    }

    fn text(&mut self, node: &Node) -> Option<String> {
        let Some(text) = node.text() else {
            self.wants(node, "a text");
            return None;
        };
        match self.variables.expand(text) {
            Ok(text) => Some(text),
            Err(why) => {
                let place = self.place(node.span.clone());
                self.wrong.push(
                    Diagnostic::new(codes::VALUE, why)
                        .at(place)
                        .help("set it, write it into `.env`, or give a default: ${NAME:-value}"),
                );
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Environment;
    use crate::report::diagnostic::{Colour, render_error};

    fn read_text(text: &str) -> Result<Config> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("schemadiff.yaml");
        std::fs::write(&file, text).unwrap();
        read(&file, &Variables::new([("DB", "postgres://u:secret@h/db")]))
    }

    #[test]
    fn what_is_said_and_what_is_not() {
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
        assert_eq!(of(None).unwrap_err().to_string(), "no database is named");
        assert!(!format!("{config:?}{variables:?}").contains("secret"));
    }

    #[test]
    fn passwords_are_not_shown() {
        let text = "a: postgres://u:se@cret@h/d?password=x y, \"host=h password=öö\" postgres://u:${P}@h";
        let shown = without_passwords(text);
        assert_eq!(shown.len(), text.len());
        assert_eq!(
            shown,
            "a: postgres://u:*******@h/d?password=* y, \"host=h password=****\" postgres://u:${P}@h"
        );
        let error = read_text("environments: {dev: {ulr: postgres://u:secret@h/d}}").unwrap_err();
        assert!(!render_error(&error, Colour::Never).contains("secret"));
    }

    #[test]
    fn mistakes_have_places() {
        let shown = render_error(
            &read_text("layuot: numbered\nlayout: monthly\nenvironments:\n  dev: {ulr: x}\n").unwrap_err(),
            Colour::Never,
        );
        assert!(shown.contains("has no key `layuot`") && shown.contains("did you mean `layout`?"), "{shown}");
        assert!(shown.contains("schemadiff.yaml:2:9"), "{shown}");
        assert!(shown.contains("did you mean `url`?") && shown.contains("`dev` has no `url`"), "{shown}");
    }
}
