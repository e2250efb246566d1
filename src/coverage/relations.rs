//! Tables and their columns, constraints, indexes, triggers, rules and policies.

use super::Treatment::{Gap, Ignored};
use super::entry::{
    COUNT, Column, IDENTITY, KIND, MARK, OID, Relation, TYPE, column, derived, ignored, modelled, relation,
    uniform,
};

const STORED: &str = "the physical storage of the rows";
const ORDER: &str = "the server writes it from what is modelled; the order of a plan rests on it";
const PRINTED: &str = "index.keys, exclusion constraint.definition";

pub(super) const RELATIONS: &[Relation] = &[
    relation("pg_class", CLASS),
    relation("pg_attribute", ATTRIBUTE),
    relation(
        "pg_attrdef",
        &[
            derived("oid", OID),
            derived("adrelid", IDENTITY),
            derived("adnum", IDENTITY),
            modelled("adbin", "default.expression, column.generated"),
        ],
    ),
    relation("pg_constraint", CONSTRAINT),
    relation("pg_index", INDEX),
    relation(
        "pg_inherits",
        &[
            derived("inhrelid", IDENTITY),
            modelled("inhparent", "table.inherits, foreign table.inherits, partition.of, index.share_of"),
            modelled("inhseqno", "table.inherits, foreign table.inherits"),
            column(
                "inhdetachpending",
                Gap("an interrupted DETACH PARTITION CONCURRENTLY, which FINALIZE completes"),
            ),
        ],
    ),
    relation(
        "pg_partitioned_table",
        &[
            derived("partrelid", IDENTITY),
            modelled("partstrat", "table.partition_by"),
            derived("partnatts", COUNT),
            derived("partdefid", "read from the bound of the partition"),
            modelled("partattrs", "table.partition_by"),
            modelled("partclass", "table.partition_by"),
            modelled("partcollation", "table.partition_by"),
            modelled("partexprs", "table.partition_by"),
        ],
    ),
    relation(
        "pg_foreign_table",
        &[
            derived("ftrelid", IDENTITY),
            modelled("ftserver", "foreign table.server"),
            modelled("ftoptions", "foreign table.options"),
        ],
    ),
    relation(
        "pg_sequence",
        &[
            derived("seqrelid", IDENTITY),
            modelled("seqtypid", "sequence.type, column.sequence"),
            modelled("seqstart", "sequence.start, column.sequence"),
            modelled("seqincrement", "sequence.increment, column.sequence"),
            modelled("seqmax", "sequence.max, column.sequence"),
            modelled("seqmin", "sequence.min, column.sequence"),
            modelled("seqcache", "sequence.cache, column.sequence"),
            modelled("seqcycle", "sequence.cycle, column.sequence"),
        ],
    ),
    relation(
        "pg_statistic_ext",
        &[
            derived("oid", OID),
            modelled("stxrelid", "statistics object.table"),
            derived("stxname", IDENTITY),
            derived("stxnamespace", IDENTITY),
            modelled("stxowner", "statistics object.owner"),
            modelled("stxstattarget", "statistics object.target"),
            modelled("stxkeys", "statistics object.columns"),
            modelled("stxkind", "statistics object.kinds"),
            modelled("stxexprs", "statistics object.columns"),
        ],
    ),
    relation("pg_trigger", TRIGGER),
    relation(
        "pg_rewrite",
        &[
            derived("oid", OID),
            derived("rulename", IDENTITY),
            derived("ev_class", IDENTITY),
            modelled("ev_type", "rule.definition"),
            modelled("ev_enabled", "rule.enabled"),
            modelled("is_instead", "rule.definition"),
            modelled("ev_qual", "rule.definition"),
            modelled("ev_action", "rule.definition, view.query, materialized view.query"),
        ],
    ),
    relation(
        "pg_policy",
        &[
            derived("oid", OID),
            derived("polname", IDENTITY),
            derived("polrelid", IDENTITY),
            modelled("polcmd", "policy.command"),
            modelled("polpermissive", "policy.restrictive"),
            modelled("polroles", "policy.roles"),
            modelled("polqual", "policy.using"),
            modelled("polwithcheck", "policy.check"),
        ],
    ),
    uniform("pg_statistic", Ignored("statistics that ANALYZE gathers")),
    uniform("pg_statistic_ext_data", Ignored("statistics that ANALYZE gathers")),
    relation(
        "pg_depend",
        &[
            derived("classid", IDENTITY),
            derived("objid", IDENTITY),
            derived("objsubid", IDENTITY),
            derived("refclassid", ORDER),
            derived("refobjid", ORDER),
            derived("refobjsubid", ORDER),
            modelled(
                "deptype",
                "function.depends_on_extensions, procedure.depends_on_extensions, trigger.depends_on_extensions, \
                 index.depends_on_extensions, materialized view.depends_on_extensions, sequence.owned_by",
            ),
        ],
    ),
];

