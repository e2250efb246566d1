//! System catalogs.

/// A system catalog: a table of `pg_catalog`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemCatalog {
    /// The name of the table.
    pub name: &'static str,
    /// Its OID, which is the same in every major version, because it is part of the on-disk format.
    pub oid: u32,
}

// The names of the tables without `pg_`.
#[allow(missing_docs)]
impl SystemCatalog {
    pub const AM: Self = Self::new("pg_am", 2601);
    pub const AMOP: Self = Self::new("pg_amop", 2602);
    pub const AMPROC: Self = Self::new("pg_amproc", 2603);
    pub const ATTRDEF: Self = Self::new("pg_attrdef", 2604);
    pub const CAST: Self = Self::new("pg_cast", 2605);
    pub const CLASS: Self = Self::new("pg_class", 1259);
    pub const COLLATION: Self = Self::new("pg_collation", 3456);
    pub const CONSTRAINT: Self = Self::new("pg_constraint", 2606);
    pub const CONVERSION: Self = Self::new("pg_conversion", 2607);
    pub const DEFAULT_ACL: Self = Self::new("pg_default_acl", 826);
    pub const EVENT_TRIGGER: Self = Self::new("pg_event_trigger", 3466);
    pub const EXTENSION: Self = Self::new("pg_extension", 3079);
    pub const FOREIGN_DATA_WRAPPER: Self = Self::new("pg_foreign_data_wrapper", 2328);
    pub const FOREIGN_SERVER: Self = Self::new("pg_foreign_server", 1417);
    pub const LANGUAGE: Self = Self::new("pg_language", 2612);
    pub const NAMESPACE: Self = Self::new("pg_namespace", 2615);
    pub const OPCLASS: Self = Self::new("pg_opclass", 2616);
    pub const OPERATOR: Self = Self::new("pg_operator", 2617);
    pub const OPFAMILY: Self = Self::new("pg_opfamily", 2753);
    pub const POLICY: Self = Self::new("pg_policy", 3256);
    pub const PROC: Self = Self::new("pg_proc", 1255);
    pub const PUBLICATION: Self = Self::new("pg_publication", 6104);
    pub const PUBLICATION_NAMESPACE: Self = Self::new("pg_publication_namespace", 6237);
    pub const PUBLICATION_REL: Self = Self::new("pg_publication_rel", 6106);
    pub const REWRITE: Self = Self::new("pg_rewrite", 2618);
    pub const STATISTIC_EXT: Self = Self::new("pg_statistic_ext", 3381);
    pub const SUBSCRIPTION: Self = Self::new("pg_subscription", 6100);
    pub const TRANSFORM: Self = Self::new("pg_transform", 3576);
    pub const TRIGGER: Self = Self::new("pg_trigger", 2620);
    pub const TS_CONFIG: Self = Self::new("pg_ts_config", 3602);
    pub const TS_DICT: Self = Self::new("pg_ts_dict", 3600);
    pub const TS_PARSER: Self = Self::new("pg_ts_parser", 3601);
    pub const TS_TEMPLATE: Self = Self::new("pg_ts_template", 3764);
    pub const TYPE: Self = Self::new("pg_type", 1247);
    pub const USER_MAPPING: Self = Self::new("pg_user_mapping", 1418);

    const fn new(name: &'static str, oid: u32) -> Self {
        Self { name, oid }
    }
}
