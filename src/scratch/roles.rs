//! Stubs for roles that a schema uses and a scratch server does not have.

use crate::db::{PgVersion, Session};
use crate::error::{Diagnostic, Error, Result, codes};
use crate::model::reserved::is_system_role;
use crate::model::sql::{Ident, Literal};
use crate::sql;

/// A stub for a role of the live server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleStub {
    /// Its name.
    pub name: String,
    /// True if it must be a superuser, for example to own event triggers.
    pub superuser: bool,
}

impl RoleStub {
    /// A role without SUPERUSER.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), superuser: false }
    }
}

/// Creates the roles that do not exist and returns their names. `mark` becomes their comment.
pub(super) async fn create(session: &Session, stubs: &[RoleStub], mark: Option<&str>) -> Result<Vec<String>> {
    if stubs.is_empty() {
        return Ok(Vec::new());
    }
    let rows = session.rows("SELECT rolname FROM pg_catalog.pg_roles").await?;
    let mut created: Vec<String> = Vec::new();
    for role in stubs {
        let exists = rows.iter().any(|row| row.get(0) == Some(&role.name)) || created.contains(&role.name);
        if exists || is_system_role(&role.name) {
            continue;
        }
        let name = Ident(&role.name);
        let mut batch = if role.superuser {
            sql!("CREATE ROLE {} NOLOGIN SUPERUSER;", name)
        } else {
            sql!("CREATE ROLE {} NOLOGIN;", name)
        };
        if let Some(mark) = mark {
            batch.push(&sql!("COMMENT ON ROLE {} IS {};", name, Literal(mark)));
        }
        if !session.superuser() {
            // ALTER ... OWNER TO requires membership in the new owner. From 16 on, the creator of a role gets only the
            // ADMIN option.
            batch.push(&if session.version() >= PgVersion::V16 {
                sql!("GRANT {} TO CURRENT_USER WITH INHERIT TRUE, SET TRUE;", name)
            } else {
                sql!("GRANT {} TO CURRENT_USER;", name)
            });
        }
        match session.run(batch.as_str()).await {
            Ok(()) => created.push(role.name.clone()),
            // Another run has just created it.
            Err(Error::Server(error)) if error.code == "42710" => {}
            Err(Error::Server(error)) if error.code == "42501" => {
                let me = session.role();
                return Err(Diagnostic::new(
                    codes::PRIVILEGE,
                    format!(
                        "the role `{}` does not exist on the scratch server, and `{me}` may not create it",
                        role.name
                    ),
                )
                .help(
                    "create it there, grant CREATEROLE, or choose another scratch server: --scratch binaries",
                )
                .into());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(created)
}