const CLASS: &[Column] = &[
    derived("oid", OID),
    derived("relname", IDENTITY),
    derived("relnamespace", IDENTITY),
    derived("reltype", "the row type is created with the relation"),
    modelled("reloftype", "table.of_type"),
    modelled(
        "relowner",
        "table.owner, foreign table.owner, view.owner, materialized view.owner, sequence.owner",
    ),
    modelled("relam", "table.access_method, materialized view.access_method, index.method"),
    ignored("relfilenode", STORED),
    modelled(
        "reltablespace",
        "table.tablespace, materialized view.tablespace, index.tablespace, primary key.tablespace, \
         unique constraint.tablespace, exclusion constraint.tablespace",
    ),
    ignored("relpages", STORED),
    ignored("reltuples", STORED),
    ignored("relallvisible", STORED),
    ignored("relallfrozen", STORED).since(18),
    derived("reltoastrelid", "a TOAST table is created with its table; its options have the prefix `toast.`"),
    derived("relhasindex", MARK),
    derived("relisshared", "only system catalogs are shared"),
    modelled("relpersistence", "table.persistence, sequence.unlogged, column.sequence"),
    modelled("relkind", "default.of_view"),
    derived("relnatts", COUNT),
    derived("relchecks", COUNT),
    derived("relhasrules", MARK),
    derived("relhastriggers", MARK),
    derived("relhassubclass", MARK),
    modelled("relrowsecurity", "table.row_security"),
    modelled("relforcerowsecurity", "table.force_row_security"),
    modelled("relispopulated", "materialized view.unpopulated"),
    modelled("relreplident", "table.replica_identity, materialized view.replica_identity"),
    derived("relispartition", KIND),
    ignored("relrewrite", "set only while a command rewrites the table"),
    ignored("relfrozenxid", STORED),
    ignored("relminmxid", STORED),
    modelled(
        "relacl",
        "table.grants, foreign table.grants, view.grants, materialized view.grants, sequence.grants",
    ),
    modelled(
        "reloptions",
        "table.options, view.options, materialized view.options, index.options, primary key.options, \
         unique constraint.options, exclusion constraint.definition",
    ),
    modelled("relpartbound", "partition.bound"),
];

const ATTRIBUTE: &[Column] = &[
    derived("attrelid", IDENTITY),
    modelled("attname", "view.columns"),
    modelled("atttypid", "column.type, attribute.type, view.columns"),
    modelled(
        "attstattarget",
        "column.statistics, view column.statistics, index.statistics, exclusion constraint.statistics",
    ),
    derived("attlen", TYPE),
    modelled("attnum", "column.system"),
    ignored("attndims", "the server does not enforce the declared number of array dimensions"),
    ignored("attcacheoff", "used only in memory").until(17),
    modelled("atttypmod", "column.type, attribute.type, view.columns"),
    derived("attbyval", TYPE),
    derived("attalign", TYPE),
    modelled("attstorage", "column.storage, view column.storage, view column.own_storage"),
    modelled("attcompression", "column.compression, view column.compression"),
    modelled("attnotnull", "column.not_null"),
    derived("atthasdef", MARK),
    ignored("atthasmissing", "the value of rows that are older than the column, which is data"),
    modelled("attidentity", "column.identity"),
    modelled("attgenerated", "column.generated, column.virtual"),
    derived("attisdropped", "dropped columns are left out"),
    modelled("attislocal", "column.inherited"),
    derived("attinhcount", COUNT),
    modelled("attcollation", "column.collation, attribute.collation, view.columns"),
    modelled("attacl", "column.grants, view column.grants"),
    modelled("attoptions", "column.options, view column.options, index.keys"),
    modelled("attfdwoptions", "column.foreign_options"),
    ignored("attmissingval", "the value of rows that are older than the column, which is data"),
];

