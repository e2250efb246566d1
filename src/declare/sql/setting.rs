//! The settings that hold at a statement's place in its file.
//!
//! A statement that is put off must run under what its neighbours ran under, so the settings are
//! worked out before anything runs.

use std::sync::Arc;

use squawk_syntax::ast::{self, AstNode, Stmt};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::class::span;

/// What a statement does to the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Set { key: String, sql: String, local: bool },
    Reset { key: String },
    ResetAll,
    EndOfTransaction,
}

/// The parameter of the login that statements run as.
pub(super) const LOGIN: &str = "session_authorization";
/// The role and the login that statements run as; RESET ALL leaves them.
const IDENTITY: [&str; 2] = [LOGIN, "role"];

impl Change {
    /// Reads one from a statement of the classes `Session` and `Transaction`.
    pub(super) fn read(stmt: &Stmt, text: &str) -> Option<Self> {
        let set = |key: &str| Self::Set { key: key.into(), sql: text.into(), local: false };
        let reset = |key: &str| Self::Reset { key: key.into() };
        Some(match stmt {
            Stmt::Set(set) => return Self::set(set, text),
            Stmt::Select(select) => return Self::set_config(select),
            Stmt::SetRole(_) => set("role"),
            // SET SESSION AUTHORIZATION DEFAULT
            Stmt::SetSessionAuth(set) if has(set.syntax(), SyntaxKind::DEFAULT_KW) => reset(LOGIN),
            Stmt::SetSessionAuth(_) => set(LOGIN),
            Stmt::Load(_) => set(text),
            Stmt::ResetRole(_) => reset("role"),
            Stmt::ResetSessionAuth(_) => reset(LOGIN),
            Stmt::Reset(target) => match target.reset_target()? {
                ast::ResetTarget::All(_) => Self::ResetAll,
                ast::ResetTarget::ConfigParameterRef(name) => reset(&key_of(name.syntax())),
                ast::ResetTarget::ResetTimeZone(_) => reset("timezone"),
                ast::ResetTarget::ResetTransactionIsolation(_) => return None,
            },
            Stmt::Commit(_) => Self::EndOfTransaction,
            // A savepoint keeps the transaction, and its settings, open.
            Stmt::Rollback(rollback) if !has(rollback.syntax(), SyntaxKind::TO_KW) => Self::EndOfTransaction,
            _ => return None,
        })
    }

    fn set(set: &ast::Set, text: &str) -> Option<Self> {
        let key = match set.set_target()? {
            ast::SetTarget::SetConfig(config) => key_of(config.config_parameter_ref()?.syntax()),
            ast::SetTarget::SetSchemaValue(_) => "search_path".into(),
            ast::SetTarget::SetTimeZone(_) => "timezone".into(),
            ast::SetTarget::SetXmlOption(_) => "xmloption".into(),
            ast::SetTarget::SetCatalog(_) => return None,
        };
        let local = match set.set_scope() {
            Some(ast::SetScope::LocalScope(scope)) => Some(span(scope.syntax())),
            _ => None,
        };
        // The statement may run outside of the transaction it stands in.
        let mut sql = text.to_string();
        if let Some(scope) = &local {
            sql.replace_range(scope.clone(), "SESSION");
        }
        // What we send is UTF-8, whatever the file was dumped from.
        (key != "client_encoding").then_some(Self::Set { key, sql, local: local.is_some() })
    }

    /// `SELECT pg_catalog.set_config('name', 'value', false)`, which is how `pg_dump` clears the path.
    pub(super) fn set_config(select: &ast::Select) -> Option<Self> {
        if select.syntax().children().count() != 1 {
            return None;
        }
        let target = select.select_clause()?.target_list()?.syntax().first_child()?;
        let call = target.children().find_map(ast::CallExpr::cast)?;
        let callee: Vec<String> = call
            .syntax()
            .first_child()?
            .descendants()
            .filter(|node| node.kind() == SyntaxKind::NAME_REF)
            .map(|node| ast::normalize_name_node(&node))
            .collect();
        if !matches!(
            callee.iter().map(String::as_str).collect::<Vec<_>>()[..],
            ["pg_catalog", "set_config"] | ["set_config"]
        ) {
            return None;
        }
        let arguments: Vec<ast::Literal> =
            call.arg_list()?.syntax().descendants().filter_map(ast::Literal::cast).collect();
        let [name, value, local] = arguments.as_slice() else { return None };
        let key = name.decoded_value()?.text().to_ascii_lowercase();
        let sql = format!("SELECT pg_catalog.set_config({}, {}, false)", name.syntax(), value.syntax());
        let local = local.syntax().first_token().is_some_and(|token| token.kind() == SyntaxKind::TRUE_KW);
        Some(Self::Set { key, sql, local })
    }
}

fn has(node: &SyntaxNode, kind: SyntaxKind) -> bool {
    node.descendants_with_tokens().any(|element| element.kind() == kind)
}

fn key_of(node: &SyntaxNode) -> String {
    node.text().to_string().to_ascii_lowercase().replace('"', "")
}

/// Settings in force, each by the statement that sets it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Context {
    settings: Vec<(String, String)>,
}

