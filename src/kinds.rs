//! The kinds of object, one file each. This table is the one place that grows.
//!
//! Everything that treats objects alike (reader, differ, graph, YAML, JSON Schema, drift text)
//! works from the tables that the files below declare.

pub mod attribute;
pub mod catalog_text;
pub mod common;
pub mod context;
pub mod foreign_options;
pub mod indexed;
pub mod narrowing;
pub mod presence;
pub mod replace_in_place;
pub mod routine;

pub use attribute::{Alteration, Attribute, How, Rebuilds, Type};
pub use context::Context;
pub use presence::Presence;

use crate::model::sql::Sql;
use crate::model::{Catalog, Object, ObjectId, PgVersion, Step};

/// What names an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// A name in the database.
    Global,
    /// A name on an object of the database.
    OnGlobal,
    /// A name in a schema.
    InSchema,
    /// A name on a relation, type or domain.
    OnRelation,
    /// The one of its relation.
    OfRelation,
    /// The one of its column.
    OfColumn,
    /// A name in a schema with what tells objects of that name apart: the types of a routine's arguments or
    /// of an operator's operands, or an access method.
    Routine,
}

impl Identity {
    /// How many names identify an object.
    pub const fn depth(self) -> usize {
        match self {
            Self::Global => 1,
            Self::OnGlobal | Self::InSchema | Self::OfRelation => 2,
            Self::OnRelation | Self::OfColumn | Self::Routine => 3,
        }
    }
}

/// What objects of a name exclude each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Namespace {
    /// None but its own kind.
    Own,
    /// `pg_class`: relations, indexes and what creates an index.
    Relations,
    /// `pg_type`; every relation has a row type there too.
    Types,
    /// `pg_proc`.
    Routines,
    /// `pg_constraint`, on one relation.
    Constraints,
}

// Each says something else, and an entry of the table names those it changes.
#[allow(clippy::struct_excessive_bools)]
/// A kind of object: how it is read, compared, created, changed and dropped.
pub struct Kind {
    /// PostgreSQL's word, lower case.
    pub name: &'static str,
    /// The key in YAML under which objects of the kind stand.
    pub key: &'static str,
    /// What identifies an object.
    pub identity: Identity,
    /// Names that objects of this kind take.
    pub namespaces: &'static [Namespace],
    /// What it takes that is no object of its own, or that only one can have at a time: the name of an identity column's
    /// sequence, a place among the partitions of a table.
    pub hides: fn(&Object) -> Option<ObjectId>,
    /// What it can be part of.
    pub parents: &'static [KindName],
    /// The system catalog of its rows, by which dependencies find it.
    pub catalog: &'static str,
    /// What tells that a database has none, so that the query need not be run.
    pub presence: Presence,
    /// One query for all objects: `oid`, the parts of the identity (`p1`…), then a column an attribute.
    pub query: fn(PgVersion) -> String,
    /// The attributes, in the order in which YAML shows them.
    pub attributes: &'static [Attribute],
    /// The attribute that stands for all in YAML's short form.
    pub short: Option<&'static str>,
    /// How `COMMENT ON`, `ALTER … OWNER TO` and the like name an object.
    pub reference: fn(&Object) -> Sql,
    /// The statement that gives an object another name, where the kind has one.
    pub rename: Option<fn(&Object, &str) -> Step>,
    /// Whether the name is no part of what an object is: one that is the same in all else, on the same relation, is
    /// the same under another name.
    pub matched_by_definition: bool,
    /// Statements that bring an object. What hangs off it is added by its attributes.
    pub create: fn(&Object, &Context) -> Vec<Step>,
    /// The statement that takes it away, or nothing where it goes by itself.
    pub drop: fn(&Object, &Context) -> Option<Step>,
    /// Statements that take it away where one does not do, or that must come before `drop`.
    pub leave: fn(&Object, &Context) -> Vec<Step>,
    /// Dependencies that `pg_depend` does not record: what this object depends on.
    pub depends: fn(&Object, &Catalog) -> Vec<(ObjectId, crate::model::DependencyKind)>,
    /// Whether it vanishes with its parent.
    pub dropped_with_parent: bool,
    /// Whether new ones must come in the order of their positions.
    pub ordered: bool,
    /// The attribute that names what it belongs to (`Auto`), where it can be given to another and outlive that. A
    /// sequence is there before the column that owns it.
    pub owned_by_attribute: Option<&'static str>,
    /// Whether its name can be declared before what it is made of (`Action::Declare`). What it needs and
    /// what at the same time needs it rests on the declaration, and goes with it.
    pub declarable: bool,
    /// The identity for an owner, where that is part of it; no owner is whoever runs the plan.
    pub named_for: Option<fn(&Object, &str) -> ObjectId>,
    /// What default privileges call objects of the kind, where they get any when they are created.
    pub default_acl_class: Option<&'static str>,
}

