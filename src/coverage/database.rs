//! Objects outside schemas, text search, comments, and objects of the cluster.

use super::Treatment::{Derived, Gap, Ignored};
use super::entry::{IDENTITY, OID, Relation, column, derived, ignored, modelled, relation, uniform};

const ROLES: &str = "roles belong to the cluster: they are referred to, but not created";
const SPACES: &str = "tablespaces belong to the cluster: they are referred to, but not created";
const DATABASE: &str = "properties of the database itself, which pg_dump prints only with --create";
const LARGE_OBJECTS: &str = "large objects are data";

pub(super) const RELATIONS: &[Relation] = &[
    relation(
        "pg_namespace",
        &[
            derived("oid", OID),
            derived("nspname", IDENTITY),
            modelled("nspowner", "schema.owner"),
            modelled("nspacl", "schema.grants"),
        ],
    ),
    relation(
        "pg_extension",
        &[
            derived("oid", OID),
            derived("extname", IDENTITY),
            ignored("extowner", "the owner of an extension cannot be changed"),
            modelled("extnamespace", "extension.schema"),
            derived("extrelocatable", "determined by the files of the extension"),
            ignored("extversion", "the available versions depend on the server, as in pg_dump"),
            derived("extconfig", "determined by the files of the extension"),
            derived("extcondition", "determined by the files of the extension"),
        ],
    ),
    relation(
        "pg_am",
        &[
            derived("oid", OID),
            derived("amname", IDENTITY),
            modelled("amhandler", "access method.handler"),
            modelled("amtype", "access method.type"),
        ],
    ),
    relation(
        "pg_foreign_data_wrapper",
        &[
            derived("oid", OID),
            derived("fdwname", IDENTITY),
            modelled("fdwowner", "foreign data wrapper.owner"),
            modelled("fdwhandler", "foreign data wrapper.handler"),
            modelled("fdwvalidator", "foreign data wrapper.validator"),
            modelled("fdwacl", "foreign data wrapper.grants"),
            modelled("fdwoptions", "foreign data wrapper.options"),
        ],
    ),
    relation(
        "pg_foreign_server",
        &[
            derived("oid", OID),
            derived("srvname", IDENTITY),
            modelled("srvowner", "server.owner"),
            modelled("srvfdw", "server.wrapper"),
            modelled("srvtype", "server.type"),
            modelled("srvversion", "server.version"),
            modelled("srvacl", "server.grants"),
            modelled("srvoptions", "server.options"),
        ],
    ),
    relation(
        "pg_user_mapping",
        &[
            derived("oid", OID),
            derived("umuser", IDENTITY),
            derived("umserver", IDENTITY),
            modelled("umoptions", "user mapping.options"),
        ],
    ),
    relation(
        "pg_event_trigger",
        &[
            derived("oid", OID),
            derived("evtname", IDENTITY),
            modelled("evtevent", "event trigger.event"),
            modelled("evtowner", "event trigger.owner"),
            modelled("evtfoid", "event trigger.function"),
            modelled("evtenabled", "event trigger.enabled"),
            modelled("evttags", "event trigger.tags"),
        ],
    ),
    relation(
        "pg_default_acl",
        &[
            derived("oid", OID),
            modelled("defaclrole", "default privilege.owner"),
            modelled("defaclnamespace", "default privilege.schema"),
            modelled("defaclobjtype", "default privilege.on"),
            modelled("defaclacl", "default privilege.grants"),
        ],
    ),
    relation(
        "pg_publication",
        &[
            derived("oid", OID),
            derived("pubname", IDENTITY),
            modelled("pubowner", "publication.owner"),
            modelled("puballtables", "publication.all_tables"),
            modelled("pubinsert", "publication.operations"),
            modelled("pubupdate", "publication.operations"),
            modelled("pubdelete", "publication.operations"),
            modelled("pubtruncate", "publication.operations"),
            modelled("pubviaroot", "publication.via_root"),
            modelled("pubgencols", "publication.generated_columns").since(18),
        ],
    ),
    relation(
        "pg_publication_rel",
        &[
            derived("oid", OID),
            derived("prpubid", IDENTITY),
            derived("prrelid", IDENTITY),
            modelled("prqual", "publication table.where").since(15),
            modelled("prattrs", "publication table.columns").since(15),
        ],
    ),
    relation(
        "pg_publication_namespace",
        &[derived("oid", OID), derived("pnpubid", IDENTITY), derived("pnnspid", IDENTITY)],
    )
    .since(15),
    relation(
        "pg_subscription",
        &[
            derived("oid", OID),
            derived("subdbid", "subscriptions of other databases are left out"),
            derived("subname", IDENTITY),
            modelled("subowner", "subscription.owner"),
            modelled("subenabled", "subscription.enabled"),
            modelled("subbinary", "subscription.binary"),
            modelled("substream", "subscription.streaming"),
            modelled("subconninfo", "subscription.connection"),
            modelled("subslotname", "subscription.slot"),
            modelled("subsynccommit", "subscription.synchronous_commit"),
            modelled("subpublications", "subscription.publications"),
            ignored("subskiplsn", "a transaction to skip, which is set temporarily").since(15),
            modelled("subtwophasestate", "subscription.two_phase").since(15),
            modelled("subdisableonerr", "subscription.disable_on_error").since(15),
            modelled("subpasswordrequired", "subscription.no_password").since(16),
            modelled("subrunasowner", "subscription.run_as_owner").since(16),
            modelled("subfailover", "subscription.failover").since(17),
            modelled("suborigin", "subscription.origin").since(16),
        ],
    ),
    uniform("pg_subscription_rel", Ignored("the progress of the initial copy of each table")),
    relation(
        "pg_ts_config",
        &[
            derived("oid", OID),
            derived("cfgname", IDENTITY),
            derived("cfgnamespace", IDENTITY),
            modelled("cfgowner", "text search configuration.owner"),
            modelled("cfgparser", "text search configuration.parser"),
        ],
    ),
    relation(
        "pg_ts_config_map",
        &[
            derived("mapcfg", IDENTITY),
            modelled("maptokentype", "text search configuration.mappings"),
            modelled("mapseqno", "text search configuration.mappings"),
            modelled("mapdict", "text search configuration.mappings"),
        ],
    ),
    relation(
        "pg_ts_dict",
        &[
            derived("oid", OID),
            derived("dictname", IDENTITY),
            derived("dictnamespace", IDENTITY),
            modelled("dictowner", "text search dictionary.owner"),
            modelled("dicttemplate", "text search dictionary.template"),
            modelled("dictinitoption", "text search dictionary.options"),
        ],
    ),
    relation(
        "pg_ts_parser",
        &[
            derived("oid", OID),
            derived("prsname", IDENTITY),
            derived("prsnamespace", IDENTITY),
            modelled("prsstart", "text search parser.start"),
            modelled("prstoken", "text search parser.token"),
            modelled("prsend", "text search parser.end"),
            modelled("prsheadline", "text search parser.headline"),
            modelled("prslextype", "text search parser.types"),
        ],
    ),
    relation(
        "pg_ts_template",
        &[
            derived("oid", OID),
            derived("tmplname", IDENTITY),
            derived("tmplnamespace", IDENTITY),
            modelled("tmplinit", "text search template.init"),
            modelled("tmpllexize", "text search template.lexize"),
        ],
    ),
    relation(
        "pg_description",
        &[
            derived("objoid", IDENTITY),
            derived("classoid", IDENTITY),
            derived("objsubid", IDENTITY),
            modelled(
                "description",
                "*.comment, primary key.index_comment, unique constraint.index_comment, \
                 exclusion constraint.index_comment, column.not_null_comment, domain.not_null_comment",
            ),
        ],
    ),
    relation(
        "pg_seclabel",
        &[
            derived("objoid", IDENTITY),
            derived("classoid", IDENTITY),
            derived("objsubid", IDENTITY),
            derived("provider", "read with the label"),
            column(
                "label",
                Gap("a label can only be set if its provider is loaded, which scratch servers do not have"),
            ),
        ],
    ),
    relation(
        "pg_init_privs",
        &[
            modelled("objoid", "system privilege.on"),
            derived("classoid", IDENTITY),
            modelled("objsubid", "system privilege.column"),
            modelled("privtype", "system privilege.extension"),
            modelled("initprivs", "system privilege.grants"),
        ],
    ),
    uniform("pg_largeobject", Ignored(LARGE_OBJECTS)),
    uniform("pg_largeobject_metadata", Ignored(LARGE_OBJECTS)),
    uniform("pg_authid", Ignored(ROLES)),
    uniform("pg_auth_members", Ignored(ROLES)),
    uniform("pg_tablespace", Ignored(SPACES)),
    uniform("pg_database", Ignored(DATABASE)),
    uniform("pg_db_role_setting", Ignored(DATABASE)),
    uniform("pg_parameter_acl", Ignored("privileges on parameters, which belong to the cluster")).since(15),
    uniform("pg_shdepend", Derived("the roles that an object refers to are read from the object")),
    uniform(
        "pg_shdescription",
        Ignored("comments on databases, roles and tablespaces, which belong to the cluster"),
    ),
    uniform(
        "pg_shseclabel",
        Ignored("labels of databases, roles and tablespaces, which belong to the cluster"),
    ),
    uniform("pg_replication_origin", Ignored("the progress of replication, which belongs to the cluster")),
];
