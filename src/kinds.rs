//! The kinds of object: one file for each, and one line for each in the table below.
//!
//! Everything that treats all objects in the same way (reader, differ, graph, YAML, JSON Schema, drift report) works from
//! what these files declare.

/// Declares names of attributes as constants of [`AttributeName`]. A name is declared by the kind that has the attribute, or
/// in `common/names.rs` if several kinds have it.
macro_rules! attribute_names {
    ($($constant:ident = $name:literal,)*) => {
        #[allow(missing_docs)]
        impl AttributeName {
            $(pub const $constant: Self = Self::new($name);)*
        }
    };
}

pub mod catalog_text;
pub mod common;
pub mod foreign_options;
pub mod indexed;
pub mod narrowing;
pub mod replace_in_place;
pub mod routine;
mod sequence_options;

pub use crate::model::kind::{
    Alteration, Attribute, AttributeName, ChangeMethod, Context, Identity, Kind, KindName, Namespace,
    Presence, QueryCost, TypeChange, ValueType,
};

use std::fmt;

macro_rules! kinds {
    ($($name:ident = $module:ident,)*) => {
        $(pub mod $module;)*

        /// The kinds as an enumeration, for its numbers.
        #[repr(u8)]
        enum Number {
            $($name,)*
        }

        // Constants that are named like the variants of an enumeration, as which they are used.
        #[allow(non_upper_case_globals, missing_docs)]
        impl KindName {
            $(pub const $name: Self = Self(Number::$name as u8);)*

            /// All kinds.
            pub const ALL: &[Self] = &[$(Self::$name),*];
        }

        static KINDS: &[(&str, &Kind)] = &[$((stringify!($name), &$module::KIND)),*];
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
    /// Returns the definition of the kind.
    pub fn get(self) -> &'static Kind {
        KINDS[usize::from(self.0)].1
    }

    /// Returns the kind of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.get().name == name)
    }
}

impl fmt::Debug for KindName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(KINDS[usize::from(self.0)].0)
    }
}
