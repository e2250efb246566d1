//! Subscriptions (`pg_subscription`). They are created without a connection to the publisher.

use super::common::{COMMENT, OWNER, owner_column};
use crate::model::kind::{
    Alteration, Attribute, AttributeName, Identity, Kind, Presence, SystemCatalog, ValueType,
};
use crate::model::sql::{Ident, Literal, Sql};
use crate::model::{Object, PgVersion, Step};
use crate::sql;

attribute_names! {
    CONNECTION = "connection",
    PUBLICATIONS = "publications",
    SLOT = "slot",
    BINARY = "binary",
    STREAMING = "streaming",
    SYNCHRONOUS_COMMIT = "synchronous_commit",
    TWO_PHASE = "two_phase",
    DISABLE_ON_ERROR = "disable_on_error",
    NO_PASSWORD = "no_password",
    RUN_AS_OWNER = "run_as_owner",
    ORIGIN = "origin",
    FAILOVER = "failover",
}

/// The kind.
pub static KIND: Kind = Kind {
    name: "subscription",
    key: "subscriptions",
    identity: Identity::Global,
    parents: &[],
    catalog: Some(SystemCatalog::SUBSCRIPTION),
    presence: Presence::Rows(SystemCatalog::SUBSCRIPTION),
    query,
    attributes: &[
        Attribute::altered(AttributeName::CONNECTION, ValueType::Text, &CONNECTION)
            .doc("CONNECTION string of the publisher; may contain a password."),
        Attribute::altered(AttributeName::PUBLICATIONS, ValueType::Names, &PUBLICATIONS)
            .doc("PUBLICATION: publications on the publisher."),
        Attribute::attached(AttributeName::SLOT, ValueType::Text, &SET)
            .doc("slot_name: replication slot; by default the name of the subscription, or NONE."),
        Attribute::attached(AttributeName::BINARY, ValueType::Flag, &SET).doc("binary."),
        Attribute::attached(AttributeName::STREAMING, ValueType::Word(&["off", "on", "parallel"]), &SET)
            .doc("streaming of in-progress transactions: off, on, or parallel (16 or later)."),
        Attribute::attached(AttributeName::SYNCHRONOUS_COMMIT, ValueType::Text, &SET)
            .doc("synchronous_commit of the workers; by default off."),
        Attribute::replaced(AttributeName::TWO_PHASE, ValueType::Flag).doc("two_phase (15 or later)."),
        Attribute::attached(AttributeName::DISABLE_ON_ERROR, ValueType::Flag, &SET)
            .doc("disable_on_error (15 or later)."),
        Attribute::attached(AttributeName::NO_PASSWORD, ValueType::Flag, &SET)
            .doc("password_required = false (16 or later)."),
        Attribute::attached(AttributeName::RUN_AS_OWNER, ValueType::Flag, &SET)
            .doc("run_as_owner (16 or later)."),
        Attribute::attached(AttributeName::ORIGIN, ValueType::Text, &SET)
            .doc("origin: any or none; by default any (16 or later)."),
        // Changing it requires a connection to the publisher.
        Attribute::replaced(AttributeName::FAILOVER, ValueType::Flag).doc("failover (17 or later)."),
        OWNER,
        // Enabling starts replication, which is not part of a schema.
        Attribute::read_only(AttributeName::ENABLED, ValueType::Flag)
            .doc("Whether the subscription is enabled."),
        COMMENT,
    ],
    reference: |subscription| sql!("SUBSCRIPTION {}", Ident(subscription.id.name())),
    rename: Some(super::common::rename_quietly),
    create: |subscription, context| {
        let id = &subscription.id;
        let mut with = vec![sql!("connect = false")];
        for name in [AttributeName::TWO_PHASE, AttributeName::FAILOVER] {
            if subscription.flag(name) {
                with.push(sql!("{} = true", Sql::trusted(name.as_str())));
            }
        }
        // Since PostgreSQL 18 the default is `parallel`.
        if context.version().since(18) && subscription.text(AttributeName::STREAMING).is_empty() {
            with.push(sql!("streaming = off"));
        }
        let sql = sql!(
            "CREATE SUBSCRIPTION {} CONNECTION {} PUBLICATION {} WITH ({})",
            Ident(id.name()),
            Literal(subscription.text(AttributeName::CONNECTION)),
            super::common::idents(subscription.list(AttributeName::PUBLICATIONS)),
            Sql::join(&with, ", "),
        );
        vec![Step::create(id, sql)]
    },
    before_drop: |subscription, _| {
        // With a slot, DROP SUBSCRIPTION connects to the publisher and cannot run in a transaction block.
        let name = Ident(subscription.id.name());
        vec![
            Step::drop(&subscription.id, sql!("ALTER SUBSCRIPTION {} DISABLE", name)),
            Step::drop(&subscription.id, sql!("ALTER SUBSCRIPTION {} SET (slot_name = NONE)", name)),
        ]
    },
    drop: |subscription, _| {
        Some(Step::drop(&subscription.id, sql!("DROP SUBSCRIPTION {}", Ident(subscription.id.name()))))
    },
    ..Kind::DEFAULT
};

