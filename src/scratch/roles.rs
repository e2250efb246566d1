//! Roles that a schema names and a scratch server lacks.

use crate::db::{PgVersion, Session};
use crate::error::{Diagnostic, Error, Result, codes};
use crate::model::reserved::is_system_role;
use crate::model::sql::{Ident, Literal};
use crate::sql;

/// A role to stand in for one of the live server's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleStub {
    /// Its name.
    pub name: String,
    /// Whether it is a superuser there: only superusers own event triggers, for example.
    pub superuser: bool,
}

impl RoleStub {
    /// An ordinary role.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), superuser: false }
    }
}

/// Creates the roles that are missing and says which. `mark` becomes their comment.
pub(super) async fn create(
    session: &Session,
    wanted: &[RoleStub],
    mark: Option<&str>,
) -> Result<Vec<String>> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let rows = session.rows("SELECT rolname FROM pg_catalog.pg_roles").await?;
    let mut created: Vec<String> = Vec::new();
    for role in wanted {
        let there = rows.iter().any(|row| row.get(0) == Some(&role.name)) || created.contains(&role.name);
        if there || is_system_role(&role.name) {
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
            // Objects can be given only to a role that one is a member of; from 16 on creating a
            // role makes one its administrator, and no more.
            batch.push(&if session.version() >= PgVersion::V16 {
                sql!("GRANT {} TO CURRENT_USER WITH INHERIT TRUE, SET TRUE;", name)
            } else {
                sql!("GRANT {} TO CURRENT_USER;", name)
            });
        }
        match session.run(batch.as_str()).await {
            Ok(()) => created.push(role.name.clone()),
            // Another run made it just now.
            Err(Error::Server(error)) if error.code == "42710" => {}
            Err(Error::Server(error)) if error.code == "42501" => {
                let me = session.role();
                return Err(Diagnostic::new(
                    codes::PRIVILEGE,
                    format!(
                        "the role `{}` is missing on the scratch server, and `{me}` may not create it",
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
