//! Privileges as text: `SELECT`, `SELECT*` with the grant option, `-SELECT` for a default privilege that is revoked, and
//! `SELECT by ROLE` if a role other than the owner granted it.

/// The name that represents the owner of the object among the grantees.
pub const OWNER_GRANTEE: &str = "$owner";

/// The text between a privilege and its grantor, if that is not the owner.
pub(super) const BY: &str = " by ";

/// Returns the role that granted a privilege, if that is not the owner.
pub fn grantor(privilege: &str) -> Option<&str> {
    privilege.split_once(BY).map(|(_, role)| role)
}

/// Returns the text that follows a privilege and names its grantor.
pub fn grantor_suffix(role: &str) -> String {
    format!("{BY}{role}")
}

/// Returns a privilege in upper case, with the name of its grantor unchanged.
pub fn normalize_privilege(text: &str) -> String {
    match text.split_once(BY) {
        Some((privilege, role)) => format!("{}{BY}{role}", privilege.to_uppercase()),
        None => text.to_uppercase(),
    }
}

/// What a role has of a privilege.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Holding {
    /// What it has on a new object.
    Default,
    /// Not the privilege, although it has it on a new object.
    Revoked,
    /// The privilege.
    Granted,
    /// The privilege with the grant option.
    WithGrantOption,
}

impl Holding {
    /// Returns what a role with these privileges has of the named one.
    pub(super) fn of(privileges: &[String], name: &str) -> Self {
        for privilege in privileges {
            if privilege == name {
                return Self::Granted;
            } else if privilege.strip_suffix('*') == Some(name) {
                return Self::WithGrantOption;
            } else if privilege.strip_prefix('-') == Some(name) {
                return Self::Revoked;
            }
        }
        Self::Default
    }
}