fn query(version: PgVersion) -> String {
    let since = |major: u32, column: &'static str, otherwise: &'static str| {
        if version.since(major) { column } else { otherwise }
    };
    // Only superusers can read the column with the connection, and the server rejects any statement that refers to it. This
    // one refers to it only if the privilege exists.
    let connection = "CASE WHEN has_column_privilege('pg_subscription', 'subconninfo', 'SELECT') THEN \
         replace(replace(replace(replace(substring(query_to_xml('SELECT subconninfo AS c FROM pg_subscription WHERE oid = ' || s.oid, \
         false, true, '')::text FROM '<c>(.*)</c>'), '&lt;', '<'), '&gt;', '>'), '&#x0d;', chr(13)), '&amp;', '&') END";
    format!(
        "SELECT s.oid, s.subname AS p1, {connection} AS connection, s.subpublications AS publications, \
         CASE WHEN s.subslotname IS NULL THEN 'NONE' WHEN s.subslotname <> s.subname THEN s.subslotname::text END AS slot, \
         s.subbinary AS binary, {} AS streaming, NULLIF(s.subsynccommit, 'off') AS synchronous_commit, \
         {} AS two_phase, {} AS disable_on_error, {} AS no_password, {} AS run_as_owner, {} AS origin, {} AS failover, \
         s.subenabled AS enabled, {} AS owner FROM pg_subscription s \
         WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND s.oid >= 16384",
        since(
            16,
            "CASE s.substream WHEN 't' THEN 'on' WHEN 'p' THEN 'parallel' END",
            "CASE WHEN s.substream::text IN ('true', 't') THEN 'on' END"
        ),
        since(15, "s.subtwophasestate <> 'd'", "false"),
        since(15, "s.subdisableonerr", "false"),
        since(16, "NOT s.subpasswordrequired", "false"),
        since(16, "s.subrunasowner", "false"),
        since(16, "NULLIF(s.suborigin, 'any')", "NULL::text"),
        since(17, "s.subfailover", "false"),
        owner_column("s.subowner"),
    )
}

fn parameters(before: &Object, after: &Object) -> Vec<Sql> {
    let mut list = Vec::new();
    let texts = [
        (AttributeName::SLOT, "slot_name"),
        (AttributeName::STREAMING, "streaming"),
        (AttributeName::SYNCHRONOUS_COMMIT, "synchronous_commit"),
        (AttributeName::ORIGIN, "origin"),
    ];
    for (attribute, name) in texts {
        if before.get(attribute) == after.get(attribute) {
            continue;
        }
        let value = match (attribute, after.text(attribute)) {
            (AttributeName::SLOT, "NONE") => Sql::trusted("NONE"),
            (AttributeName::SLOT, "") => sql!("{}", Literal(after.id.name())),
            (AttributeName::STREAMING | AttributeName::SYNCHRONOUS_COMMIT, "") => sql!("off"),
            (AttributeName::ORIGIN, "") => sql!("any"),
            (_, text) => sql!("{}", Literal(text)),
        };
        list.push(sql!("{} = {}", Sql::trusted(name), value));
    }
    let flags = [
        (AttributeName::BINARY, "binary", false),
        (AttributeName::DISABLE_ON_ERROR, "disable_on_error", false),
        (AttributeName::NO_PASSWORD, "password_required", true),
        (AttributeName::RUN_AS_OWNER, "run_as_owner", false),
    ];
    for (attribute, name, negated) in flags {
        if before.flag(attribute) != after.flag(attribute) {
            let value = after.flag(attribute) != negated;
            list.push(sql!("{} = {}", Sql::trusted(name), Sql::trusted(value.to_string())));
        }
    }
    list
}

static SET: Alteration = Alteration {
    name: "set",
    steps: |subscription, _| {
        let id = &subscription.after.id;
        // By default the slot has the name of the subscription, which may be invalid as the name of a slot.
        let has_default_slot = |side: &Object| side.text(AttributeName::SLOT).is_empty();
        let becomes_default = has_default_slot(subscription.after) && !has_default_slot(subscription.before);
        if becomes_default && !is_slot_name(id.name()) {
            return None;
        }
        let list = parameters(subscription.before, subscription.after);
        let sql = sql!("ALTER SUBSCRIPTION {} SET ({})", Ident(id.name()), Sql::join(&list, ", "));
        Some(vec![Step::attach(id, sql)])
    },
};

/// Returns whether a replication slot can have this name (manual, section 26.2.6.1).
fn is_slot_name(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

static CONNECTION: Alteration = Alteration {
    name: "connection",
    steps: |subscription, _| {
        let id = &subscription.after.id;
        let connection = Literal(subscription.after.text(AttributeName::CONNECTION));
        Some(vec![Step::alter(id, sql!("ALTER SUBSCRIPTION {} CONNECTION {}", Ident(id.name()), connection))])
    },
};

static PUBLICATIONS: Alteration = Alteration {
    name: "publications",
    steps: |subscription, _| {
        let id = &subscription.after.id;
        let list = super::common::idents(subscription.after.list(AttributeName::PUBLICATIONS));
        let sql =
            sql!("ALTER SUBSCRIPTION {} SET PUBLICATION {} WITH (refresh = false)", Ident(id.name()), list);
        Some(vec![Step::alter(id, sql)])
    },
};
