//! A database that exists is adopted: `stamp`, `unstamp`, `baseline`, `init --from`, and what `migrate` says.

use std::sync::Arc;

use crate::project::Project;
use crate::support::{Needs, Server, Suite, tests};

/// Adds the tests of this file.
pub(crate) fn tests(suite: &mut Suite) {
    tests!(suite, Needs::Server; stamp_and_unstamp, half_applied_revision_finished_by_hand, baseline_of_a_matching_database, baseline_of_another_database);
}

const THREE: [(&str, &str); 3] = [
    ("generated/001_a.sql", "CREATE TABLE a (id int);\n"),
    ("generated/002_b.sql", "CREATE TABLE b (id int);\n"),
    ("generated/003_c.sql", "CREATE TABLE c (id int);\n"),
];

async fn with_three_revisions(server: &Arc<Server>) -> Project {
    let project = Project::new(server).await;
    THREE.iter().for_each(|(name, text)| project.write(name, text));
    project
}

async fn stamp_and_unstamp(server: Arc<Server>) {
    let project = with_three_revisions(&server).await;
    project.sql("CREATE TABLE public.a (id int); CREATE TABLE public.b (id int)").await;
    project.run("stamp 001_x").ends(2).says("revision `001_x` does not exist").says("did you mean `001_a`?");
    assert_eq!(project.sql("SELECT 1 FROM pg_namespace WHERE nspname = 'schemadiff'").await, "");
    project
        .run("stamp 002_b")
        .ends(2)
        .says("the earlier `001_a` is not applied")
        .says("schemadiff stamp 001_a 002_b");
    project.run("stamp 001_a --env prod").ends(2).says("`prod` is protected").says("--confirm prod");
    project.run("stamp 002_b 001_a --env prod --confirm prod").ends(0).says("recorded 001_a as applied");
    project.run("stamp 001_a").ends(2).says("`001_a` is already applied");
    project.run("status").ends(1).says("002_b  applied").says("003_c  pending");
    project.run("drift").ends(0).says("matches the state after `002_b`");
    project.run("migrate").ends(0).says("applied 003_c");
    project.run("drift").ends(0);

    project.run("unstamp 002_b").ends(2).says("the later `003_c` is applied");
    project.run("unstamp 003_c --env prod").ends(2).says("`prod` is protected");
    project.run("unstamp 003_c").ends(0).says("its changes stay in the database");
    project.run("unstamp 003_c").ends(2).says("`003_c` is not applied");
    project.run("drift").ends(1).says("table public.c is not expected");
    project.run("stamp 003_c").ends(0);
    project.run("status").ends(0);
    project.run("drift").ends(0);
    // Those that were recorded together with a later one have no state of their own.
    project.run("unstamp 003_c 002_b").ends(0);
    project.write("schema.sql", "CREATE TABLE a (id int);\n");
    project.run("drift").ends(1).says("no state is stored for `001_a`");
}

async fn half_applied_revision_finished_by_hand(server: Arc<Server>) {
    let project = Project::new(&server).await;
    project.write("generated/001_a.sql", "BEGIN; CREATE TABLE a (id int); COMMIT; ALTER TABLE nowhere ADD c int;");
    project.run("migrate").ends(2);
    project.run("status").ends(1).says("half applied");
    project.run("stamp 001_a").ends(0);
    project.run("status").ends(0);
    project.run("drift").ends(0);
    project.run("migrate").ends(0).says("nothing to do");
}

async fn baseline_of_a_matching_database(server: Arc<Server>) {
    let project = with_three_revisions(&server).await;
    project.write(
        "schemadiff.yaml",
        "environments:\n  dev: {url: \"${DEV}\"}\n  prod: {url: \"${DEV}\", protected: true}\ndefault_environment: dev\n\
         manage:\n- ignore: 'other.*'\n- ignore: other\n  kind: schema\n",
    );
    project.sql("CREATE SCHEMA other; CREATE TABLE other.t (id int); CREATE TABLE public.a (id int); CREATE TABLE public.b (id int)").await;
    project.run("baseline").ends(1).says("table public.c is missing").says("schemadiff stamp --env dev");
    project.run("baseline --to 004_d").ends(2).says("revision `004_d` does not exist");
    assert_eq!(project.sql("SELECT 1 FROM pg_namespace WHERE nspname = 'schemadiff'").await, "");
    project.run("baseline --env prod --to 002_b").ends(2).says("`prod` is protected");
    project.run("baseline --to 002_b").ends(0).says("recorded 2 revisions as applied");
    project.run("baseline --to 002_b").ends(0).says("nothing to record");
    project.run("status").ends(1).says("003_c  pending");
    project.run("drift").ends(0);
    project.run("migrate").ends(0).says("applied 003_c");
}

async fn baseline_of_another_database(server: Arc<Server>) {
    let project = Project::new(&server).await;
    project.run("baseline").ends(2).says("the folder has no revisions");
    project.write("schema.sql", "CREATE TABLE a (id int);\n");
    project.run("generate --at 2026-01-01T12:00:00").ends(0);
    project.write("schema.sql", "CREATE TABLE a (id int);\nCREATE TABLE b (id int);\n");
    project.run("generate --at 2026-01-02T12:00:00").ends(0);
    project.sql("CREATE TABLE public.a (id int)").await;
    // The header of a revision says that it produces this state.
    let said = project.run("baseline").ends(1).says("table public.b is missing").says("CREATE TABLE public.b");
    said.says("schemadiff baseline --env dev --to 20260101_120000_add_a");
    let json: serde_json::Value =
        serde_json::from_str(&project.run("baseline --format json").ends(1).out).unwrap();
    assert_eq!(json["matching_revision"], "20260101_120000_add_a");
    project.run("baseline --to 20260101_120000_add_a").ends(0);
    project.run("migrate").ends(0).says("applied 20260102_120000_add_b");
    project.run("drift").ends(0);
    project.run("check").ends(0);
}