impl Kind {
    /// What most kinds are.
    pub const DEFAULT: Self = Self {
        name: "",
        key: "",
        identity: Identity::InSchema,
        namespaces: &[Namespace::Own],
        hides: |_| None,
        parents: &[KindName::Schema],
        catalog: "",
        presence: Presence::Always,
        query: |_| String::new(),
        attributes: &[],
        short: None,
        reference: |_| Sql::trusted(String::new()),
        rename: None,
        matched_by_definition: false,
        create: |_, _| Vec::new(),
        drop: |_, _| None,
        leave: |_, _| Vec::new(),
        depends: |_, _| Vec::new(),
        dropped_with_parent: true,
        ordered: false,
        owned_by_attribute: None,
        declarable: false,
        named_for: None,
        default_acl_class: None,
    };

    /// An attribute.
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }
}

macro_rules! kinds {
    ($($name:ident = $module:ident,)*) => {
        $(pub mod $module;)*

        /// The name of a kind; the order breaks ties in a plan.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum KindName {
            $(#[allow(missing_docs)] $name,)*
        }

        impl KindName {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The kind.
            pub fn get(self) -> &'static Kind {
                match self {
                    $(Self::$name => &$module::KIND,)*
                }
            }
        }
    };
}

kinds! {
    Schema = schema,
    Extension = extension,
    Language = language,
    AccessMethod = access_method,
    Collation = collation,
    Transform = transform,
    Enum = enumeration,
    Composite = composite,
    Attribute = composite_attribute,
    BaseType = base_type,
    Range = range,
    Domain = domain,
    DomainConstraint = domain_constraint,
    Cast = cast,
    Function = function,
    Procedure = procedure,
    Aggregate = aggregate,
    Operator = operator,
    OperatorFamily = operator_family,
    OperatorClass = operator_class,
    Conversion = conversion,
    TextSearchParser = text_search_parser,
    TextSearchTemplate = text_search_template,
    TextSearchDictionary = text_search_dictionary,
    TextSearchConfiguration = text_search_configuration,
    ForeignDataWrapper = foreign_data_wrapper,
    Server = server,
    UserMapping = user_mapping,
    Sequence = sequence,
    Table = table,
    ForeignTable = foreign_table,
    Column = column,
    Partition = partition,
    View = view,
    MaterializedView = materialized_view,
    ViewColumn = view_column,
    Default = column_default,
    Check = check,
    PrimaryKey = primary_key,
    Unique = unique,
    Exclusion = exclusion,
    Index = index,
    Statistics = statistics,
    ForeignKey = foreign_key,
    Trigger = trigger,
    Rule = rule,
    Policy = policy,
    Publication = publication,
    PublicationTable = publication_table,
    PublicationSchema = publication_schema,
    Subscription = subscription,
    DefaultPrivileges = default_privileges,
    SystemPrivileges = system_privileges,
    EventTrigger = event_trigger,
}

impl KindName {
    /// The kind of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.get().name == name)
    }
}