/// What a declared file starts with. Bodies are not checked because they may
/// name what a later file declares.
const DECLARED: [&str; 3] =
    ["SET check_function_bodies = off", "SET search_path = public", "SET client_min_messages = error"];

impl Context {
    fn set(&mut self, key: &str, sql: &str) {
        self.reset(key);
        self.settings.push((key.to_string(), sql.to_string()));
    }

    fn reset(&mut self, key: &str) {
        // A new login takes the role with it.
        self.settings.retain(|(k, _)| k != key && !(key == LOGIN && k == "role"));
    }

    /// The statements that lead from the settings `from` to these, empty if they are the same. `reset_login` returns to
    /// the role that logged in.
    pub(super) fn switch(&self, from: Option<&Self>, reset_login: &str) -> Vec<String> {
        if let Some(from) = from
            && let Some(steps) = self.additions(from)
        {
            return steps;
        }
        let clear = [reset_login, "RESET ROLE", "RESET ALL"];
        let mut steps: Vec<String> = clear.iter().chain(&DECLARED).map(ToString::to_string).collect();
        steps.extend(self.settings.iter().map(|(_, sql)| sql.clone()));
        steps
    }

    /// Every setting of these, for a check of each.
    pub(super) fn statements(&self) -> impl Iterator<Item = &str> {
        self.settings.iter().map(|(_, sql)| sql.as_str())
    }

    /// These without the settings whose statement is in `unknown`.
    pub(super) fn without(&self, unknown: &[String]) -> Self {
        let settings = self.settings.iter().filter(|(_, sql)| !unknown.contains(sql)).cloned().collect();
        Self { settings }
    }

    fn additions(&self, from: &Self) -> Option<Vec<String>> {
        let kept = from.settings.iter().all(|(key, _)| self.settings.iter().any(|(k, _)| k == key));
        let identity = |context: &Self| -> Vec<(String, String)> {
            context.settings.iter().filter(|(k, _)| IDENTITY.contains(&k.as_str())).cloned().collect()
        };
        (kept && identity(self) == identity(from)).then(|| {
            self.settings
                .iter()
                .filter(|setting| !from.settings.contains(setting))
                .map(|s| s.1.clone())
                .collect()
        })
    }
}

/// Follows the settings through a file.
#[derive(Debug, Default)]
pub(super) struct Settings {
    session: Context,
    local: Context,
    current: Arc<Context>,
}

impl Settings {
    /// What holds here.
    pub(super) fn current(&self) -> Arc<Context> {
        Arc::clone(&self.current)
    }

    /// Goes past a statement.
    pub(super) fn apply(&mut self, change: &Change) {
        match change {
            Change::Set { key, sql, local: true } => self.local.set(key, sql),
            Change::Set { key, sql, local: false } => {
                self.session.set(key, sql);
                self.local.reset(key);
            }
            Change::Reset { key } => {
                self.session.reset(key);
                self.local.reset(key);
            }
            Change::ResetAll => {
                self.session.settings.retain(|(key, _)| IDENTITY.contains(&key.as_str()));
                self.local = Context::default();
            }
            Change::EndOfTransaction => self.local = Context::default(),
        }
        let mut next = self.session.clone();
        for (key, sql) in &self.local.settings {
            next.set(key, sql);
        }
        if next != *self.current {
            self.current = Arc::new(next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::class::read;
    use super::*;

    fn contexts(statements: &[&str]) -> Vec<Arc<Context>> {
        let mut settings = Settings::default();
        let mut contexts = vec![settings.current()];
        for text in statements {
            if let Some(change) = read(text).change {
                settings.apply(&change);
            }
            contexts.push(settings.current());
        }
        contexts
    }

    #[test]
    fn a_switch_sends_only_what_differs() {
        let all = contexts(&[
            "SET search_path = a",
            "SET default_tablespace = ''",
            "SET default_tablespace = x",
            "RESET search_path",
        ]);
        let switch = |to: usize, from: usize| all[to].switch(Some(&all[from]), "RESET SESSION AUTHORIZATION");
        assert_eq!(switch(3, 2), ["SET default_tablespace = x"]);
        assert_eq!(switch(2, 0), ["SET search_path = a", "SET default_tablespace = ''"]);
        assert!(switch(2, 2).is_empty());
        assert_eq!(switch(4, 3).last().unwrap(), "SET default_tablespace = x");
        assert_eq!(switch(4, 3).len(), 7);
    }

    #[test]
    fn local_settings_end_with_their_transaction() {
        let all = contexts(&[
            "BEGIN",
            "SET LOCAL search_path = a",
            "ROLLBACK TO SAVEPOINT x",
            "COMMIT",
            "select set_config('search_path', 'b', true)",
            "SET client_encoding = 'LATIN1'",
        ]);
        let sql = |i: usize| all[i].statements().collect::<Vec<_>>();
        assert_eq!(sql(2), ["SET SESSION search_path = a"]);
        assert_eq!(sql(3), ["SET SESSION search_path = a"]);
        assert!(sql(4).is_empty());
        assert_eq!(sql(6), ["SELECT pg_catalog.set_config('search_path', 'b', false)"]);
    }
}
