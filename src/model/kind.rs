//! What defines a kind of object. The kinds themselves are in [`crate::kinds`].

pub mod attribute;
pub mod context;
pub mod presence;
pub mod system_catalog;

pub use super::attribute_name::AttributeName;
pub use super::kind_name::{Identity, KindName, Namespace};
pub use super::step::Alteration;
pub use attribute::{Attribute, ChangeMethod, TypeChange, ValueType};
pub use context::Context;
pub use presence::Presence;
pub use system_catalog::SystemCatalog;

use super::catalog::{Catalog, DependencyKind};
use super::object::{Object, ObjectId};
use super::sql::Sql;
use super::step::Step;
use super::version::PgVersion;

/// What a kind's query costs, by which the reader assigns it to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryCost {
    /// Little, or most databases have few such objects.
    Low,
    /// More than most.
    High,
    /// The server opens each relation to deparse an expression, which is expensive once for each connection.
    OpensRelations,
}

// The flags are independent, and an entry of the table sets only those that differ from the default.
#[allow(clippy::struct_excessive_bools)]
/// A kind of object: how it is read, compared, created, altered and dropped.
pub struct Kind {
    /// The name that PostgreSQL uses, in lower case.
    pub name: &'static str,
    /// The YAML key that holds the objects of the kind.
    pub key: &'static str,
    /// The path that identifies an object.
    pub identity: Identity,
    /// The namespaces in which an object's name must be unique.
    pub namespaces: &'static [Namespace],
    /// A name or place that an object occupies without being it: the sequence of an identity column, or the bound of a
    /// partition. An object that occupies it must be dropped before another one takes it.
    pub reserves: fn(&Object) -> Option<ObjectId>,
    /// The kinds of object that it can be part of.
    pub parents: &'static [KindName],
    /// The system catalog that has a row for each object, to which `pg_depend` refers, if there is one.
    pub catalog: Option<SystemCatalog>,
    /// The probe that tells whether a database has any, so that the query can be skipped.
    pub presence: Presence,
    /// The query for all objects: `oid`, the parts of the path (`p1`, …), then a column for each attribute.
    pub query: fn(PgVersion) -> String,
    /// What the query costs.
    pub query_cost: QueryCost,
    /// The attributes, in the order in which YAML shows them.
    pub attributes: &'static [Attribute],
    /// The attribute whose value alone is the short form of an object in YAML.
    pub short_form: Option<AttributeName>,
    /// The object as `COMMENT ON` and `ALTER … OWNER TO` refer to it.
    pub reference: fn(&Object) -> Sql,
    /// The statement that renames an object, if the kind has one.
    pub rename: Option<fn(&Object, &str) -> Step>,
    /// Whether objects of different names with the same definition, on the same relation, are the same object renamed.
    pub matched_by_definition: bool,
    /// The statements that create an object. Attached attributes are set by their own alterations.
    pub create: fn(&Object, &Context) -> Vec<Step>,
    /// The statement that drops an object, or nothing if it is dropped with another one.
    pub drop: fn(&Object, &Context) -> Option<Step>,
    /// The statements that precede `drop`, or that drop an object if one statement cannot.
    pub before_drop: fn(&Object, &Context) -> Vec<Step>,
    /// The objects that an object depends on although `pg_depend` does not record it.
    pub unrecorded_dependencies: fn(&Object, &Catalog) -> Vec<(ObjectId, DependencyKind)>,
    /// Whether dropping the parent drops an object, too.
    pub dropped_with_parent: bool,
    /// Whether an object is only a set of attached attributes of a part of its parent, such as the privileges on a column of
    /// a view. It is neither created nor dropped.
    pub attributes_only: bool,
    /// Whether the objects of a parent are created in the order of their positions.
    pub ordered: bool,
    /// The attribute that names the owning object (`DependencyKind::Auto`), if ownership can be transferred: a sequence
    /// exists before the column that owns it, and can outlive it.
    pub owned_by_attribute: Option<AttributeName>,
    /// Whether a shell can be created before the definition (`Action::Declare`). Objects that the definition needs and
    /// that refer to the object themselves depend on the shell, and are dropped with it.
    pub has_shell: bool,
    /// The identity of an object for another owner, if the owner is part of it. An empty owner is the role that runs the
    /// plan.
    pub identity_for_owner: Option<fn(&Object, &str) -> ObjectId>,
    /// The object as it follows `ON` in `GRANT`, if that differs from `reference`.
    pub grant_reference: Option<fn(&Object) -> Sql>,
    /// The suffix of the default name, such as `pkey`, if the server chooses a name of the form `table_column_suffix`.
    pub default_name_suffix: Option<&'static str>,
    /// The keywords that precede the columns of a key: `PRIMARY KEY` or `UNIQUE`.
    pub key_clause: Option<&'static str>,
    /// Whether the relations store rows.
    pub stores_rows: bool,
    /// Whether dropping an object loses data, so that it is never dropped only because of another object.
    pub holds_data: fn(&Object) -> bool,
    /// Whether a new object can make statements fail, or change what they do: a constraint, a policy, a rule.
    pub restricts_statements: fn(&Object) -> bool,
    /// Whether a partition gets the objects of its partitioned table when it is created.
    pub inherited_by_partitions: bool,
    /// The changes of a data type for which objects that use it, or a column of it, are rebuilt.
    pub rebuilt_by: &'static [TypeChange],
    /// Whether objects that use a table depend only on the columns that they name, not on its row type.
    pub uses_named_columns: bool,
    /// Whether objects on a table process each row that a statement changes.
    pub processes_changed_rows: bool,
    /// The object class of `ALTER DEFAULT PRIVILEGES` that applies to new objects, if there is one.
    pub default_acl_class: Option<&'static str>,
}

