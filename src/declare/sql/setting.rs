//! The session settings in force at each statement of a file.
//!
//! A statement that is postponed must run with the settings of its position in the file, so they are determined
//! before anything runs.

use std::sync::Arc;

use squawk_syntax::ast::{self, AstNode, Stmt};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::syntax::span;

/// A change that a statement makes to the session settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SettingChange {
    /// Sets a parameter, for the transaction only if `local`. `sql` sets it for the session.
    Set {
        key: String,
        sql: String,
        local: bool,
    },
    Reset {
        key: String,
    },
    ResetAll,
    /// Ends the transaction and with it the local settings.
    EndOfTransaction,
}

/// The parameter of the session user.
pub(super) const SESSION_AUTHORIZATION: &str = "session_authorization";
/// The settings that RESET ALL does not reset: the session user and the role.
const IDENTITY: [&str; 2] = [SESSION_AUTHORIZATION, "role"];

impl SettingChange {
    /// Reads the change from a statement of class `Session` or `Transaction`.
    pub(super) fn read(stmt: &Stmt, text: &str) -> Option<Self> {
        let set = |key: &str| Self::Set { key: key.into(), sql: text.into(), local: false };
        let reset = |key: &str| Self::Reset { key: key.into() };
        Some(match stmt {
            Stmt::Set(set) => return Self::set(set, text),
            Stmt::Select(select) => return Self::set_config(select),
            Stmt::SetRole(_) => set("role"),
            // SET SESSION AUTHORIZATION DEFAULT
            Stmt::SetSessionAuth(set) if has(set.syntax(), SyntaxKind::DEFAULT_KW) => {
                reset(SESSION_AUTHORIZATION)
            }
            Stmt::SetSessionAuth(_) => set(SESSION_AUTHORIZATION),
            Stmt::Load(_) => set(text),
            Stmt::ResetRole(_) => reset("role"),
            Stmt::ResetSessionAuth(_) => reset(SESSION_AUTHORIZATION),
            Stmt::Reset(target) => match target.reset_target()? {
                ast::ResetTarget::All(_) => Self::ResetAll,
                ast::ResetTarget::ConfigParameterRef(name) => reset(&key_of(name.syntax())),
                ast::ResetTarget::ResetTimeZone(_) => reset("timezone"),
                ast::ResetTarget::ResetTransactionIsolation(_) => return None,
            },
            Stmt::Commit(_) => Self::EndOfTransaction,
            // ROLLBACK TO SAVEPOINT does not end the transaction.
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
        // The statement may run outside of its transaction.
        let mut sql = text.to_string();
        if let Some(scope) = &local {
            sql.replace_range(scope.clone(), "SESSION");
        }
        // Statements are sent in UTF-8, whatever the encoding of the dumped database.
        (key != "client_encoding").then_some(Self::Set { key, sql, local: local.is_some() })
    }

    /// Reads `SELECT pg_catalog.set_config('name', 'value', false)`, with which `pg_dump` clears `search_path`.
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

/// Whether a node or token of a kind is in the subtree.
fn has(node: &SyntaxNode, kind: SyntaxKind) -> bool {
    node.descendants_with_tokens().any(|element| element.kind() == kind)
}

fn key_of(node: &SyntaxNode) -> String {
    node.text().to_string().to_ascii_lowercase().replace('"', "")
}

/// The settings in force at a statement, each with the statement that sets it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SettingContext {
    settings: Vec<(String, String)>,
}

/// The settings at the start of a declared file. Function bodies are not checked because they may name objects that a
/// later file declares.
const INITIAL: [&str; 3] =
    ["SET check_function_bodies = off", "SET search_path = public", "SET client_min_messages = error"];

impl SettingContext {
    fn set(&mut self, key: &str, sql: &str) {
        self.reset(key);
        self.settings.push((key.to_string(), sql.to_string()));
    }

    fn reset(&mut self, key: &str) {
        // SET SESSION AUTHORIZATION also resets the role.
        self.settings.retain(|(k, _)| k != key && !(key == SESSION_AUTHORIZATION && k == "role"));
    }

    /// Returns the statements that change the settings `from` to these. `reset_login` is the statement that restores
    /// the session user.
    pub(super) fn statements_from(&self, from: Option<&Self>, reset_login: &str) -> Vec<String> {
        if let Some(from) = from
            && let Some(steps) = self.additions(from)
        {
            return steps;
        }
        let reset = [reset_login, "RESET ROLE", "RESET ALL"];
        let mut steps: Vec<String> = reset.iter().chain(&INITIAL).map(ToString::to_string).collect();
        steps.extend(self.settings.iter().map(|(_, sql)| sql.clone()));
        steps
    }

    /// Returns the statement of each setting.
    pub(super) fn statements(&self) -> impl Iterator<Item = &str> {
        self.settings.iter().map(|(_, sql)| sql.as_str())
    }

    /// Returns the settings without those whose statement is in `unknown`.
    pub(super) fn without(&self, unknown: &[String]) -> Self {
        let settings = self.settings.iter().filter(|(_, sql)| !unknown.contains(sql)).cloned().collect();
        Self { settings }
    }

    /// Returns the statements that suffice if no setting of `from` has to be reset.
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

/// Tracks the settings through a file.
#[derive(Debug, Default)]
pub(super) struct SettingTracker {
    session: SettingContext,
    local: SettingContext,
    current: Arc<SettingContext>,
}

impl SettingTracker {
    /// Returns the settings in force at the current position.
    pub(super) fn current(&self) -> Arc<SettingContext> {
        Arc::clone(&self.current)
    }

    /// Applies the change of a statement.
    pub(super) fn apply(&mut self, change: &SettingChange) {
        match change {
            SettingChange::Set { key, sql, local: true } => self.local.set(key, sql),
            SettingChange::Set { key, sql, local: false } => {
                self.session.set(key, sql);
                self.local.reset(key);
            }
            SettingChange::Reset { key } => {
                self.session.reset(key);
                self.local.reset(key);
            }
            SettingChange::ResetAll => {
                self.session.settings.retain(|(key, _)| IDENTITY.contains(&key.as_str()));
                self.local = SettingContext::default();
            }
            SettingChange::EndOfTransaction => self.local = SettingContext::default(),
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
    use super::*;

    fn contexts(statements: &[&str]) -> Vec<Arc<SettingContext>> {
        let mut settings = SettingTracker::default();
        let mut contexts = vec![settings.current()];
        for text in statements {
            let stmt = squawk_syntax::SourceFile::parse(text).tree().stmts().next().unwrap();
            if let Some(change) = SettingChange::read(&stmt, text) {
                settings.apply(&change);
            }
            contexts.push(settings.current());
        }
        contexts
    }

    #[test]
    fn only_different_settings_are_sent() {
        let all = contexts(&[
            "SET search_path = a",
            "SET default_tablespace = ''",
            "SET default_tablespace = x",
            "RESET search_path",
        ]);
        let switch =
            |to: usize, from: usize| all[to].statements_from(Some(&all[from]), "RESET SESSION AUTHORIZATION");
        assert_eq!(switch(3, 2), ["SET default_tablespace = x"]);
        assert_eq!(switch(2, 0), ["SET search_path = a", "SET default_tablespace = ''"]);
        assert!(switch(2, 2).is_empty());
        assert_eq!(switch(4, 3).last().unwrap(), "SET default_tablespace = x");
        assert_eq!(switch(4, 3).len(), 7);
    }

    #[test]
    fn local_settings_end_with_the_transaction() {
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
