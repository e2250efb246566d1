//! The identity moves from a column to the column that replaces it.

use crate::kinds::column;
use crate::model::object::Object;
use crate::model::sql::{Ident, Literal, Sql};
use crate::sql;

/// Returns a block that runs `statements`, which drop a column and rename its shadow column, and then makes the latter the
/// same identity. The sequence is dropped with the old column; the new one gets its current value, privileges and comment.
pub(super) fn move_identity(column: &Object, statements: &[Sql]) -> String {
    let name = column::sequence_name(column);
    let own = Ident(column.id.name());
    let add = sql!(
        "ALTER TABLE {} ALTER COLUMN {} ADD {}",
        column.id.qualified_relation(),
        own,
        column::identity(column)
    );
    let statements = Sql::join(statements, ";\n    ");
    let literal = sql!("{}", Literal(&name.to_string()));
    format!(
        "
DECLARE
    sd_last_value bigint;
    sd_is_called boolean;
    sd_comment text;
    sd_owner oid;
    sd_old_acl aclitem[];
    sd_new_acl aclitem[];
    sd_grant record;
BEGIN
    SELECT last_value, is_called INTO sd_last_value, sd_is_called FROM {name};
    SELECT relowner, relacl, pg_catalog.obj_description(oid, 'pg_class') INTO sd_owner, sd_old_acl, sd_comment
    FROM pg_catalog.pg_class WHERE oid = {literal}::regclass;
    {statements};
    {add};
    PERFORM pg_catalog.setval({literal}, sd_last_value, sd_is_called);
    EXECUTE pg_catalog.format('COMMENT ON SEQUENCE %s IS %L', {literal}, sd_comment);
    SELECT relacl INTO sd_new_acl FROM pg_catalog.pg_class WHERE oid = {literal}::regclass;
    IF sd_old_acl IS DISTINCT FROM sd_new_acl THEN
        FOR sd_grant IN
            SELECT 1 AS place, 'REVOKE ALL' AS what, 'FROM' AS word, grantee, false AS is_grantable
            FROM pg_catalog.aclexplode(coalesce(sd_new_acl, pg_catalog.acldefault('s', sd_owner)))
            UNION
            SELECT 2, 'GRANT ' || privilege_type, 'TO', grantee, is_grantable AND grantee <> sd_owner
            FROM pg_catalog.aclexplode(coalesce(sd_old_acl, pg_catalog.acldefault('s', sd_owner)))
            ORDER BY 1, 2, 4
        LOOP
            EXECUTE pg_catalog.format('%s ON SEQUENCE %s %s %s%s', sd_grant.what, {literal}, sd_grant.word,
                CASE sd_grant.grantee WHEN 0 THEN 'PUBLIC' ELSE sd_grant.grantee::regrole::text END,
                CASE WHEN sd_grant.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END);
        END LOOP;
    END IF;
END
"
    )
}
