//! Remedies for a failed proof.

/// The remedy for a statement that does something else than planned.
pub(super) const BUG: &str =
    "this is a bug in schemadiff: please report it, with both schemas; nothing was written";

/// The remedy for a state that differs from the expected one.
pub(super) const NOT_WRITTEN: &str =
    "nothing was written; `--no-verify` writes the migration without a proof";
