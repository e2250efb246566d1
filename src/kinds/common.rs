//! Attributes, statements and query columns that several kinds share.

mod attachments;
mod comment;
mod constraint;
mod enabled;
mod extensions;
mod grants;
mod lists;
mod names;
mod options;
mod owner;
mod phase;
mod query_operators;
mod relation;
mod rename;
mod sequence_value;

pub use attachments::{attach_all, detach};
pub use comment::{COMMENT, comment};
pub use constraint::{add_constraint, constraint_reference, deferrability, drop_constraint};
pub use enabled::{ENABLED, enable};
pub use extensions::DEPENDS_ON_EXTENSIONS;
pub use grants::{
    GRANTS, OWNER_BY_NAME, OWNER_GRANTEE, grant_steps, grantor, grantor_suffix, grants_beyond, grants_by,
    grants_column, normalize_privilege, part_grant_steps,
};
pub use lists::{expressions, idents};
pub use options::{definition_list, option_steps, options};
pub use owner::{OWNER, owner_by, owner_column, owner_steps};
pub use phase::contract_if_existing;
pub use query_operators::ordering_classes;
pub use relation::{relation_of, table_of};
pub use rename::{
    move_to, rename, rename_constraint, rename_index, rename_on_relation, rename_quietly, rename_relation,
};
pub use sequence_value::advance_sequence;
