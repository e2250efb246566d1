//! A database that exists is adopted: `stamp`, `unstamp`, `baseline`, `init --from`, and what `migrate` says.

use std::sync::Arc;

use crate::project::Project;
use crate::support::{Needs, Server, Suite, blocking_tests};

/// Adds the tests of this file.
pub(crate) fn tests(suite: &mut Suite) {
    blocking_tests!(suite, Needs::Server; stamp_and_unstamp, half_applied_revision_finished_by_hand, baseline_of_a_matching_database, baseline_of_another_database, project_from_a_database, database_of_unknown_origin, manual_change_that_is_declared_afterwards, generate_from_a_database_that_differs);
    blocking_tests!(suite, Needs::Installed("an embedded database has no password"); password_of_the_url_is_not_stored);
}

const THREE: [(&str, &str); 3] = [
    ("generated/001_a.sql", "CREATE TABLE a (id int);\n"),
    ("generated/002_b.sql", "CREATE TABLE b (id int);\n"),
    ("generated/003_c.sql", "CREATE TABLE c (id int);\n"),
];

fn with_three_revisions(server: &Arc<Server>) -> Project {
    let project = Project::new(server);
    for (name, text) in THREE {
        project.write(name, text);
    }
    project
}

fn stamp_and_unstamp(server: &Arc<Server>) {
    let project = with_three_revisions(server);
    project.sql("CREATE TABLE public.a (id int); CREATE TABLE public.b (id int)");
    project.run("stamp 001_x").ends(2).says("revision `001_x` does not exist").says("did you mean `001_a`?");
    assert_eq!(project.sql("SELECT 1 FROM pg_namespace WHERE nspname = 'schemadiff'"), "");
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

fn half_applied_revision_finished_by_hand(server: &Arc<Server>) {
    let project = Project::new(server);
    project.write(
        "generated/001_a.sql",
        "BEGIN; CREATE TABLE a (id int); COMMIT; ALTER TABLE nowhere ADD c int;",
    );
    project.run("migrate").ends(2);
    project.run("status").ends(1).says("half applied");
    project.run("stamp 001_a").ends(0);
    project.run("status").ends(0);
    project.run("drift").ends(0);
    project.run("migrate").ends(0).says("nothing to do");
}

fn baseline_of_a_matching_database(server: &Arc<Server>) {
    let project = with_three_revisions(server);
    project.write(
        "schemadiff.yaml",
        "environments:\n  dev: {url: \"${DEV}\"}\n  prod: {url: \"${DEV}\", protected: true}\ndefault_environment: dev\n\
         manage:\n- ignore: 'other.*'\n- ignore: other\n  kind: schema\n",
    );
    project.sql("CREATE SCHEMA other; CREATE TABLE other.t (id int); CREATE TABLE public.a (id int); CREATE TABLE public.b (id int)");
    project.run("baseline").ends(1).says("table public.c is missing").says("schemadiff stamp --env dev");
    project.run("baseline --to 004_d").ends(2).says("revision `004_d` does not exist");
    assert_eq!(project.sql("SELECT 1 FROM pg_namespace WHERE nspname = 'schemadiff'"), "");
    project.run("baseline --env prod --to 002_b").ends(2).says("`prod` is protected");
    project.run("baseline --to 002_b").ends(0).says("recorded 2 revisions as applied");
    project.run("baseline --to 002_b").ends(0).says("nothing to record");
    project.run("status").ends(1).says("003_c  pending");
    project.run("drift").ends(0);
    project.run("migrate").ends(0).says("applied 003_c");
}

fn baseline_of_another_database(server: &Arc<Server>) {
    let project = Project::new(server);
    project.run("baseline").ends(2).says("the folder has no revisions");
    project.write("schema.sql", "CREATE TABLE a (id int);\n");
    project.run("generate --at 2026-01-01T12:00:00").ends(0);
    project.write("schema.sql", "CREATE TABLE a (id int);\nCREATE TABLE b (id int);\n");
    project.run("generate --at 2026-01-02T12:00:00").ends(0);
    project.sql("CREATE TABLE public.a (id int)");
    // The header of a revision says that it produces this state.
    let said =
        project.run("baseline").ends(1).says("table public.b is missing").says("CREATE TABLE public.b");
    said.says("schemadiff baseline --env dev --to 20260101_120000_add_a");
    let json: serde_json::Value =
        serde_json::from_str(&project.run("baseline --format json").ends(1).out).unwrap();
    assert_eq!(json["matching_revision"], "20260101_120000_add_a");
    project.run("baseline --to 20260101_120000_add_a").ends(0);
    project.run("migrate").ends(0).says("applied 20260102_120000_add_b");
    project.run("drift").ends(0);
    project.run("check").ends(0);
}

/// A database with the objects of most kinds, an extension's member, and another tool's table.
const EXISTING: &str = "CREATE SCHEMA shop; CREATE TYPE shop.state AS ENUM ('new', 'paid');
CREATE TABLE shop.customer (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text NOT NULL UNIQUE);
CREATE TABLE shop.orders (id serial PRIMARY KEY, customer bigint REFERENCES shop.customer, state shop.state DEFAULT 'new');
CREATE INDEX ON shop.orders (customer) WHERE state = 'new';
CREATE VIEW shop.unpaid AS SELECT * FROM shop.orders WHERE state = 'new';
CREATE FUNCTION shop.f(a int) RETURNS int LANGUAGE sql AS 'SELECT a + 1';
INSERT INTO shop.customer (email) VALUES ('a@example.org');
CREATE TABLE public.goose_db_version (id serial PRIMARY KEY, version_id bigint NOT NULL, is_applied boolean NOT NULL, tstamp timestamp DEFAULT now());
CREATE TABLE public.schema_migrations (version varchar(128) PRIMARY KEY);
COMMENT ON TABLE public.schema_migrations IS 'of dbmate'";

fn project_from_a_database(server: &Arc<Server>) {
    let project = Project::new(server);
    project.sql(EXISTING);
    for file in ["schemadiff.yaml", ".env"] {
        std::fs::remove_file(project.path(file)).unwrap();
    }
    let address = project.database.address().to_owned();
    let run = |words: &str| -> crate::project::Run {
        let mut command = project.command(words);
        command.args(["--from", &address]).output().unwrap().into()
    };
    run("init .")
        .ends(0)
        .says("table public.goose_db_version of goose is left unchanged")
        .says("table public.schema_migrations of dbmate or Rails is left unchanged")
        .says("_baseline.sql")
        .says("_baseline as applied");
    let target = std::fs::read_to_string(project.path("schema.yaml")).unwrap();
    assert!(target.contains("unpaid") && !target.contains("goose"), "{target}");
    project.run("status").ends(0).says("_baseline  applied");
    project.run("drift").ends(0).says("no drift");
    project.run("generate").ends(0).says("nothing to do");
    project.run("check").ends(0).says("0 findings");
    run("init .").ends(2).says("`schemadiff.yaml` exists");
    run("init other").ends(2).says("has records of revisions");
    let changed = target
        .replace("values: [new, paid]", "values: [new, paid, sent]")
        .replace("[new, paid]", "[new, paid, sent]");
    assert_ne!(changed, target);
    project.write("schema.yaml", &changed);
    project.run("generate").ends(0);
    project.run("migrate").ends(0);
    project.run("drift").ends(0);
    assert_eq!(project.sql("SELECT count(*) FROM shop.customer"), "1");
    assert_eq!(project.sql("SELECT to_regclass('public.goose_db_version')"), "public.goose_db_version");
}

fn password_of_the_url_is_not_stored(server: &Arc<Server>) {
    let project = Project::new(server);
    project.sql("CREATE TABLE public.t (id int)");
    let address = format!("{} password=s3cret", project.database.address());
    let mut command = project.command("init adopted");
    let said: crate::project::Run = command.args(["--from", &address]).output().unwrap().into();
    said.ends(0).says("DATABASE_URL");
    for file in ["schemadiff.yaml", "schema.yaml", ".gitignore"] {
        let text = std::fs::read_to_string(project.path(&format!("adopted/{file}"))).unwrap();
        assert!(!text.contains("s3cret"), "{text}");
    }
    let mut command = project.command("status --config adopted/schemadiff.yaml");
    let said: crate::project::Run = command.env("DATABASE_URL", &address).output().unwrap().into();
    said.ends(0);
}

fn database_of_unknown_origin(server: &Arc<Server>) {
    let project = with_three_revisions(server);
    project
        .sql("CREATE SCHEMA app; CREATE TABLE public.alembic_version (version_num varchar(32) PRIMARY KEY)");
    project.run("migrate --to 001_a").ends(0).says("applied 001_a");
    let project = with_three_revisions(server);
    project.sql("CREATE TABLE public.old (id int); CREATE VIEW public.v AS SELECT 1 AS a");
    for command in ["migrate", "migrate --dry-run"] {
        project
            .run(command)
            .ends(2)
            .says("dev has objects, but no revision is recorded there: table public.old and 1 more")
            .says("schemadiff baseline --env dev")
            .says("schemadiff init FOLDER --from URL")
            .says("--allow existing");
    }
    assert_eq!(project.sql("SELECT 1 FROM pg_namespace WHERE nspname = 'schemadiff'"), "");
    project.run("migrate --allow existing").ends(0).says("applied 003_c");
    project.run("drift").ends(0);
    let project = with_three_revisions(server);
    project.sql("CREATE TABLE public.a (id int)");
    project
        .run("migrate --allow existing")
        .ends(2)
        .says("already exists")
        .says("schemadiff stamp --env dev 001_a");
    project.run("stamp 001_a --env dev").ends(0);
    project.run("migrate").ends(0).says("applied 003_c");
}

fn manual_change_that_is_declared_afterwards(server: &Arc<Server>) {
    let project = Project::new(server);
    let table = "CREATE TABLE a (id int);\n";
    project.write("schema.sql", table);
    project.run("generate --at 2026-01-01T12:00:00").ends(0);
    project.run("migrate").ends(0);
    project.sql("CREATE INDEX by_hand ON public.a (id)");
    project.run("drift").ends(1).says("schemadiff stamp --env dev REVISION");
    project.write("schema.sql", &format!("{table}CREATE INDEX by_hand ON a (id);\n"));
    project.run("generate --at 2026-01-02T12:00:00 --name index").ends(0);
    project
        .run("migrate")
        .ends(2)
        .says("dev already has the schema that `20260102_120000_index` produces")
        .says("schemadiff stamp --env dev 20260102_120000_index");
    project.run("stamp --env dev 20260102_120000_index").ends(0);
    project.run("migrate").ends(0).says("nothing to do");
    project.run("drift").ends(0);
    // A file without a header is compared when it fails.
    project.sql("ALTER TABLE public.a ADD b int");
    project.write("generated/20260103_120000_b.sql", "ALTER TABLE public.a ADD b int;");
    project
        .run("migrate")
        .ends(2)
        .says("already exists")
        .says("dev already has the schema that `20260103_120000_b` produces");
    project.run("stamp 20260103_120000_b").ends(0);
    project.run("drift").ends(0);
}

fn generate_from_a_database_that_differs(server: &Arc<Server>) {
    let project = Project::new(server);
    project.write("schema.sql", "CREATE TABLE a (id int);\n");
    project.run("generate --at 2026-01-01T12:00:00").ends(0);
    project.run("migrate").ends(0);
    project.write("schema.sql", "CREATE TABLE a (id int);\nCREATE TABLE b (id int);\n");
    let said = project.run("generate --from dev --dry-run").ends(0);
    assert!(!said.contains("warning"), "{said:#?}");
    project.sql("CREATE TABLE public.by_hand (id int)");
    project
        .run("generate --from dev --dry-run --allow all --renames drop")
        .ends(0)
        .says("differs from the state that the revisions")
        .says("schemadiff drift --env dev")
        .says("schemadiff baseline --env dev");
}