impl Kind {
    /// The values that most kinds share.
    pub const DEFAULT: Self = Self {
        name: "",
        key: "",
        identity: Identity::InSchema,
        namespaces: &[Namespace::Own],
        reserves: |_| None,
        parents: &[KindName::Schema],
        catalog: None,
        presence: Presence::Always,
        query: |_| String::new(),
        query_cost: QueryCost::Low,
        attributes: &[],
        short_form: None,
        reference: |_| Sql::trusted(String::new()),
        rename: None,
        matched_by_definition: false,
        create: |_, _| Vec::new(),
        drop: |_, _| None,
        before_drop: |_, _| Vec::new(),
        unrecorded_dependencies: |_, _| Vec::new(),
        dropped_with_parent: true,
        attributes_only: false,
        ordered: false,
        owned_by_attribute: None,
        has_shell: false,
        identity_for_owner: None,
        grant_reference: None,
        default_name_suffix: None,
        key_clause: None,
        stores_rows: false,
        holds_data: |_| false,
        restricts_statements: |_| false,
        inherited_by_partitions: false,
        rebuilt_by: &[],
        uses_named_columns: false,
        processes_changed_rows: false,
        default_acl_class: None,
    };

    /// Returns whether the objects are indexes, or constraints that have an index.
    pub fn has_index(&self) -> bool {
        self.namespaces.contains(&Namespace::Relations) && !self.namespaces.contains(&Namespace::Types)
    }

    /// Returns whether the objects are constraints.
    pub fn is_constraint(&self) -> bool {
        self.namespaces.contains(&Namespace::Constraints)
    }

    /// Returns whether the objects are routines.
    pub fn is_routine(&self) -> bool {
        self.namespaces.contains(&Namespace::Routines)
    }

    /// Returns whether the objects are types, other than row types of relations.
    pub fn is_type(&self) -> bool {
        self.catalog == Some(SystemCatalog::TYPE)
    }

    /// Returns the attribute of that name, if the kind has it.
    pub fn attribute(&self, name: AttributeName) -> Option<&'static Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// Returns the attribute whose name is this text, if the kind has it.
    pub fn attribute_named(&self, name: &str) -> Option<&'static Attribute> {
        self.attributes.iter().find(|attribute| attribute.name.as_str() == name)
    }
}