const CONSTRAINT: &[Column] = &[
    derived("oid", OID),
    modelled("conname", "column.not_null_name, domain.not_null_name"),
    derived("connamespace", IDENTITY),
    derived("contype", KIND),
    modelled(
        "condeferrable",
        "primary key.deferrable, unique constraint.deferrable, foreign key.deferrable, \
         exclusion constraint.definition, trigger.definition",
    ),
    modelled(
        "condeferred",
        "primary key.initially_deferred, unique constraint.initially_deferred, foreign key.initially_deferred, \
         exclusion constraint.definition, trigger.definition",
    ),
    modelled(
        "convalidated",
        "check constraint.not_valid, foreign key.not_valid, domain constraint.not_valid, column.not_null_not_valid",
    ),
    derived("conrelid", IDENTITY),
    derived("contypid", IDENTITY),
    derived("conindid", "the index is created with the constraint, or belongs to the referenced key"),
    modelled("conparentid", "primary key.share, unique constraint.share, exclusion constraint.share"),
    modelled("confrelid", "foreign key.references"),
    modelled("confupdtype", "foreign key.on_update"),
    modelled("confdeltype", "foreign key.on_delete"),
    modelled("confmatchtype", "foreign key.match"),
    modelled("conislocal", "check constraint.inherited, column.not_null_inherited"),
    derived("coninhcount", COUNT),
    modelled("connoinherit", "check constraint.no_inherit, column.not_null_no_inherit"),
    modelled(
        "conkey",
        "primary key.columns, unique constraint.columns, foreign key.columns, exclusion constraint.definition",
    ),
    modelled("confkey", "foreign key.referenced_columns"),
    derived("conpfeqop", "determined by the operator class of the referenced index"),
    derived("conppeqop", "determined by the operator class of the referenced index"),
    derived("conffeqop", "determined by the operator class of the referenced index"),
    modelled("conexclop", "exclusion constraint.definition"),
    modelled("conbin", "check constraint.expression, domain constraint.expression"),
    modelled("confdelsetcols", "foreign key.on_delete_columns").since(15),
    modelled("conenforced", "check constraint.not_enforced, foreign key.not_enforced").since(18),
    modelled(
        "conperiod",
        "primary key.without_overlaps, unique constraint.without_overlaps, foreign key.period",
    )
    .since(18),
];

const INDEX: &[Column] = &[
    derived("indexrelid", IDENTITY),
    derived("indrelid", IDENTITY),
    modelled("indnatts", "index.include, primary key.include, unique constraint.include"),
    modelled("indnkeyatts", "index.include, primary key.include, unique constraint.include"),
    modelled("indisunique", "index.unique"),
    derived("indisprimary", KIND),
    derived("indisexclusion", KIND),
    derived("indimmediate", "determined by whether the constraint is deferrable"),
    modelled(
        "indisclustered",
        "index.clustered, primary key.clustered, unique constraint.clustered, exclusion constraint.clustered",
    ),
    modelled("indisvalid", "index.incomplete, primary key.incomplete, unique constraint.incomplete"),
    ignored("indcheckxmin", "relevant only to transactions that are older than the index"),
    derived("indisready", "an index whose build failed is reported, but not part of the schema"),
    derived("indislive", "an index that is being dropped is not part of the schema"),
    modelled(
        "indisreplident",
        "index.replica_identity, primary key.replica_identity, unique constraint.replica_identity",
    ),
    modelled(
        "indkey",
        "index.keys, index.include, primary key.columns, primary key.include, unique constraint.include",
    ),
    modelled("indcollation", PRINTED),
    modelled("indclass", PRINTED),
    modelled("indoption", PRINTED),
    modelled("indexprs", PRINTED),
    modelled("indpred", "index.where, exclusion constraint.definition"),
    modelled("indnullsnotdistinct", "index.nulls_not_distinct, unique constraint.nulls_not_distinct")
        .since(15),
];

const TRIGGER: &[Column] = &[
    derived("oid", OID),
    derived("tgrelid", IDENTITY),
    modelled("tgparentid", "trigger.clone"),
    derived("tgname", IDENTITY),
    modelled("tgfoid", "trigger.definition"),
    modelled("tgtype", "trigger.definition"),
    modelled("tgenabled", "trigger.enabled"),
    derived("tgisinternal", "the triggers of a constraint are created with it; disabled ones are reported"),
    modelled("tgconstrrelid", "trigger.definition"),
    derived("tgconstrindid", "the triggers of a constraint are created with it"),
    modelled("tgconstraint", "trigger.constraint"),
    modelled("tgdeferrable", "trigger.definition"),
    modelled("tginitdeferred", "trigger.definition"),
    derived("tgnargs", COUNT),
    modelled("tgattr", "trigger.definition"),
    modelled("tgargs", "trigger.definition"),
    modelled("tgqual", "trigger.definition"),
    modelled("tgoldtable", "trigger.definition"),
    modelled("tgnewtable", "trigger.definition"),
];
